import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from patchword.checkpoints.safetensors_writer import write_safetensors
from patchword.converters.tensor_files import read_folder_tensors, read_tensors
from patchword.errors import CheckpointError

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b.c": torch.ones(4, dtype=torch.float16), "n": torch.tensor(3)}


class Malice:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return eval, ("print('owned')",)


def write(path: Path, tensors: dict[str, Tensor]) -> Path:
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    elif path.suffix == ".npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in tensors.items()})
    else:
        torch.save(tensors, path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_tensors(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize("suffix", [".safetensors", ".bin", ".pt", ".pth", ".npz"])
def test_tensors_come_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    found = read_tensors(write(tmp_path / f"weights{suffix}", TENSORS))
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_a_file_from_before_the_zip_format_is_read(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert not zipfile.is_zipfile(tmp_path / "old.pth")
    assert torch.equal(read_tensors(tmp_path / "old.pth")["a"], TENSORS["a"])


@pytest.mark.parametrize("wrapper", ["model", "state_dict"])
def test_weights_inside_a_training_scripts_dictionary_are_found(tmp_path: Path, wrapper: str) -> None:
    torch.save({wrapper: TENSORS, "epoch": 3}, tmp_path / "w.pth")
    assert read_tensors(tmp_path / "w.pth").keys() == TENSORS.keys()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".safetensors", ".bin", ".npz"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = write(tmp_path / f"weights{suffix}", TENSORS)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "truncated or not a" in refusal(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".bin", ".npz"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_text("<html>Not found</html>" * 100)
    assert "truncated or not a" in refusal(path)


@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_with_code_is_refused_and_the_code_does_not_run(
    tmp_path: Path, new_format: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"a": TENSORS["a"], "b": Malice()}, tmp_path / "w.bin", _use_new_zipfile_serialization=new_format)
    assert "wants to run code when it is opened, which is refused" in refusal(tmp_path / "w.bin")
    (tmp_path / "plain.bin").write_bytes(pickle.dumps(Malice()))
    assert refusal(tmp_path / "plain.bin")
    np.savez(tmp_path / "w.npz", a=np.array([Malice()], dtype=object))
    assert "wants to run code when it is opened, which is refused" in refusal(tmp_path / "w.npz")
    assert "owned" not in capsys.readouterr().out


def test_what_is_not_tensors_by_name_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "w.pth")
    assert refusal(tmp_path / "w.pth") == "holds no tensors by name but a list"
    torch.save({"a": TENSORS["a"], "epoch": 3}, tmp_path / "w.pth")
    assert refusal(tmp_path / "w.pth") == "'epoch' is no tensor; expected a state dict, names and tensors alone"
    (tmp_path / "w.txt").write_bytes(b"")
    assert refusal(tmp_path / "w.txt").startswith("not a file of tensors; expected one of .safetensors")
    assert refusal(tmp_path / "none.bin") == "no such file"


def test_a_folder_without_weights_or_without_a_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has no weights; expected one of model.safetensors"):
        read_folder_tensors(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"a": "model-1.safetensors"}}')
    with pytest.raises(CheckpointError, match=r"model-1.safetensors: no such file"):
        read_folder_tensors(tmp_path)
    index.write_text("[]")
    with pytest.raises(CheckpointError, match="not an index of shards"):
        read_folder_tensors(tmp_path)


def test_what_we_write_piece_by_piece_is_read_by_the_library(tmp_path: Path) -> None:
    pieces = {
        "first": [torch.randn(2, 3), torch.randn(4, 3)],
        "half": [torch.randn(5).half()],
        "brain": [torch.randn(3, 1).bfloat16()],
        "odd": [torch.randn(7, 2).t()],
        "scalar": [torch.tensor(2.5)],
    }
    whole = {name: torch.cat(parts) if len(parts) > 1 else parts[0] for name, parts in pieces.items()}
    layout = {name: (tensor.dtype, tensor.shape) for name, tensor in whole.items()}
    write_safetensors(tmp_path / "w.safetensors", layout, pieces.values())
    found = load_file(tmp_path / "w.safetensors")
    assert found.keys() == whole.keys()
    for name, tensor in whole.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


@pytest.mark.parametrize("tensor", [torch.eye(3).to_sparse(), torch.ones(3, device="meta")])
def test_a_tensor_without_plain_values_is_refused(tmp_path: Path, tensor: torch.Tensor) -> None:
    torch.save({"weight": tensor}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="'weight' is a sparse tensor or one without values"):
        read_tensors(tmp_path / "a.pt")


@pytest.mark.parametrize("kind", ["npz", "pt"])
def test_bytes_that_changed_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    path, draw = tmp_path / f"a.{kind}", random.Random(0)
    if kind == "npz":
        np.savez_compressed(path, a=np.arange(1000.0), b=np.ones(30))
    else:
        torch.save({"a": torch.arange(1000.0), "b": torch.ones(30)}, path)
    content = path.read_bytes()
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            read_tensors(path)
        except CheckpointError:
            refused += 1
    assert refused > 20


def test_an_index_that_names_no_files_is_refused(tmp_path: Path) -> None:
    for shards in ('{"a": 3}', '["a"]', '{"a": ["b"]}', '{"a": null}'):
        (tmp_path / "model.safetensors.index.json").write_text(f'{{"weight_map": {shards}}}')
        with pytest.raises(CheckpointError, match="not an index of shards"):
            read_folder_tensors(tmp_path)
