import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from patchword.checkpoints.exportable import Exportable
from patchword.converters import exporting
from patchword.converters.exporting import check_format, export
from patchword.converters.onnx import graph as onnx_graph
from patchword.errors import DataError, ExportError, OutputError, PatchwordError, RecipeError
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from tests.converters.onnx.models import OnnxModel


def vision_transformer() -> VisionTransformer:
    fields = {"num_classes": 3, "image_size": (8, 8), "patch_size": 4, "d_model": 8, "num_heads": 2, "d_ff": 12}
    return VisionTransformer(VisionTransformerConfig.model_validate(fields | {"num_layers": 1})).eval()


CONTENT = Exportable(vision_transformer(), "classification", {"classes": ["a", "b", "c"]})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a format, one file."""
    monkeypatch.setitem(exporting.EXPORTERS, "onnx", lambda content, folder: [(folder / "a").write_text("b")][1:])


def refusal(kind: type[PatchwordError], out: Path, content: Exportable = CONTENT) -> str:
    with pytest.raises(kind) as caught:
        export(content, out, "onnx")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unknown_format_is_refused_with_the_nearest():
    with pytest.raises(RecipeError, match="'onx': unknown format; did you mean 'onnx'"):
        check_format("onx")


def test_a_file_in_the_way_is_refused(out, written):
    out.write_text("mine")
    assert refusal(DataError, out) == f"{out}: exists already; choose another folder for the output"
    assert out.read_text() == "mine"


def test_a_folder_with_something_in_it_is_refused(out, written):
    out.mkdir()
    (out / "mine").write_text("mine")
    assert refusal(DataError, out) == f"{out}: exists already; choose another folder for the output"
    assert [file.name for file in out.iterdir()] == ["mine"]


def test_an_empty_folder_and_missing_parents_are_used(out, written):
    out.mkdir()
    for path in (out, out / "further" / "down"):
        if path != out:
            (out / "a").unlink()
        export(CONTENT, path, "onnx")
        assert (path / "a").read_text() == "b"


def test_a_failure_leaves_nothing_behind(out, monkeypatch):
    def fail(content: Exportable, folder: Path) -> None:
        (folder / "half").write_text("written")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(exporting.EXPORTERS, "onnx", fail)
    assert refusal(OutputError, out) == f"{out}: cannot be written: no space left on the disk"
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("package", onnx_graph.PACKAGES)
def test_a_missing_package_is_named_with_the_extra_that_installs_it(out, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    assert refusal(ExportError, out) == f"--to onnx needs {package}: pip install 'patchword[export]'"
    assert list(out.parent.iterdir()) == []


def test_an_architecture_without_a_graph_is_refused(out, monkeypatch):
    monkeypatch.setattr("patchword.converters.onnx.folder.architecture_of", lambda model: "recurrent")
    sentence = refusal(ExportError, out, Exportable(nn.Identity(), "translation", {}))
    assert sentence.startswith("--to onnx: the architecture recurrent has no graph; only these have: transformer, ")


def test_weights_too_large_for_a_graph_are_a_file_beside_it(out, monkeypatch):
    monkeypatch.setattr(onnx_graph, "MAX_WEIGHTS_IN_GRAPH", 100)
    export(CONTENT, out, "onnx")
    assert {file.name for file in out.iterdir()} == {"config.json", "model.onnx", "model.onnx.data"}
    weights = sum(parameter.nbytes for parameter in CONTENT.model.parameters())
    assert (out / "model.onnx.data").stat().st_size > weights / 2
    moved = out.rename(out.parent / "moved")
    images = torch.randn(2, 3, 8, 8)
    with torch.inference_mode():
        expected = CONTENT.model(images)
    found = torch.from_numpy(OnnxModel(moved).run("model.onnx", {"images": images.numpy()})["logits"])
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
