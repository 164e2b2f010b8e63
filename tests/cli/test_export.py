"""`patchword export` as people use it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from patchword.api import export, import_checkpoint, load
from patchword.checkpoints.exportable import Exportable
from patchword.cli.main import app
from patchword.converters.exporting import EXPORTERS
from patchword.errors import PatchwordError
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.text.search import SearchOptions
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig
from tests.converters.onnx.models import OnnxModel, randomised


def problem(*arguments: object) -> str:
    """The sentence of an export that must fail on its input."""
    with pytest.raises(PatchwordError) as caught:
        CliRunner().invoke(app, ["export", *map(str, arguments)], catch_exceptions=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    fields = {"num_classes": 2, "image_size": (16, 16), "patch_size": 8, "d_model": 16, "num_heads": 2, "d_ff": 16}
    model = randomised(VisionTransformer(VisionTransformerConfig.model_validate(fields | {"num_layers": 1})))
    ImageClassifier(model, Preprocessing(image_size=(16, 16)), ["cat", "dog"]).save(tmp_path / "classifier")
    return tmp_path / "classifier"


@pytest.fixture
def translator(phrases: tuple[Path, Path], tmp_path: Path) -> Path:
    texts = [path.read_text(encoding="utf-8").splitlines() for path in phrases]
    vocabulary = Vocabulary.train(*texts, VocabularyConfig(size=400))
    sizes = {"d_model": 16, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 16, "positions": "none"}
    config = TransformerConfig.named("tiny", vocabulary.source_size, vocabulary.target_size, **sizes)
    Translator(randomised(Transformer(config)), vocabulary, ("en", "de")).save(tmp_path / "translator")
    return tmp_path / "translator"


def test_a_classifier_is_one_graph_that_names_what_we_name(classifier: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(classifier), str(tmp_path / "out"), "--to", "onnx"])
    assert done.output == f"{tmp_path}/out: config.json, model.onnx\n"
    onnx = OnnxModel(tmp_path / "out")
    photo = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    preprocessing = onnx.config["preprocessing"]
    pixels = (photo / 255.0 - preprocessing["mean"]) / preprocessing["std"]
    logits = onnx.run("model.onnx", {"images": pixels.transpose(2, 0, 1)[None].astype(np.float32)})["logits"][0]
    best, probability = ImageClassifier.load(classifier).classify([Image.fromarray(photo)])[0].predictions[0]
    assert onnx.config["classes"][logits.argmax()] == best
    assert (np.exp(logits) / np.exp(logits).sum()).max() == pytest.approx(probability, abs=1e-5)


def test_a_translator_is_two_graphs_and_its_vocabulary(translator: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(translator), str(tmp_path / "out"), "--to", "onnx"])
    files = "config.json, decoder_step.onnx, encoder.onnx, normalisation.json, vocabulary.model"
    assert done.output == f"{tmp_path}/out: {files}\n"
    onnx = OnnxModel(tmp_path / "out")
    assert onnx.config["max_positions"] is None
    assert (onnx.config["source_language"], onnx.config["target_language"]) == ("en", "de")
    vocabulary = Vocabulary.load(tmp_path / "out")
    texts = ["3 days", "four hours and seven minutes"]
    options = SearchOptions(method="greedy", max_length=8)
    expected = [result.text for result in Translator.load(translator).translate(texts, options)]
    found = []
    for ids in vocabulary.encode_source(texts):
        (tokens,) = onnx.greedy(np.array([ids]), np.array([8]))
        found.append(vocabulary.decode_target(tokens))
    assert found == expected
    assert any(expected)


def test_help_names_the_formats() -> None:
    text = CliRunner().invoke(app, ["export", "--help"]).output
    assert "--to" in text
    assert "onnx" in text


def test_mistakes_are_one_sentence(classifier: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert problem(classifier, out, "--to", "onx") == "--to = 'onx': unknown format; did you mean 'onnx'?"
    assert problem(tmp_path / "none", out, "--to", "onnx") == f"{tmp_path}/none: no such model folder"
    (tmp_path / "empty").mkdir()
    assert problem(tmp_path / "empty", out, "--to", "onnx").endswith("empty: not a model folder: it has no config.json")
    assert "is a file" in problem(classifier / "config.json", out, "--to", "onnx")
    assert "exists already" in problem(classifier, classifier, "--to", "onnx")
    (classifier / "model.safetensors").write_bytes(b"half")
    assert "damaged" in problem(classifier, out, "--to", "onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classifier", "empty"]


def test_a_vocabulary_that_is_missing_is_named(translator: Path, tmp_path: Path) -> None:
    (translator / "vocabulary.model").unlink()
    assert problem(translator, tmp_path / "out", "--to", "onnx") == f"{translator}: vocabulary.model is missing"
    assert not (tmp_path / "out").exists()


def test_no_format_is_a_mistake_of_usage(classifier: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(classifier), str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "--to" in done.output


def test_what_was_exported_is_not_taken_for_a_model_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"format": "onnx", "graphs": {}}))
    assert "for onnxruntime" in problem(tmp_path, tmp_path / "out", "--to", "onnx")


def test_from_python_a_loaded_system_or_its_folder_is_exported(
    classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(content: Exportable, folder: Path) -> list[str]:
        (folder / "classes").write_text(",".join(content.details["classes"]))
        return []

    monkeypatch.setitem(EXPORTERS, "onnx", write)
    export(load(classifier), tmp_path / "loaded", "onnx")
    export(str(classifier), str(tmp_path / "folder"), "onnx")
    assert (tmp_path / "loaded" / "classes").read_text() == (tmp_path / "folder" / "classes").read_text() == "cat,dog"


def test_what_the_format_cannot_say_is_said(translator: Path, tmp_path: Path) -> None:
    settings = json.loads((translator / "config.json").read_text())
    settings["model"]["positions"] = "sinusoidal"
    (translator / "config.json").write_text(json.dumps(settings))
    (translator / "normalisation.json").write_text('{"form": "plain"}')
    done = CliRunner().invoke(app, ["export", str(translator), str(tmp_path / "out"), "--to", "hf"])
    assert done.exit_code == 0
    assert [line.split(";")[0] for line in done.stderr.splitlines()] == [
        "generate divides scores by length ** 0.6",
        "generate has no limit of 50 tokens beyond the source's",
        "MarianTokenizer takes text as it is",
    ]
    assert done.stdout.startswith(f"{tmp_path}/out: config.json, ")
    settings["details"]["search"] = {"method": "greedy", "max_extra": None, "max_length": 9}
    (translator / "config.json").write_text(json.dumps(settings))
    (translator / "normalisation.json").unlink()
    assert export(translator, tmp_path / "plain", "hf") == []


def test_a_search_that_draws_goes_there_and_back(translator: Path, tmp_path: Path) -> None:
    settings = json.loads((translator / "config.json").read_text())
    settings["model"]["positions"] = "sinusoidal"
    drawn = {"method": "sample", "temperature": 0.7, "top_k": 9, "top_p": 0.8, "n_best": 3}
    for search in (drawn, {"method": "beam", "beam": 5, "n_best": 2}):
        settings["details"]["search"] = search
        (translator / "config.json").write_text(json.dumps(settings))
        theirs, ours = tmp_path / f"theirs {search['method']}", tmp_path / f"ours {search['method']}"
        export(translator, theirs, "hf")
        found = import_checkpoint(theirs, ours).details.as_dict()["search"]
        assert {"beam": 4, "method": "beam"} | found | search == {"beam": 4, "method": "beam"} | found
