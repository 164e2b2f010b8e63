"""The command as a process: signals, models that change, workers that die. The tests share one and the last ends it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from patchword.cli.main import main
from patchword.cli.serve import demo_models
from tests.server.load import Load
from tests.server.running import Command, Running, until
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
    with Command(str(folder), "--threads", "1", "--timeout", "200", "--reload-models") as found:
        yield found.ready()


def workers(command: Command) -> list[int]:
    """Processes that the command has started."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(command.process.pid)], capture_output=True, text=True
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
        (worker,) = until(lambda: len(found := workers(command)) == 1 and found)
        os.kill(worker, signal.SIGKILL)
        until(lambda: "the worker died" in command.said)
        load.wait(40)
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


def test_while_the_models_are_loaded_it_can_be_ended_also_by_a_terminal_that_closes(folder: Path) -> None:
    with Command(str(folder)) as starting:
        with starting.client() as client:
            assert client.get("/healthz").status_code == 200
            waiting = client.get("/v1/models")
            assert (waiting.status_code, "Retry-After" in waiting.headers) in ((503, True), (200, False))
        starting.signal(signal.SIGHUP)
        assert starting.end() == 0


def test_of_a_batch_that_kills_the_worker_each_is_tried_once_more_by_itself_and_then_answered_500(
    running: Running,
) -> None:
    crew = running.serving.crew
    slow = {"texts": "one two three", "beam": 16, "max_extra": 1400, "prefix": [5] * 1100}  # seconds

    def kill(computing: int) -> None:
        until(lambda: crew.ready and crew.computing == computing)
        (worker,) = crew.process_ids
        os.kill(worker, signal.SIGKILL)
        until(lambda: worker not in crew.process_ids)

    with ThreadPoolExecutor(4) as pool, running.client() as client:

        def ask(**changes: Any) -> "Future[httpx.Response]":
            return pool.submit(client.post, "/v1/translate", json={**slow, **changes})

        before = ask(beam=15)
        until(lambda: crew.computing == 1)
        batch = [ask(), ask()]
        until(lambda: crew.waiting == 2)
        assert before.result().status_code == 200
        until(lambda: crew.computing == 2)
        short = ask(texts="one", beam=1, max_extra=3, prefix=None)
        until(lambda: crew.waiting == 1)
        kill(2)
        kill(1)
        killed, spared = sorted((each.result() for each in batch), key=lambda answer: -answer.status_code)
        assert killed.status_code == 500
        assert killed.json() == {"error": "the worker died while it computed this"}
        assert spared.status_code == short.result().status_code == 200


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["patchword", "serve", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        return capsys.readouterr().err.splitlines()[-1]

    return run


def test_what_it_cannot_serve_is_one_sentence(refused: Callable[..., str]) -> None:
    assert "no model is given and there is no demo/ here" in refused()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = refused("m", "--port", port)
        assert (
            said == f"patchword: cannot listen at 127.0.0.1 port {port}: address already in use; --port chooses another"
        )
    assert (
        refused("m", "--port", "70000") == "patchword: serve: port = 70000: input should be less than or equal to 65535"
    )
    assert "cannot listen at nowhere.invalid port 8000" in refused("m", "--host", "nowhere.invalid")
    assert refused("m", "--api-keys", "keys") == "patchword: keys: no such file or directory"
    assert refused("nothing", "--port", "0") == "patchword: nothing: no such model folder"


def test_without_a_model_the_demo_s_are_served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("translator", "classifier", "data"):
        (tmp_path / "demo" / name / "best").mkdir(parents=True)
    (tmp_path / "demo" / "translator" / "best" / "config.json").touch()
    assert demo_models() == [str(Path("demo") / "translator")]
