"""Without torch, a translator has the answers that it has with it."""

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.requirements import Requirement

from patchword import runtime
from patchword.checkpoints.model_folder import expected_shapes
from patchword.engine import native
from patchword.engine.native_models import NATIVE
from patchword.errors import ModelFolderError, RecipeError
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.transformer import Transformer
from patchword.models.transformer_config import TransformerConfig
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
    assert NATIVE["transformer"].shapes(config) == expected_shapes("transformer", config)


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
            runtime.load(folder)
        assert str(ours.value) == str(theirs.value), name
        assert runtime.suited(str(folder), "float32", "cpu") is None  # `Translator.load` is to say it
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
    for device in ("cuda", "mps", "cuda:1"):
        with pytest.raises(runtime.Unsuited, match=device):
            runtime.load(folder, device=device)
    sampling = SearchOptions.parse({"method": "sample"}, "test")
    Translator(Transformer(TransformerConfig.named("tiny", size, size)), vocabulary, options=sampling).save(
        tmp_path / "drawing"
    )
    for other in ("rnn", "half", "drawing"):
        assert runtime.suited(str(tmp_path / other), "float32", "cpu") is None
    monkeypatch.setattr(loading, "may_have_gpu", lambda: True)
    with pytest.raises(runtime.Unsuited, match="auto"):
        runtime.load(folder)
    assert runtime.load(folder, device="cpu").network.precision == "float32"


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
    assert found.stderr == "patchword: this needs the package torch: pip install 'patchword[train]'\n"
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


def test_translating_on_the_command_line_imports_no_torch(vocabulary: Vocabulary, tmp_path: Path) -> None:
    folder = saved(vocabulary, tmp_path / "model")
    program = (
        "import sys\nfrom patchword.cli.main import main\n"
        f"sys.argv = ['patchword', 'translate', {str(folder)!r}, 'three days']\n"
        "try:\n    main()\nexcept SystemExit:\n    print('torch' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == str(loading.may_have_gpu())
