"""`patchword import` as a whole: recognition, mistakes in one sentence, nothing half-written, what it costs."""

import json
import os
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from patchword import api
from patchword.checkpoints import safetensors_writer
from patchword.cli.main import app
from patchword.converters.imported import ImportOptions
from patchword.converters.importing import convert
from patchword.converters.tables import converted_back, same
from patchword.converters.vit.hugging_face import VERSION_4
from patchword.errors import CheckpointError, DataError, HeadlessError, OutputError, PatchwordError
from patchword.images.classifier import ImageClassifier
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from tests.converters.reference import photographs
from tests.forked import python

CONFIG = {
    "model_type": "vit",
    "hidden_size": 8,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "intermediate_size": 12,
    "image_size": 16,
    "patch_size": 8,
}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A Hugging Face ViT's folder, made without that library."""
    fields = {"num_classes": 3, "image_size": (16, 16), "patch_size": 8, "d_model": 8, "num_heads": 2, "d_ff": 12}
    model = VisionTransformer(VisionTransformerConfig.model_validate({**fields, "num_layers": 2}))
    table = {**VERSION_4, "head.linear.*": same("classifier.*")}
    folder = tmp_path / "theirs"
    folder.mkdir()
    tensors = converted_back(table, {name: p.detach() for name, p in model.named_parameters()})
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({**CONFIG, "id2label": {"0": "a", "1": "b", "2": "c"}}))
    return folder


def refusal(source: Path | str, out: Path) -> str:
    """What an import is refused with: one line; and nothing is left behind."""
    before = sorted(out.parent.iterdir())
    with pytest.raises(PatchwordError) as caught:
        api.import_checkpoint(source, out)
    assert sorted(out.parent.iterdir()) == before
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_command_makes_a_folder_that_classifies(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "models" / "ours"
    done = CliRunner().invoke(app, ["import", str(checkpoint), str(out)])
    assert done.exit_code == 0, done.output
    assert "Hugging Face ViT, 2,699 parameters" in done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert [path.name for path in out.parent.iterdir()] == ["ours"]
    found = api.load(out).classify(photographs()[:1])[0]
    assert {name for name, _ in found.predictions} == {"a", "b", "c"}
    assert "Hugging Face ViT checkpoint with 2,699 parameters" in (out / "README.md").read_text()


def test_a_file_beside_its_config_stands_for_its_folder(checkpoint: Path, tmp_path: Path) -> None:
    api.import_checkpoint(checkpoint / "model.safetensors", tmp_path / "ours")
    assert ImageClassifier.load(tmp_path / "ours").classes == ("a", "b", "c")


def test_options_reach_the_converter(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "names").write_text("x\ny\nz\n")
    arguments = [str(checkpoint), str(tmp_path / "ours"), "--image-size", "16x32", "--classes", str(tmp_path / "names")]
    assert CliRunner().invoke(app, ["import", *arguments]).exit_code == 0
    classifier = ImageClassifier.load(tmp_path / "ours")
    assert classifier.classes == ("x", "y", "z")
    assert classifier.model.config.image_size == classifier.preprocessing.image_size == (16, 32)


def test_weights_keep_the_type_that_they_have(checkpoint: Path, tmp_path: Path) -> None:
    tensors = load_file(checkpoint / "model.safetensors")
    save_file({name: tensor.half() for name, tensor in tensors.items()}, checkpoint / "model.safetensors")
    api.import_checkpoint(checkpoint, tmp_path / "ours")
    assert {t.dtype for t in load_file(tmp_path / "ours" / "model.safetensors").values()} == {torch.float16}
    assert {p.dtype for p in ImageClassifier.load(tmp_path / "ours").model.parameters()} == {torch.float32}


def test_a_backbone_without_a_head_says_what_it_is_for(checkpoint: Path, tmp_path: Path) -> None:
    tensors = load_file(checkpoint / "model.safetensors")
    headless = {name: tensor for name, tensor in tensors.items() if not name.startswith("classifier")}
    save_file(headless, checkpoint / "model.safetensors")
    api.import_checkpoint(checkpoint, tmp_path / "ours")
    classifier = ImageClassifier.load(tmp_path / "ours")
    assert classifier.features(photographs()).shape == (4, 8)
    with pytest.raises(HeadlessError, match="a backbone without classes"):
        classifier.classify(photographs())


def test_mistakes_are_one_sentence_and_leave_nothing_behind(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "ours"
    weights, config = checkpoint / "model.safetensors", checkpoint / "config.json"
    content, tensors = weights.read_bytes(), load_file(weights)
    weights.write_bytes(content[:-100])
    assert "truncated or not a safetensors file" in refusal(checkpoint, out)
    save_file({**tensors, "layernorm.bias": torch.zeros(9)}, weights)
    assert "layernorm.bias is (9,) of torch.float32, which does not make encoder.norm.bias (8,)" in refusal(
        checkpoint, out
    )
    save_file({name: tensor for name, tensor in tensors.items() if name != "layernorm.bias"}, weights)
    assert "missing tensors [layernorm.bias]" in refusal(checkpoint, out)
    weights.unlink()
    assert "has no weights; expected one of" in refusal(checkpoint, out)
    weights.write_bytes(content)
    config.write_text(json.dumps({**CONFIG, "model_type": "gpt2"}))
    assert "config.json: model_type 'gpt2' is another architecture; valid: deit," in refusal(checkpoint, out)
    config.write_text("{}")
    assert "neither 'model_type' (transformers) nor 'architecture' (timm)" in refusal(checkpoint, out)
    config.write_text("{")
    assert "cannot be read as JSON" in refusal(checkpoint, out)
    config.unlink()
    assert "keeps the rest in config.json beside it" in refusal(checkpoint, out)
    assert "no such file or folder" in refusal(tmp_path / "nothing", out)
    (tmp_path / "empty").mkdir()
    assert "has no config.json and no file of tensors" in refusal(tmp_path / "empty", out)


def test_a_model_folder_of_our_own_needs_no_import(checkpoint: Path, tmp_path: Path) -> None:
    api.import_checkpoint(checkpoint, tmp_path / "ours")
    assert "is a model folder of Patchword's already" in refusal(tmp_path / "ours", tmp_path / "again")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").write_text("")
    assert "is a run folder of Patchword's already" in refusal(tmp_path / "run", tmp_path / "again")


def test_an_output_that_exists_is_left_alone(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    api.import_checkpoint(checkpoint, tmp_path / "ours")  # an empty folder is no obstacle
    with pytest.raises(DataError, match="exists already; choose another folder"):
        api.import_checkpoint(checkpoint, tmp_path / "ours")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="exists already"):
        api.import_checkpoint(checkpoint, tmp_path / "file")


def test_a_full_disk_leaves_nothing_behind(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors_writer, "json", SimpleNamespace(dumps=full))
    with pytest.raises(OutputError, match="cannot be written: no space left on the disk"):
        api.import_checkpoint(checkpoint, tmp_path / "ours")
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


def test_the_current_folder_is_no_output(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(DataError, match="is the folder that you are in; choose another"):
        api.import_checkpoint(checkpoint, ".")


def test_heads_that_the_checkpoint_knows_better_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="says itself that it has 2 heads, not 4"):
        api.import_checkpoint(checkpoint, tmp_path / "ours", ImportOptions(num_heads=4))
    api.import_checkpoint(checkpoint, tmp_path / "ours", ImportOptions(num_heads=2))


def test_wrong_options_are_one_sentence(checkpoint: Path, tmp_path: Path) -> None:
    for option, value, problem in (
        ("--image-size", "big", "--image-size big: expected a side such as 384"),
        ("--image-size", "20", "an image of 20 x 20 pixels does not divide into patches of 8"),
        ("--classes", str(tmp_path / "none"), "cannot be read as class names"),
    ):
        with pytest.raises(PatchwordError, match=problem):
            CliRunner().invoke(
                app, ["import", str(checkpoint), str(tmp_path / "o"), option, value], catch_exceptions=False
            )
    assert not (tmp_path / "o").exists()


def test_without_a_network_the_hub_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")

    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(hub.HfApi, "model_info", unreachable)
    monkeypatch.setattr(hub, "snapshot_download", unreachable)
    with pytest.raises(CheckpointError) as caught:
        convert("hf:google/vit-base-patch16-224")
    assert str(caught.value) == (
        "hf:google/vit-base-patch16-224: the hub cannot be reached (ConnectionError) and nothing was downloaded "
        "before; give the path of a downloaded folder instead"
    )
    with pytest.raises(CheckpointError, match="expected hf:OWNER/NAME"):
        convert("hf:vit")


def test_the_hub_is_asked_for_one_kind_of_weights(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub")
    files = ["README.md", "config.json", "model.safetensors", "pytorch_model.bin", "tf_model.h5"]
    asked: dict[str, object] = {}

    def download(repository: str, **options: object) -> str:
        asked.update(options, repository=repository)
        return str(checkpoint)

    siblings = [SimpleNamespace(rfilename=name) for name in files]
    monkeypatch.setattr(hub.HfApi, "model_info", lambda *_, **__: SimpleNamespace(siblings=siblings))
    monkeypatch.setattr(hub, "snapshot_download", download)
    assert convert("hf:google/vit@main").details.classes == ("a", "b", "c")
    api.import_checkpoint("hf:google/vit@main", tmp_path / "ours")
    assert ImageClassifier.load(tmp_path / "ours").facts["imported_from"] == "hf:google/vit@main"
    assert (asked["repository"], asked["revision"]) == ("google/vit", "main")
    assert asked["allow_patterns"] == ["*.json", "*.spm", "*.txt", "*.safetensors"]


COST = """
import resource, sys, time, torch
from pathlib import Path
from safetensors.torch import save_file
import patchword.images.transforms
from patchword import api
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
theirs, out = Path(sys.argv[1]), Path(sys.argv[2])
before, begin = peak(), time.process_time()
if out.name == "copied":
    save_file(torch.load(theirs / "pytorch_model.bin", weights_only=True), out)
else:
    api.import_checkpoint(theirs, out)
print(time.process_time() - begin, peak() - before)
"""


def cost(theirs: Path, out: Path) -> tuple[float, float]:
    """Processor seconds and bytes of a process that imports, or (`out` is named "copied") reads and writes the tensors.

    Importing torch is not counted.
    """
    done = python(COST, theirs, out)
    assert done.returncode == 0, done.stderr
    seconds, memory = map(float, done.stdout.split())
    return seconds, memory


def test_a_checkpoint_of_300_megabytes_costs_little_more_than_copying_it(tmp_path: Path) -> None:
    """Each in a process of its own, as people do it; processor time, since the machine may be busy."""
    sizes = {"hidden_size": 768, "num_attention_heads": 12, "num_hidden_layers": 12, "intermediate_size": 3072}
    model = VisionTransformer(VisionTransformerConfig.named("B/16", num_classes=0))
    folder = tmp_path / "theirs"
    folder.mkdir()
    tensors = converted_back(VERSION_4, {name: p.detach() for name, p in model.named_parameters()})
    torch.save(tensors, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({**CONFIG, **sizes, "image_size": 224, "patch_size": 16}))
    assert (folder / "pytorch_model.bin").stat().st_size > 300e6
    size = (folder / "pytorch_model.bin").stat().st_size
    copies, imports = zip(
        *((cost(folder, tmp_path / "copied"), cost(folder, tmp_path / str(i))) for i in range(3)), strict=True
    )
    assert median(seconds for seconds, _ in imports) < 1.5 * median(seconds for seconds, _ in copies)
    assert max(memory for _, memory in imports) < 2.2 * size


def test_a_pipe_is_no_checkpoint(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    for source in (tmp_path / "pipe.pth", Path("/dev/zero")):
        with pytest.raises(CheckpointError, match="is a device or a pipe"):
            convert(source)


def test_notes_and_options_of_the_command(checkpoint: Path, tmp_path: Path) -> None:
    tensors = {f"\x1b[2J.{name}": tensor for name, tensor in load_file(checkpoint / "model.safetensors").items()}
    torch.save({"model": tensors, "model_ema": tensors}, checkpoint / "pytorch_model.bin")
    (checkpoint / "model.safetensors").unlink()
    done = CliRunner().invoke(app, ["import", str(checkpoint), str(tmp_path / "ours")])
    assert done.exit_code == 0, done.output
    assert "holds 'model_ema' and 'model': took 'model_ema'; give --weights model for the other" in done.stderr
    assert "\x1b" not in done.stderr
    done = CliRunner().invoke(app, ["import", str(checkpoint), str(tmp_path / "plain"), "--weights", "model"])
    assert "took 'model_ema'" not in done.stderr
    facts = json.loads((tmp_path / "ours" / "config.json").read_text())["facts"]
    assert "no preprocessor_config.json: assumed the defaults of the family's processor" in facts["assumed"]
