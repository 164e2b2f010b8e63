"""`train --init`, `--freeze` and `evaluate --knn` as people use them."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from patchword.cli.main import app
from patchword.errors import PatchwordError
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig
from patchword.training.recipe import read_toml

FEW_STEPS = ["--set", "training.max_steps=3", "--set", "batch_size=8"]


def done(*arguments: object, code: int = 0) -> tuple[str, str]:
    """What a command prints on standard output and standard error."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def problem(*arguments: object) -> str:
    """The sentence of a command that must fail on its input."""
    with pytest.raises(PatchwordError) as caught:
        CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.fixture
def backbone(tmp_path: Path) -> Path:
    """A model without a head, at its own odd image size."""
    fields = {"num_classes": 0, "image_size": (8, 12), "patch_size": 4, "d_model": 8, "num_heads": 2, "d_ff": 8}
    model = VisionTransformer(VisionTransformerConfig.model_validate({**fields, "num_layers": 2}))
    ImageClassifier(model, Preprocessing(image_size=(8, 12), mean=(0.1, 0.2, 0.3)), ()).save(tmp_path / "backbone")
    return tmp_path / "backbone"


@pytest.fixture
def translator(phrases: tuple[Path, Path], tmp_path: Path) -> Path:
    texts = [path.read_text(encoding="utf-8").splitlines() for path in phrases]
    vocabulary = Vocabulary.train(*texts, VocabularyConfig(size=400))
    fields = {"source_vocab_size": 400, "target_vocab_size": 400, "d_model": 16, "num_heads": 2, "d_ff": 16}
    config = TransformerConfig.model_validate({**fields, "encoder_layers": 1, "decoder_layers": 1})
    Translator(Transformer(config), vocabulary, ("en", "de")).save(tmp_path / "translator")
    return tmp_path / "translator"


def test_fine_tuning_without_a_recipe_picks_for_fine_tuning_and_says_so(
    backbone: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    _, said = done("train", "classification", "--data", photos, "--init", backbone, "--out", out, *FEW_STEPS)
    assert "picked a learning rate of 0.0003 for the head, 0.75 times that of the layer above for each layer" in said
    assert "picked 30 epochs" in said
    assert f"starting from {backbone}, with a new head of 3 classes, training all of it" in said
    written = read_toml(out / "recipe.toml")
    assert written["init"] == str(backbone)
    assert written["preprocessing"]["image_size"] == [8, 12]
    assert written["model"] == {"drop_path": 0.05}
    assert written["optimizer"]["layer_decay"] == 0.75
    assert ImageClassifier.load(out).classes == ("blue", "green", "red")


def test_padding_is_picked_for_the_image_size_that_is_set(backbone: Path, photos: Path, tmp_path: Path) -> None:
    settings = ["--set", "preprocessing.image_size=[16, 32]", "--set", f"init='{backbone}'"]
    done("train", "classification", "--data", photos, "--out", tmp_path / "run", *settings, *FEW_STEPS)
    assert read_toml(tmp_path / "run" / "recipe.toml")["augmentation"]["pad_crop"] == 2


def test_a_linear_probe_trains_the_head_alone(backbone: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    probe = ["--init", backbone, "--freeze", "backbone", *FEW_STEPS]
    _, said = done("train", "classification", "--data", photos, "--out", out, *probe)
    assert "picked a learning rate of 0.01 of the head alone" in said
    assert "training the head alone" in said
    old, new = ImageClassifier.load(backbone).model, ImageClassifier.load(out).model
    assert all(torch.equal(w, new.state_dict()[name]) for name, w in old.state_dict().items())


def test_a_recipe_takes_init_and_freeze_from_the_command_line(backbone: Path, photos: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        'task = "classification"\nbatch_size = 8\n[data]\ntrain = ["photos"]\n[training]\nmax_steps = 2\n'
    )
    arguments = ["train", recipe, "--data", tmp_path, "--init", backbone, "--freeze", "backbone"]
    done(*arguments, "--out", tmp_path / "run", "--set", "preprocessing.image_size=[12, 8]")
    written = read_toml(tmp_path / "run" / "recipe.toml")
    assert (written["freeze"], written["preprocessing"]["image_size"]) == ("backbone", [12, 8])
    assert written["preprocessing"]["mean"] == [0.1, 0.2, 0.3]
    backbone.rename(tmp_path / "moved")
    done("train", "--resume", "--out", tmp_path / "run", "--set", "training.max_steps=4")


def test_a_translator_is_fine_tuned_with_its_vocabulary_and_languages(
    translator: Path, phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    source, target = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_bytes(phrases[0].read_bytes())
    target.write_bytes(phrases[1].read_bytes())
    both = ["--source", source, "--target", target, "--init", translator, "--freeze", "embeddings"]
    few = ["--set", "training.max_steps=3"]
    _, said = done("train", "translation", *both, "--out", tmp_path / "run", *few)
    assert "picked a learning rate of 0.0003 for the output, 0.9 times that of the layer above" in said
    assert "training all but the embeddings" in said
    old, new = Translator.load(translator), Translator.load(tmp_path / "run")
    assert new.languages == ("en", "de")
    assert new.vocabulary.files() == old.vocabulary.files()


def test_knn_scores_a_backbone_without_a_head(backbone: Path, photos: Path) -> None:
    shown, _ = done("evaluate", backbone, "--data", photos, "--knn", 5)
    assert shown.startswith("5-NN accuracy")
    assert "60 images, neighbours chosen from 59 by cosine similarity" in shown
    assert "confusion" in shown
    found = json.loads(
        done("evaluate", backbone, "--data", photos, "--knn", 5, "--neighbours-from", photos, "--json")[0]
    )
    assert (found["k"], found["images"], found["neighbours"]) == (5, 60, 60)
    assert sum(map(sum, found["confusion"])) == 60


def test_knn_lists_what_it_could_not_read_and_exits_with_1(backbone: Path, photos: Path) -> None:
    (photos / "red" / "03.png").write_bytes(b"x")
    shown, said = done("evaluate", backbone, "--data", photos, "--knn", 1, code=1)
    assert "59 images, neighbours chosen from 58 by" in shown
    assert said.strip() == f"patchword: {photos}/red/03.png: not an image, or of an unknown format"


def test_mistakes_are_one_sentence(
    backbone: Path, translator: Path, photos: Path, phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    out = ["--out", tmp_path / "out"]
    images = ["train", "classification", "--data", photos, *out]
    pairs = ["train", "translation", "--source", phrases[0], "--target", phrases[1], *out]
    assert "classification was asked for" in problem(*images, "--init", translator)
    assert "translation was asked for" in problem(*pairs, "--init", backbone)
    assert "nowhere: no such model folder" in problem(*images, "--init", "nowhere")
    assert "freeze = 'backbone' needs init" in problem(*images, "--freeze", "backbone")
    assert "input should be 'embeddings' or 'encoder'" in problem(*pairs, "--init", translator, "--freeze", "backbone")
    assert "model.d_model cannot be set together with init" in problem(
        *images, "--init", backbone, "--set", "model.d_model=16"
    )
    assert "vocabulary.size cannot be set together with init" in problem(
        *pairs, "--init", translator, "--set", "vocabulary.size=500"
    )
    assert "an image of 30 x 30 pixels does not divide into patches of 4" in problem(
        *images, "--init", backbone, "--set", "preprocessing.image_size=[30, 30]"
    )
    assert "preprocessing.image_size = 'large'" in problem(
        *images, "--init", backbone, "--set", "preprocessing.image_size=large"
    )
    assert "--init is for a new run" in problem("train", "--resume", *out, "--init", backbone)
    assert not (tmp_path / "out").exists()

    knn = ["evaluate", backbone, "--data", photos]
    assert "60 neighbours asked for" in problem(*knn, "--knn", 60)
    assert "--neighbours-from goes with --knn" in problem(*knn, "--neighbours-from", photos)
    assert "score its features with `patchword evaluate --knn`" in problem(*knn)
    assert "--knn is for image classifiers" in problem("evaluate", translator, "--data", "x.tsv", "--knn", 3)
