"""States: whole ones alone, and of a full disk the reason."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from patchword.errors import OutputError, RunFolderError
from patchword.training.state import (
    Progress,
    epoch_generator,
    load_state,
    random_states,
    restore_random_states,
    save_state,
)


def saved(path: Path, **changes: Any) -> Path:
    save_state(path, Progress(step=3), {"model": {}, "optimizer": {}, "average": None, "data": None})
    values = torch.load(path, weights_only=True)
    values["progress"].update(changes)
    torch.save(values, path)
    return path


def test_a_state_comes_back(tmp_path: Path) -> None:
    progress, values = load_state(saved(tmp_path / "run" / "state" / "latest.pt"))
    assert progress == Progress(step=3)
    assert values["model"] == {}
    assert values["data"] is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"step": -1}, "progress.step = -1"),
        ({"step": 1.5}, "progress.step = 1.5"),
        ({"batch": 2**60}, "progress.batch = 1152921504606846976"),
        ({"best": float("nan")}, "progress.best = nan"),
        ({"seconds": float("inf")}, "progress.seconds = inf"),
        ({"finished": 1}, "progress.finished = 1"),
        ({"checkpoints": ["../../x"]}, "progress.checkpoints = "),
        ({"checkpoints": "x" * 999}, "progress.checkpoints = 'xxx"),
        ({"stop": 1}, "unknown value 'stop' in its progress"),
    ],
)
def test_a_position_that_no_run_can_have_is_refused(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(RunFolderError) as caught:
        load_state(saved(tmp_path / "latest.pt", **changes))
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 450 + len(str(tmp_path))


@pytest.mark.parametrize("name", ["model", "optimizer", "random", "progress"])
def test_a_missing_table_is_named(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path / "latest.pt")
    values = torch.load(path, weights_only=True)
    del values[name]
    torch.save(values, path)
    with pytest.raises(RunFolderError, match=f"damaged: it has no {name}"):
        load_state(path)


def test_a_newer_state_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "latest.pt")
    torch.save({**torch.load(path, weights_only=True), "version": 99}, path)
    with pytest.raises(RunFolderError, match="state version 99 is newer"):
        load_state(path)


def test_generators_go_back_or_say_that_they_cannot() -> None:
    states = random_states()
    wanted = torch.rand(1).item(), np.random.rand(), random.random()
    restore_random_states(states)
    assert (torch.rand(1).item(), np.random.rand(), random.random()) == wanted
    for name, value in (
        ("torch", torch.zeros(3)),
        ("torch", None),
        ("numpy", ["MT19937", torch.zeros(624), 10**6, 0, 0.0]),  # numpy would read beyond its keys
        ("numpy", ["MT19937", torch.zeros(3), 1, 0, 0.0]),
        ("python", [3, [1, 2], None]),
    ):
        with pytest.raises(ValueError, match="random generators' states cannot be used"):
            restore_random_states({**states, name: value})


def test_an_apple_gpus_generator_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faked: no such hardware here."""
    put_back: list[torch.Tensor] = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: torch.tensor([7], dtype=torch.uint8))
    monkeypatch.setattr(torch.mps, "set_rng_state", put_back.append)
    restore_random_states(random_states())
    assert [state.tolist() for state in put_back] == [[7]]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_is_called_so_and_the_state_before_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "latest.pt")
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        real = Path.open
        patch.setattr(
            Path, "open", lambda self, mode="r", *a, **k: real(Path("/dev/full") if "w" in mode else self, mode)
        )
        with pytest.raises(OutputError) as caught:
            save_state(path, Progress(), {"model": {"w": torch.zeros(10**6)}, "optimizer": {}, "average": None})
    assert str(caught.value) == f"{path}: cannot be written: no space left on the disk"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_every_seed_that_a_recipe_can_have_has_an_order() -> None:
    assert epoch_generator(1, 0).initial_seed() == 1_000_003  # as it was before there was a range
    assert epoch_generator(7, 3).initial_seed() == 7_000_024
    for seed in (-(2**63), -1, 0, 2, 2**62, 2**63 - 1):
        epochs = [torch.randperm(20, generator=epoch_generator(seed, epoch)).tolist() for epoch in (0, 1, 10**12)]
        assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_one_bit_that_changed_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "latest.pt"
    save_state(path, Progress(), {"model": {"w": torch.full((999,), 0.1)}, "optimizer": {}, "average": None})
    content = bytearray(path.read_bytes())
    content[content.index(torch.full((99,), 0.1).numpy().tobytes()) + 200] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match="the saved state is damaged: the checksum of "):
        load_state(path)
