"""PyTorch's pickles as training scripts save them: nothing is run, and nothing reserved that the file does not have."""

import argparse
import collections
import functools
import io
import os
import pickle
import resource
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from patchword.converters.pickles import Inert, load_pickle
from patchword.converters.tensor_files import read_tensors, read_weights_of
from patchword.errors import CheckpointError

FORMATS = pytest.mark.parametrize("zipped", [True, False])


class Callback:
    """A class of the training script's own."""

    def __init__(self) -> None:
        raise AssertionError("this must never run")


class Runs:
    """What its pickle asks for."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


def save(path: Path, values: Any, zipped: bool) -> Path:
    torch.save(values, path, _use_new_zipfile_serialization=zipped)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_weights_of(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


@FORMATS
def test_weights_are_read_beside_whatever_scripts_save(tmp_path: Path, zipped: bool) -> None:
    weights = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).state_dict()
    beside: dict[str, Any] = {
        "args": argparse.Namespace(data=Path("x"), lr=0.1),
        "best": np.float64(3),
        "generator": np.random.default_rng(0).bit_generator.state,
        "random": torch.random.get_rng_state(),
        "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1}]},
        "norm": functools.partial(nn.LayerNorm, eps=1e-6),
        "callbacks": {Callback: {"seen": 3}, "own": object.__new__(Callback)},
        "counts": collections.defaultdict(list, {"a": [1]}),
        "rest": [{1, 2}, 1j, b"bytes", torch.float16, torch.device("cpu"), torch.Size([2]), range(3)],
        "parameter": nn.Parameter(torch.ones(2)),
    }
    path = save(tmp_path / "w.pth", {"state_dict": weights, "epoch": 3, **beside}, zipped)
    found = read_tensors(path)
    assert found.keys() == weights.keys()
    for name, tensor in weights.items():
        assert torch.equal(found[name], tensor), name
    whole = load_pickle(path)
    assert isinstance(whole["args"], Inert)
    assert torch.equal(whole["parameter"], torch.ones(2))


@FORMATS
@pytest.mark.parametrize(
    "call",
    [
        (os.system, "echo owned"),
        (eval, "print('owned')"),
        (exec, "print('owned')"),
        (getattr, os, "system"),
        (open, "owned", "w"),
        (__import__, "antigravity"),
        (pickle.loads, pickle.dumps(3)),
        (io.FileIO, "owned", "w"),
    ],
)
def test_functions_that_act_are_refused_wherever_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], zipped: bool, call: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    function, *arguments = call
    arguments = [value for value in arguments if value is not os]
    for values in ({"a": Runs(function, *arguments)}, {"model": {"a": torch.ones(2)}, "x": Runs(function, *arguments)}):
        text = refusal(save(tmp_path / "w.pth", values, zipped))
        assert "wants to run code when it is opened, which is refused" in text
        assert "torch.save(model.state_dict()" in text
    assert "owned" not in capfd.readouterr().out
    assert not (tmp_path / "owned").exists()


@FORMATS
def test_what_torch_itself_could_be_asked_to_do_is_not_done(tmp_path: Path, zipped: bool) -> None:
    for function in (torch.hub.load, torch.load, torch.utils.collect_env.run):
        path = save(tmp_path / "w.pth", {"a": torch.ones(1), "b": Runs(function, "echo owned")}, zipped)
        assert refusal(path) == "'b' is no tensor; expected a state dict, names and tensors alone"


@FORMATS
def test_a_whole_network_says_how_to_save_its_weights(tmp_path: Path, zipped: bool) -> None:
    text = refusal(save(tmp_path / "w.pth", nn.Linear(2, 3), zipped))
    assert text.startswith("holds a whole torch.nn.modules.linear.Linear, which only its own code can open; save the")


@pytest.mark.filterwarnings("ignore")  # torch's, that TorchScript is old
def test_a_script_archive_is_refused(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 3)), tmp_path / "w.pt")
    assert "wants to run code" in refusal(tmp_path / "w.pt")


@FORMATS
def test_a_small_file_that_claims_gigabytes_is_refused_at_once(tmp_path: Path, zipped: bool) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = save(tmp_path / "w.pth", {f"a{i}": torch.zeros(1).expand(1000, 1000, 900) for i in range(4)}, zipped)
    assert path.stat().st_size < 10_000
    assert refusal(path) == "it claims a tensor of 900,000,000 values, of which it holds 1"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


@FORMATS
def test_views_of_what_the_file_has_are_read(tmp_path: Path, zipped: bool) -> None:
    whole = torch.arange(24.0).view(4, 6)
    views = {"t": whole.t(), "part": whole[1:3, 2:5], "same": whole, "none": whole[:0], "scalar": whole[2, 2]}
    found = read_tensors(save(tmp_path / "w.pth", views, zipped))
    for name, view in views.items():
        assert torch.equal(found[name], view), name


@FORMATS
def test_views_of_one_storage_that_are_gigabytes_together_are_refused(tmp_path: Path, zipped: bool) -> None:
    whole = torch.randn(1000, 100)
    values = {f"a{i}": whole[:] for i in range(1000)}
    assert "its tensors are views of the same values" in refusal(save(tmp_path / "w.pth", values, zipped))
    tied = {f"a{i}": whole[:] for i in range(100)}
    assert len(read_tensors(save(tmp_path / "w.pth", tied, zipped))) == 100


@FORMATS
def test_tensors_with_attributes_or_a_changed_sign_are_read(tmp_path: Path, zipped: bool) -> None:
    whole = torch.randn(3)
    with_one = whole.clone()
    with_one.note = "of a person's"  # type: ignore[attr-defined]
    values = {"attribute": with_one, "negative": torch._neg_view(whole)}
    values |= {"other": torch.tensor([3], dtype=torch.uint16)} if zipped else {}
    found = read_tensors(save(tmp_path / "w.pth", values, zipped))
    assert torch.equal(found["attribute"], whole)
    assert torch.equal(found["negative"], -whole)
    assert not zipped or found["other"].tolist() == [3]


@FORMATS
def test_a_storage_or_a_view_beyond_the_file_is_refused(tmp_path: Path, zipped: bool) -> None:
    path = save(tmp_path / "w.pth", {"a": torch.arange(1000.0)}, zipped)
    content = path.read_bytes()
    # 1000 as the pickle has it: of the storage, and then of the view.
    small, large = b"M\xe8\x03", b"J\xff\xff\xff\x7f"
    assert content.count(small) >= 2
    for name in ("storage", "view"):
        first = content.index(small)
        place = first if name == "storage" else content.index(small, first + 1)
        if zipped:
            path.write_bytes(_repacked(path, small, large, name == "storage"))
        else:
            path.write_bytes(content[:place] + large + content[place + 3 :])
        assert "it claims a tensor of 2,147,483,647 values" in refusal(path)
        path.write_bytes(content)


def _repacked(path: Path, old: bytes, new: bytes, first: bool) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            data = source.read(member)
            if member.filename.endswith("data.pkl"):
                place = data.index(old) if first else data.index(old, data.index(old) + 1)
                data = data[:place] + new + data[place + len(old) :]
            target.writestr(member.filename, data)
    return out.getvalue()


def test_a_part_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "w.pth", {"a": torch.zeros(1_000_000)}, True)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            target.writestr(member.filename, source.read(member))
    assert refusal(tmp_path / "b.pth") == "a part of it would unpack to more than the file has"


def test_an_archive_of_zeros_is_refused_by_its_directory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with zipfile.ZipFile(tmp_path / "w.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(2):
            with archive.open(f"a{number}.npy", "w") as member:
                np.lib.format.write_array_header_1_0(
                    member, {"descr": "<f4", "fortran_order": False, "shape": (75 * 2**20 // 4,)}
                )
                for _ in range(75):
                    member.write(bytes(2**20))
    assert "would unpack to 150 MiB; expected at most 64 of a file so small" in refusal(tmp_path / "w.npz")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_an_array_that_claims_more_than_its_file_has_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive, archive.open("a.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "<f4", "fortran_order": False, "shape": (10**12,)})
        member.write(bytes(100))
    assert "'a.npy' claims more than it has" in refusal(tmp_path / "w.npz")


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors", "w.npz", "w.CKPT"])
def test_a_pipe_is_refused(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert refusal(tmp_path / name) == "is a device or a pipe; expected a file of tensors"


def test_a_switch_of_torchs_that_forbids_other_readers_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "w.pth", {"a": torch.ones(2)}, True)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    assert refusal(path).startswith("unset TORCH_FORCE_WEIGHTS_ONLY_LOAD: ")
