"""Without torch, a model has the answers that it has with it."""

import copy
import os
import pickle
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from packaging.requirements import Requirement
from PIL import Image

from patchword import runtime
from patchword.checkpoints.model_folder import expected_shapes
from patchword.engine import native
from patchword.engine.native_models import NATIVE
from patchword.errors import HeadlessError, ModelFolderError, RecipeError
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.transformer import Transformer
from patchword.models.transformer_config import TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.runtime import loading
from patchword.text.pairs import read_lines
from patchword.text.search import SearchOptions
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig

pytestmark = pytest.mark.skipif(native.best() is None, reason="there are no kernels")

CONFIGS: dict[str, dict[str, Any]] = {
    "post-norm": {},
    "pre-norm": {"norm_first": True, "activation": "gelu"},
    "marian": {"positions": "sinusoidal_halves", "activation": "silu", "output_bias": True},
    "separate": {"share_embeddings": False, "tie_output": False, "positions": "learned", "activation": "gelu_tanh"},
    "output apart": {"tie_output": False, "output_bias": True},
    "source apart": {"share_embeddings": False, "decoder_positions": "learned"},
    "no positions": {"positions": "none", "scale_embeddings": False},
}
TEXTS = ["three days", "", "a longer phrase about seven hours", "   ", "x", "Two days. Then three. And a last one?"]


@pytest.fixture(scope="module")
def vocabulary(phrases: tuple[Path, Path]) -> Vocabulary:
    return Vocabulary.train(read_lines(phrases[0]), read_lines(phrases[1]), VocabularyConfig(size=400))


def saved(vocabulary: Vocabulary, folder: Path, **options: Any) -> Path:
    size = vocabulary.source_size
    torch.manual_seed(len(options))
    layers = {"d_model": 32, "num_heads": 4, "encoder_layers": 2, "decoder_layers": 2, "d_ff": 48}
    model = Transformer(TransformerConfig.named("tiny", size, size, **{**layers, **options}))
    for parameter in model.parameters():  # fresh biases are zero, and fresh norms do nothing
        parameter.data += 0.2 * torch.randn(parameter.shape)
    Translator(model, vocabulary, ("en", "de")).save(folder)
    return folder


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8", "auto"])
@pytest.mark.parametrize("name", CONFIGS)
def test_its_answers_are_the_same_to_the_last_bit(
    vocabulary: Vocabulary, name: str, precision: Any, tmp_path: Path
) -> None:
    folder = saved(vocabulary, tmp_path / "model", **CONFIGS[name])
    ours, theirs = runtime.load(folder, precision=precision), Translator.load(folder, precision=precision)
    assert (ours.languages, ours.longest, ours.folder) == (theirs.languages, theirs.longest, theirs.folder)
    assert ours.network.precision == theirs.network.precision
    for options in (SearchOptions(method="greedy", max_extra=9), SearchOptions(beam=3, n_best=3, max_extra=9)):
        assert ours.translate(TEXTS, options) == theirs.translate(TEXTS, options)
        assert ours.translate_text(TEXTS, options) == theirs.translate_text(TEXTS, options)
        assert ours.translate(TEXTS[:1], options, prefixes=["drei"]) == theirs.translate(
            TEXTS[:1], options, prefixes=["drei"]
        )
        assert ours.searched(TEXTS[2], options).tokens == theirs.searched(TEXTS[2], options).tokens
    with pytest.raises(RecipeError, match="sample draws with torch"):
        ours.translate(TEXTS[0], method="sample")


@pytest.mark.parametrize("name", CONFIGS)
def test_it_expects_the_tensors_that_the_network_has(name: str) -> None:
    config = TransformerConfig.named("tiny", 50, 50 if name != "source apart" else 60, **CONFIGS[name])
    assert NATIVE["transformer"]().shapes(config) == expected_shapes("transformer", config)


IMAGE_CONFIGS: dict[str, dict[str, Any]] = {
    "paper": {},
    "post-norm": {"norm_first": False, "activation": "relu"},
    "mean": {"pool": "mean", "class_token": False, "norm_after_pool": True},
    "dino": {"layer_scale": 0.3, "register_tokens": 2, "pool": "class_token_and_mean"},
    "deit": {"distillation_token": True, "distillation_head": True, "activation": "gelu_tanh"},
    "pretraining": {"head_hidden": 20, "positions": "none", "activation": "silu"},
    "gated": {"activation": "swiglu"},
}
IMAGE_SIZES = {"num_classes": 5, "image_size": (8, 12), "patch_size": 4, "d_model": 32, "num_heads": 4, "num_layers": 2}


def saved_classifier(folder: Path, **options: Any) -> Path:
    torch.manual_seed(1)
    config = VisionTransformerConfig.parse({**IMAGE_SIZES, "d_ff": 48, **options}, "test")
    model = VisionTransformer(config)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    preprocessing = Preprocessing(image_size=config.image_size, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    ImageClassifier(model, preprocessing, [f"class {index}" for index in range(config.num_classes)]).save(folder)
    return folder


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8", "auto"])
@pytest.mark.parametrize("name", IMAGE_CONFIGS)
def test_a_classifiers_answers_are_the_same_to_the_last_bit(name: str, precision: Any, tmp_path: Path) -> None:
    folder = saved_classifier(tmp_path / "model", **IMAGE_CONFIGS[name])
    if name == "gated":
        with pytest.raises(runtime.Unsuited, match="no swiglu without torch"):
            runtime.load(folder)
        return
    drawn = np.random.default_rng(0)
    images: list[Any] = [drawn.integers(0, 256, (9 + i, 50 - i, 3), dtype=np.uint8) for i in range(40)]
    Image.fromarray(images[0]).save(tmp_path / "one.png")
    (tmp_path / "none.png").write_bytes(b"not an image")
    images += [tmp_path / "one.png", tmp_path / "none.png", Image.fromarray(images[1])]
    ours: Any = runtime.load(folder, task="classification", precision=precision)
    theirs = ImageClassifier.load(folder, precision=precision)
    assert ours.classify(images, top=3) == theirs.classify(images, top=3)
    assert ours.classify(images[0]) == theirs.classify(images[0])
    assert ours.classify([]) == []


@pytest.mark.parametrize("name", IMAGE_CONFIGS)
def test_it_expects_the_tensors_that_a_classifier_has(name: str) -> None:
    backbone = {} if "distillation_head" in IMAGE_CONFIGS[name] else {"num_classes": 0}
    for more in ({}, backbone):
        config = VisionTransformerConfig.parse({**IMAGE_SIZES, **IMAGE_CONFIGS[name], **more}, "test")
        assert NATIVE["vision_transformer"]().shapes(config) == expected_shapes("vision_transformer", config)


def test_a_backbone_and_other_parts_that_do_not_fit_are_told_as_with_torch(tmp_path: Path) -> None:
    backbone = saved_classifier(tmp_path / "backbone", num_classes=0)
    with pytest.raises(HeadlessError, match="backbone without classes"):
        runtime.load(backbone).classify([])
    folder = saved_classifier(tmp_path / "model")
    config = folder / "config.json"
    for old, new in (('"class 4"', '"class 4", "class 5"'), ('"channels": 3', '"channels": 4'), ("12\n", "16\n")):
        written = config.read_text()
        assert old in written
        config.write_text(written.replace(old, new))
        with pytest.raises(ModelFolderError) as theirs:
            ImageClassifier.load(folder)
        with pytest.raises(ModelFolderError) as ours:
            runtime.load(folder)
        assert str(ours.value) == str(theirs.value)
        config.write_text(written)


def test_what_is_wrong_with_a_folder_is_said_as_with_torch(vocabulary: Vocabulary, tmp_path: Path) -> None:
    folder = saved(vocabulary, tmp_path / "model")
    weights, config = folder / "model.safetensors", folder / "config.json"
    whole, written = weights.read_bytes(), config.read_text()
    damages: dict[str, Any] = {
        "cut short": lambda: weights.write_bytes(whole[:-100]),
        "not numbers": lambda: weights.write_bytes(whole[:-4] + b"\xff\xff\xff\x7f"),
        "infinite": lambda: weights.write_bytes(whole[:-4] + b"\x00\x00\x80\x7f"),
        "no tensors": lambda: weights.write_bytes(b"\x02" + bytes(7) + b"{}"),
        "missing": weights.unlink,
        "of other sizes": lambda: config.write_text(written.replace('"d_ff": 48', '"d_ff": 64')),
        "of more layers": lambda: config.write_text(written.replace('"encoder_layers": 2', '"encoder_layers": 3')),
        "of no sense": lambda: config.write_text(written.replace('"num_heads": 4', '"num_heads": 5')),
        "for images": lambda: config.write_text(written.replace('"translation"', '"classification"')),
        "no vocabulary": (folder / "vocabulary.model").unlink,
        "no description": config.unlink,
    }
    for name, damage in damages.items():
        vocabulary_file = (folder / "vocabulary.model").read_bytes()
        damage()
        with pytest.raises(ModelFolderError) as theirs:
            Translator.load(folder)
        with pytest.raises(ModelFolderError) as ours:
            runtime.load(folder, task="translation")
        assert str(ours.value) == str(theirs.value), name
        assert runtime.suited(str(folder), "translation", "float32", "cpu") is None  # `Translator.load` is to say it
        weights.write_bytes(whole)
        config.write_text(written)
        (folder / "vocabulary.model").write_bytes(vocabulary_file)
    assert runtime.load(folder).translate("three days").error is None


def test_what_takes_torch_is_left_to_it(
    vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = vocabulary.source_size
    sizes = {"source_vocab_size": size, "target_vocab_size": size, "embedding_size": 8, "hidden_size": 8}
    Translator(Recurrent(RecurrentConfig.parse(sizes, "test")), vocabulary).save(tmp_path / "rnn")
    with pytest.raises(runtime.Unsuited, match="no recurrent without torch"):
        runtime.load(tmp_path / "rnn")
    folder = saved(vocabulary, tmp_path / "model")
    halves = Transformer(TransformerConfig.named("tiny", size, size, encoder_layers=1, decoder_layers=1)).half()
    Translator(halves, vocabulary).save(tmp_path / "half")
    with pytest.raises(runtime.Unsuited, match="float32"):
        runtime.load(tmp_path / "half")
    assert runtime.suited("hf:some/model", "translation") is None
    for device in ("cuda", "mps", "cuda:1"):
        with pytest.raises(runtime.Unsuited, match=device):
            runtime.load(folder, device=device)
    sampling = SearchOptions.parse({"method": "sample"}, "test")
    Translator(Transformer(TransformerConfig.named("tiny", size, size)), vocabulary, options=sampling).save(
        tmp_path / "drawing"
    )
    assert runtime.suited(tmp_path / "drawing", "translation", method="beam") is not None
    assert runtime.suited(folder, "translation", method="sample") is None
    for other in ("rnn", "half", "drawing"):
        assert runtime.suited(str(tmp_path / other), "translation", "float32", "cpu") is None
    monkeypatch.setattr(loading, "may_have_gpu", lambda: True)
    with pytest.raises(runtime.Unsuited, match="auto"):
        runtime.load(folder)
    assert runtime.load(folder, device="cpu").network.precision == "float32"


def test_a_file_that_is_exchanged_while_it_is_opened_is_checked_as_it_is_then(
    vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, other = saved(vocabulary, tmp_path / "model"), saved(vocabulary, tmp_path / "other", d_ff=96)
    shapes = loading.weight_shapes

    def exchanging(path: Path) -> Any:
        found = shapes(path)
        (other / "model.safetensors").replace(path)
        return found

    monkeypatch.setattr(loading, "weight_shapes", exchanging)
    with pytest.raises(ModelFolderError, match=r"does not fit config\.json: .*feed_forward"):
        runtime.load(folder)


def test_a_copy_and_a_pickle_open_the_folder_again(vocabulary: Vocabulary, tmp_path: Path) -> None:
    translator = runtime.load(saved(vocabulary, tmp_path / "text"), precision="int8")
    classifier: Any = runtime.load(saved_classifier(tmp_path / "images"))
    image = np.zeros((9, 9, 3), np.uint8)
    for again in (copy.deepcopy, lambda system: pickle.loads(pickle.dumps(system))):
        assert again(translator).translate(TEXTS) == translator.translate(TEXTS)
        assert again(translator).network.precision == "int8"
        assert again(classifier).classify(image) == classifier.classify(image)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /dev")
def test_a_gpu_is_looked_for_among_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_SIGNS_OF_A_GPU", (str(tmp_path / "gpu"),))
    assert not loading.may_have_gpu()
    (tmp_path / "gpu").touch()
    assert loading.may_have_gpu()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed packages that has what Patchword's own requirements bring, and nothing else."""
    folder, wanted, seen = tmp_path_factory.mktemp("bare"), ["patchword"], set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        found = distribution(name)
        required = [Requirement(each) for each in found.requires or ()]
        wanted += [each.name for each in required if each.marker is None or each.marker.evaluate({"extra": ""})]
        for top in {Path(str(file)).parts[0] for file in found.files or () if not str(file).startswith("..")}:
            target = folder / top
            if name != "patchword" and not target.exists():
                target.symlink_to(found.locate_file(top))
    (folder / "patchword").symlink_to(Path(runtime.__file__).parents[1])
    return folder


def run_bare(bare: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(bare)}
    return subprocess.run([sys.executable, "-S", *arguments], env=environment, capture_output=True, text=True)


def test_an_installation_without_torch_translates_and_says_what_it_lacks(
    bare: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    folder = saved(vocabulary, tmp_path / "model")
    assert "No module named 'torch'" in run_bare(bare, "-c", "import torch").stderr
    found = run_bare(bare, "-m", "patchword", "translate", str(folder), "three days", "two", "--max-extra", "5")
    right = [each.text for each in Translator.load(folder).translate(["three days", "two"], max_extra=5)]
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines() == right
    found = run_bare(bare, "-m", "patchword", "translate", str(folder), "x", "--method", "sample")
    assert (found.returncode, found.stdout) == (2, "")
    wanted = "pip install 'patchword[train]'\n"
    assert found.stderr == f"patchword: samples are drawn with torch, and torch is not installed: {wanted}"
    found = run_bare(bare, "-m", "patchword", "info", str(folder))
    assert (found.returncode, found.stderr) == (2, f"patchword: this needs the package torch: {wanted}")
    (folder / "model.safetensors").unlink()
    found = run_bare(bare, "-m", "patchword", "translate", str(folder), "x")
    assert found.returncode == 2
    assert found.stderr.endswith("model.safetensors is missing\n")
    size = vocabulary.source_size
    sizes = {"source_vocab_size": size, "target_vocab_size": size, "embedding_size": 8, "hidden_size": 8}
    Translator(Recurrent(RecurrentConfig.parse(sizes, "test")), vocabulary).save(tmp_path / "rnn")
    found = run_bare(bare, "-m", "patchword", "translate", str(tmp_path / "rnn"), "x")
    assert found.stderr == (
        "patchword: there is no recurrent without torch, and torch is not installed: pip install 'patchword[train]'\n"
    )


PYTHON = """
import sys
import patchword
import patchword.errors
from patchword import runtime
from patchword.runtime import loading
loading.may_have_gpu = lambda: True
model, catalog = sys.argv[1:]
print(runtime.load(model).translate("three days", max_extra=5).text)
for make in (lambda: patchword.translate_file(model, catalog), lambda: patchword.load):
    try:
        make()
    except (patchword.errors.DataError, ModuleNotFoundError) as error:
        print(error)
print(patchword.TransformerConfig.__name__)
"""


def test_python_without_torch_translates_texts_and_files_and_says_what_it_lacks(
    bare: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    folder, catalog = saved(vocabulary, tmp_path / "model"), tmp_path / "app.po"
    catalog.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "three"\nmsgstr ""\n')
    found = run_bare(bare, "-c", PYTHON, str(folder), str(catalog))
    assert found.stderr == ""
    text, formats, sentence, config = found.stdout.splitlines()
    assert text == Translator.load(folder).translate("three days", max_extra=5).text
    assert "pip install 'patchword[formats]'" in formats
    assert config == "TransformerConfig"
    assert sentence.startswith("patchword.load needs the package torch: pip install 'patchword[train]'; patchword.runt")
    found = run_bare(bare, "-m", "patchword", "translate", "hf:some/model", "x")
    assert found.stderr.startswith("patchword: published models are fetched and converted with torch, and torch is not")


def test_an_installation_without_torch_classifies(bare: Path, tmp_path: Path) -> None:
    folder, image = saved_classifier(tmp_path / "model"), tmp_path / "one.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(image)
    found = run_bare(bare, "-m", "patchword", "classify", str(folder), str(image), "--csv")
    right = ImageClassifier.load(folder).classify(image).predictions
    assert (found.returncode, found.stderr) == (0, "")
    rows = [line.split(",")[2:4] for line in found.stdout.splitlines()[1:]]
    assert rows == [[label, f"{probability:.6f}"] for label, probability in right]


def test_translating_and_classifying_on_the_command_line_import_no_torch(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    image = tmp_path / "one.png"
    Image.new("RGB", (20, 20)).save(image)
    asked = [
        ["translate", str(saved(vocabulary, tmp_path / "model")), "three days"],
        ["classify", str(saved_classifier(tmp_path / "images")), str(image)],
    ]
    for arguments in asked:
        program = (
            "import sys\nfrom patchword.cli.main import main\n"
            f"sys.argv = ['patchword', *{arguments!r}]\n"
            "try:\n    main()\nexcept SystemExit:\n    print('torch' in sys.modules)\n"
        )
        found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert found.stdout.splitlines()[-1] == str(loading.may_have_gpu())
