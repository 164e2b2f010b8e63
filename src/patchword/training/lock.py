"""One process at a time in a run folder, also where the folder is on a disk that several machines share.

The file `lock` is held by the system's own lock, which ends with its process, however that ends. Some network disks
have none, and on others it holds on one machine alone. So the file says who has it, and its holder touches it every few
seconds: a lock that somebody else's machine has left is watched for a while, and is none if nothing happens. No clocks
are compared, since those of two machines differ.
"""

import _thread
import errno
import json
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from patchword.errors import DataError, RunFolderError, clipped
from patchword.files import is_running, regular, writing
from patchword.training.events import Listener, Note, ignore

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

NAME = "lock"
BEAT = 5.0  # seconds between signs of life
WATCHED = 4 * BEAT  # seconds that a lock is watched for one
_LONGEST = 4096  # bytes of the file that are read
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class FolderLock:
    """A folder's lock, held.

    Args:
        path: the file.
        handle: of the open file.
        token: by which the file is known to be ours.
    """

    def __init__(self, path: Path, handle: int, token: str) -> None:
        self._path, self._handle, self._token = path, handle, token
        self._over, self._using = threading.Event(), threading.Lock()
        # Not threading.Thread: without memory for the new thread its start would wait for ever.
        _thread.start_new_thread(self._beat, ())

    def check(self) -> None:
        """See that nobody has taken the folder meanwhile, as may happen while this machine sleeps.

        Raises:
            RunFolderError: with the process that has it.
        """
        holder = _read(self._path)
        if holder and holder.get("token") != self._token:
            raise RunFolderError(self._path.parent, f"was taken over by {_named(holder)} while this run stood still")

    def release(self) -> None:
        """Give the folder back; the file is gone unless it is another's."""
        with self._using:
            self._over.set()
        with suppress(OSError):
            if _read(self._path).get("token") == self._token:
                self._path.unlink()
        os.close(self._handle)

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            with self._using, suppress(OSError):
                if not self._over.is_set():
                    os.utime(self._handle if os.utime in os.supports_fd else self._path)


@contextmanager
def locked(folder: Path, listener: Listener = ignore) -> Iterator[FolderLock]:
    """Hold a folder's lock inside the block.

    Args:
        folder: exists.
        listener: hears that a lock is being watched.

    Raises:
        RunFolderError: if another process has it: which, on which machine, since when.
        DataError: if there is something else of that name.
        OutputError: if the folder cannot be written.
    """
    path, token = folder / NAME, secrets.token_hex(8)
    with writing(path):
        if path.is_symlink():  # what it leads to would be emptied
            raise DataError(path, "is a link; expected the file that this run would make there, or none")
        if path.exists():
            regular(path, "the file that this run would make there")
        handle = _acquired(path, token, listener)
    lock = FolderLock(path, handle, token)
    try:
        yield lock
    finally:
        lock.release()


def _acquired(path: Path, token: str, listener: Listener) -> int:
    """An open file that has our token, and the system's lock where there is such a thing."""
    if not _has_system_locks(path.parent):
        return _made(path, token, listener)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _system_lock(handle):
                raise _held(path, _read(path))
            if not _is_at(handle, path):  # its holder deleted it between our opening and locking it
                os.close(handle)
                continue
            holder = _read(path)
            if holder and holder["host"] != socket.gethostname() and _lives(path, holder, listener):
                raise _held(path, holder)
            _write(handle, token)
            return handle
        except BaseException:
            with suppress(OSError):
                os.close(handle)
            raise


def _has_system_locks(folder: Path) -> bool:
    with tempfile.TemporaryFile(dir=folder) as file:
        return _system_lock(file.fileno()) is not None


def _system_lock(handle: int) -> bool | None:
    """Whether the system's lock could be had; None where there is none."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise


def _made(path: Path, token: str, listener: Listener) -> int:
    """Without the system's locks: of several who put a whole file in the lock's place, one can."""
    mine = path.with_name(f"{NAME}-{token}")
    handle = os.open(mine, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _write(handle, token)
        while not _linked(mine, path):
            holder = _read(path)
            dead = not holder or (holder["host"] == socket.gethostname() and not is_running(holder["pid"]))
            if not dead and _lives(path, holder, listener):
                raise _held(path, holder)
            _move_aside(path, holder, path.with_name(f"{NAME}-{token}-dead"))
        return handle
    except BaseException:
        os.close(handle)
        raise
    finally:
        mine.unlink(missing_ok=True)


def _linked(mine: Path, path: Path) -> bool:
    try:
        os.link(mine, path)
    except FileExistsError:
        return mine.stat().st_nlink == 2  # a network disk may have done it, and say so of a second try
    except OSError:  # a disk without links: better than no lock
        if path.exists():
            return False
        mine.rename(path)
    return True


def _move_aside(path: Path, holder: dict[str, Any], aside: Path) -> None:
    """Take away a lock that nobody holds; if another has done so meanwhile, what is there now is that one's."""
    with suppress(FileNotFoundError):
        path.rename(aside)
        if _read(aside).get("token") != holder.get("token"):
            with suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink()


def _lives(path: Path, holder: dict[str, Any], listener: Listener) -> bool:
    """Watch a lock for signs of life."""
    listener(Note(f"{path.parent} was held by {_named(holder)}; watching for {WATCHED:.0f} s whether it still is"))
    end, before = time.monotonic() + WATCHED, _stamp(path)
    while time.monotonic() < end:
        time.sleep(min(0.5, BEAT / 4))
        if _stamp(path) != before:
            return True
    return False


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _write(handle: int, token: str) -> None:
    values = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "token": token,
    }
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, (json.dumps(values) + "\n").encode())
    os.fsync(handle)


def _read(path: Path) -> dict[str, Any]:
    """What the file says; nothing if it is not what a holder wrote."""
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    whole = isinstance(values, dict) and isinstance(values.get("pid"), int) and isinstance(values.get("host"), str)
    return values if whole and 0 < values["pid"] < 2**31 else {}


def _held(path: Path, holder: dict[str, Any]) -> RunFolderError:
    by = _named(holder) if holder else "another process"
    return RunFolderError(path.parent, f"is in use by {by}; let it end, or choose another folder")


def _named(holder: dict[str, Any]) -> str:
    since = str(holder.get("since", "an unknown time"))
    return f"process {holder['pid']} on {clipped(holder['host'])} since {clipped(since)}"
