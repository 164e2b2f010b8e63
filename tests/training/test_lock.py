"""Who works in a run folder, also on disks of several machines."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchword.errors import DataError, OutputError, RunFolderError
from patchword.training import lock as module
from patchword.training.events import Event, Note
from patchword.training.lock import locked
from tests.forked import Forked

HOLD = """
import sys, time
from pathlib import Path
from patchword.training.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT", 0.1)
    monkeypatch.setattr(module, "WATCHED", 1.0)


@pytest.fixture
def no_system_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_system_lock", lambda _: None)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Forked]:
    """Another process that has the folder's lock."""
    process = Forked(HOLD, [tmp_path])
    process.wait_for("held\n")
    yield process
    process.kill()


def left_by(folder: Path, host: str, pid: int = 12) -> Path:
    path = folder / "lock"
    path.write_text(json.dumps({"pid": pid, "host": host, "since": "2026-01-01 10:00:00", "token": "x"}))
    return path


def test_a_folder_is_held_inside_the_block_and_free_after_it(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path) as lock:
            said = json.loads((tmp_path / "lock").read_text())
            assert said["pid"] == os.getpid()
            lock.check()
        assert list(tmp_path.iterdir()) == []


def test_the_second_of_two_is_told_who_is_the_first(tmp_path: Path, other: "subprocess.Popen[str]") -> None:
    expected = rf"is in use by process {other.pid} on \S+ since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d; let it end, or choose"
    with pytest.raises(RunFolderError, match=expected), locked(tmp_path):
        pass
    assert (tmp_path / "lock").exists()


def test_so_it_is_within_one_process(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(RunFolderError, match=f"in use by process {os.getpid()} "), locked(tmp_path):
        pass


def test_a_lock_left_by_a_dead_process_is_none(tmp_path: Path, other: "subprocess.Popen[str]") -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (tmp_path / "lock").exists()
    with locked(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": -1, "host": "a"}', b"\xff" * 9999, b"[" * 4000])
def test_what_no_holder_wrote_is_no_lock(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lock").write_bytes(content)
    with locked(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


@pytest.mark.usefixtures("quick")
def test_another_machines_lock_is_watched_and_is_none_if_nothing_happens(tmp_path: Path) -> None:
    left_by(tmp_path, "elsewhere")
    heard: list[Event] = []
    with locked(tmp_path, heard.append):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()
    assert isinstance(heard[0], Note)
    assert "was held by process 12 on elsewhere since 2026-01-01 10:00:00; watching" in heard[0].text


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("system", [True, False], ids=["locks_of_one_machine", "no_locks"])
def test_another_machines_lock_that_is_touched_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: bool
) -> None:
    if not system:
        monkeypatch.setattr(module, "_system_lock", lambda _: None)
    path, over = left_by(tmp_path, "elsewhere"), threading.Event()

    def beat() -> None:
        while not over.wait(0.1):
            os.utime(path)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(RunFolderError, match="in use by process 12 on elsewhere"), locked(tmp_path):
            pass
    finally:
        over.set()
        thread.join()


@pytest.mark.usefixtures("quick", "no_system_locks")
def test_without_the_systems_locks_one_wins_too(tmp_path: Path) -> None:
    outcomes: list[str] = []

    def work() -> None:
        try:
            with locked(tmp_path):
                outcomes.append("held")
                time.sleep(2)
        except RunFolderError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("held") == 1
    assert sum("is in use by process" in outcome for outcome in outcomes) == 3


@pytest.mark.usefixtures("no_system_locks")
def test_without_links_either_there_still_is_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(module, "BEAT", 0.05)
    with locked(tmp_path), pytest.raises(RunFolderError, match=f"in use by process {os.getpid()} "), locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_system_locks")
def test_without_them_a_dead_process_of_this_machine_holds_nothing(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left_by(tmp_path, module.socket.gethostname(), ended.pid)
    with locked(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


def test_a_holder_sees_that_another_took_the_folder(tmp_path: Path) -> None:
    with locked(tmp_path) as lock:
        left_by(tmp_path, "elsewhere")
        with pytest.raises(RunFolderError, match="was taken over by process 12 on elsewhere"):
            lock.check()
    assert (tmp_path / "lock").exists()  # it is the other's


def test_a_holder_is_alive_to_those_who_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT", 0.05)
    with locked(tmp_path):
        os.utime(tmp_path / "lock", (1, 1))
        time.sleep(1)
        assert (tmp_path / "lock").stat().st_mtime > 1


def test_a_folder_that_cannot_have_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"lock: cannot be written: no such file"), locked(tmp_path / "none"):
        pass
    (tmp_path / "lock").mkdir()
    with pytest.raises(DataError, match="lock: is a folder"), locked(tmp_path):
        pass


def test_a_link_in_its_place_is_refused_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "run" / "lock").symlink_to(tmp_path / "mine.txt")
    with pytest.raises(DataError, match="lock: is a link; expected the file"), locked(tmp_path / "run"):
        pass
    assert (tmp_path / "mine.txt").read_text() == "mine"
