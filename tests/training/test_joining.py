"""Finding the other processes, or saying in one sentence why not."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import torch.distributed as dist

from patchword.errors import GroupError
from patchword.training import joining
from patchword.training.joining import joined
from tests.training.several import free_port, losses, start
from tests.training.test_together import alone, assert_close, recipe_file, translation

TWO = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1", "RANK": "0"}, {"RANK": "3"}])
def test_a_process_without_others_is_alone(environment: dict[str, str]) -> None:
    with joined(environment) as group:
        assert (group.rank, group.size, group.first) == (0, 1, True)
        assert group.first_alone(lambda: 3) == 3
        assert not dist.is_initialized()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"WORLD_SIZE": "two"}, "the environment's WORLD_SIZE is 'two'; expected a number from 2"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is '0'"),
        ({"WORLD_SIZE": "-2"}, "WORLD_SIZE is '-2'"),
        ({"WORLD_SIZE": ""}, "WORLD_SIZE is ''"),
        ({"RANK": "2"}, "RANK is '2'; expected a number from 0 to 1"),
        ({"RANK": None}, "WORLD_SIZE is 2, but RANK is not set; torchrun sets both"),
        ({"MASTER_ADDR": ""}, "MASTER_ADDR is not set"),
        ({"MASTER_PORT": None}, "MASTER_PORT is not set"),
        ({"MASTER_PORT": "http"}, "MASTER_PORT is 'http'; expected a number from 1 to 65535"),
        ({"LOCAL_WORLD_SIZE": "3"}, "LOCAL_WORLD_SIZE is '3'; expected a number from 1 to 2"),
        ({"LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "1"}, "LOCAL_RANK is '1'"),
    ],
)
def test_variables_that_make_no_sense_are_named(change: dict[str, str | None], sentence: str) -> None:
    environment = {name: value for name, value in {**TWO, **change}.items() if value is not None}
    with pytest.raises(GroupError, match=re.escape(sentence)), joined(environment):
        pass


def test_a_port_in_use_and_nobody_there_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "UPDATE", timedelta(seconds=2))
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        monkeypatch.setattr(os, "environ", {**os.environ, **TWO, "MASTER_PORT": port})
        with (
            pytest.raises(GroupError, match=f"^port {port} of 127.0.0.1, where the 2 processes are to meet, is in use"),
            joined(os.environ),
        ):
            pass
    port = str(free_port())
    monkeypatch.setattr(os, "environ", {**os.environ, "RANK": "1", "MASTER_PORT": port})
    with (
        pytest.raises(GroupError, match=f"^process 1 of 2 did not find the others at 127.0.0.1:{port}: .*GLOO_SOCKET"),
        joined(os.environ),
    ):
        pass


def into_namespace() -> None:
    """Move this process to the network that its rank has."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(f"/run/netns/patchword-test-{os.environ['RANK']}", os.O_RDONLY)
    if libc.setns(handle, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")
    os.environ["GLOO_SOCKET_IFNAME"] = f"pwtest{os.environ['RANK']}"


@pytest.fixture
def two_networks() -> Iterator[None]:
    """Two network namespaces with a cable between them: 10.201.77.1 and 10.201.77.2."""

    def ip(*words: str) -> bool:
        return subprocess.run(["ip", *words], capture_output=True).returncode == 0

    def clear() -> None:
        for name in ("patchword-test-0", "patchword-test-1"):
            ip("netns", "delete", name)

    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("two network namespaces as two machines need Linux and root")
    clear()
    try:
        made = [ip("netns", "add", "patchword-test-0"), ip("netns", "add", "patchword-test-1")]
        made.append(ip("link", "add", "pwtest0", "type", "veth", "peer", "name", "pwtest1"))
        for rank in ("0", "1"):
            made.append(ip("link", "set", f"pwtest{rank}", "netns", f"patchword-test-{rank}"))
            inside = ("-n", f"patchword-test-{rank}")
            made.append(ip(*inside, "addr", "add", f"10.201.77.{int(rank) + 1}/24", "dev", f"pwtest{rank}"))
            made += [ip(*inside, "link", "set", link, "up") for link in (f"pwtest{rank}", "lo")]
        if not all(made):
            pytest.skip("the system does not permit network namespaces with a cable between them")
        yield
    finally:
        clear()


@pytest.mark.usefixtures("two_networks")
def test_two_machines_train_as_one_process(
    phrases: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = translation(phrases)
    alone(values, tmp_path / "one", monkeypatch)
    arguments = ["train", recipe_file(values, tmp_path), "--threads", "1", "--out", str(tmp_path / "run")]
    place = {"MASTER_ADDR": "10.201.77.1", "LOCAL_WORLD_SIZE": "1", "LOCAL_RANK": "0"}
    several = start(2, tmp_path / "said", arguments, into_namespace, **place)
    assert several.wait() == [0, 0], several.said()
    assert_close(losses(tmp_path / "run"), losses(tmp_path / "one"))


def test_torchrun_starts_the_command(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = recipe_file(translation(phrases, max_steps=3), tmp_path)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--master-port",
        str(free_port()),
    ]
    command += ["-m", "patchword", "train", recipe, "--out", str(tmp_path / "run")]
    found = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert found.returncode == 0, found.stderr
    assert found.stderr.count("done: the best model is") == 1
    assert (tmp_path / "run" / "best" / "model.safetensors").is_file()
