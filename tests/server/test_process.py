"""The command as a process: signals, models that change, workers that die. The tests share one and the last ends it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.load import Load
from tests.server.running import ROOT, Command, until
from tests.tiny import tiny_translator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
CLIENTS = 8


@pytest.fixture(scope="module")
def folder(models: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    found: Path = tmp_path_factory.mktemp("served") / "words"
    shutil.copytree(models[0], found)
    return found


@pytest.fixture(scope="module")
def command(folder: Path) -> Iterator[Command]:
    with Command(str(folder), "--threads", "1", "--timeout", "30") as found:
        yield found.ready()


def workers(command: Command) -> list[int]:
    """Processes that the command has started."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(command.process.pid)], capture_output=True, text=True
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if "spawn_main" in line]


def test_it_says_where_it_is_and_what_it_serves(command: Command) -> None:
    assert f"serving words at {command.address}; Ctrl-C ends it" in command.said
    assert "can be reached from other machines" not in command.said


def test_models_are_loaded_anew_and_no_request_is_lost(command: Command, folder: Path) -> None:
    """The new model has other options, so that it can be told from the old one."""
    with command.client() as client, Load(command.address, CLIENTS) as load:
        load.wait(20)
        before = client.post("/v1/translate", json={"texts": "one two three", "n_best": 1}).json()
        translator = tiny_translator()
        translator.options = translator.options.changed({"max_extra": 0}, "test")
        translator.save(folder)
        command.signal(signal.SIGHUP)
        until(lambda: "the new models are in place" in command.said)
        load.wait(20)
        after = client.post("/v1/translate", json={"texts": "one two three", "n_best": 1}).json()
    assert set(load.ends) == {200}
    assert after != before
    until(lambda: len(workers(command)) == 1)


def test_a_folder_that_cannot_be_loaded_changes_nothing(command: Command, folder: Path) -> None:
    kept = (folder / "config.json").read_bytes()
    (folder / "config.json").write_text("{")
    command.signal(signal.SIGHUP)
    until(lambda: "the old models go on: " in command.said)
    (folder / "config.json").write_bytes(kept)
    with command.client() as client:
        assert client.post("/v1/translate", json={"texts": "one"}).status_code == 200


def test_a_worker_that_dies_is_started_anew_and_harms_no_other_request(command: Command) -> None:
    with Load(command.address, CLIENTS) as load:
        load.wait(20)
        (worker,) = workers(command)
        os.kill(worker, signal.SIGKILL)
        until(lambda: "the worker died" in command.said)
        load.wait(40)
        load.wait(20)
    # One that was computed by itself at that moment is answered 500; in a batch all are computed once more.
    assert set(load.ends) <= {200, 500}
    assert load.ends[500] <= 1
    assert workers(command) != [worker]


def test_after_a_sigterm_every_accepted_request_is_answered_and_it_exits_with_0(command: Command) -> None:
    with Load(command.address, CLIENTS) as load:
        load.wait(20)
        assert command.end() == 0
    assert set(load.ends) == {200, "refused"}
    assert load.ends["refused"] == CLIENTS
    assert "Traceback" not in command.said


@pytest.mark.parametrize("signals", [1, 2])
def test_while_the_models_are_loaded_it_can_be_ended(folder: Path, signals: int) -> None:
    with Command(str(folder)) as starting:
        with starting.client() as client:
            assert client.get("/healthz").status_code == 200
            waiting = client.get("/v1/models")
            assert (waiting.status_code, "Retry-After" in waiting.headers) in ((503, True), (200, False))
        for _ in range(signals):
            starting.signal(signal.SIGINT)
        assert starting.end() == 0


def refused(*arguments: str, folder: Path) -> str:
    path = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "patchword.cli.main", "serve", *arguments]
    done = subprocess.run(command, cwd=folder, env=path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_what_it_cannot_serve_is_one_sentence(tmp_path: Path) -> None:
    assert "no model is given and there is no demo/ here" in refused(folder=tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"cannot listen at 127.0.0.1 port {port}" in refused("m", "--port", port, folder=tmp_path)
    assert refused("nothing", "--port", "0", folder=tmp_path) == "patchword: nothing: no such model folder"
