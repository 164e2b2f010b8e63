"""Files that have an end, and writing so that a kill at any moment leaves the old file or the new one, never half."""

import errno
import os
import re
import shutil
import socket
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from patchword.errors import DataError, OutputError, reason

# ".NAME.PID-HOST-RANDOM.tmp", so that the next run knows whether whoever made it still works.
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)-(?P<host>[0-9a-f]{8})-[a-z0-9_]{8}\.tmp", re.DOTALL)
_NAME = 40  # characters of a file's name that its temporary's has: whatever name can be, can be written


def regular(path: Path, expected: str = "a file") -> Path:
    """The path itself, if a file with an end is there: a device or a named pipe could be read for ever.

    Args:
        path: links are followed.
        expected: what it should have been, for messages.

    Raises:
        DataError: if there is nothing, a folder, a device, a pipe or a socket, or it cannot be looked at.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise DataError(path, "no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null character
        raise DataError(path, f"cannot be read: {reason(error) if isinstance(error, OSError) else error}") from None
    if stat.S_ISDIR(mode):
        raise DataError(path, f"is a folder; expected {expected}")
    if not stat.S_ISREG(mode):
        raise DataError(path, f"is a device or a pipe; expected {expected}")
    return path


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell every OSError of the block as one about `path`.

    Raises:
        OutputError: with the path and the reason.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(path, f"cannot be written: {reason(error)}") from None


def check_output(path: Path) -> None:
    """Find out before long work whether a file can be written at its end; nothing is left behind.

    Raises:
        OutputError: if a folder is in its place, its folder cannot be made or written, or there is no space at all.
    """
    with writing(path):
        if path.is_dir():
            raise OutputError(path, "is a folder; expected the name of a file")
        if path.parent.is_dir():
            forget_temporaries(path.parent, path.name)
        if path.is_fifo():  # opening it would wait for a reader, and closing it would tell the reader that this is all
            return
        if path.exists() and not path.is_file():
            with path.open("ab"):  # a device: opened, nothing is written
                return
        with replacing(path, keep=False) as temporary:
            temporary.write_bytes(b" ")


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        OSError: if that cannot be.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:  # what is there is none
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None


def check_new_folder(path: Path) -> None:
    """Find out before long work whether `new_folder` can begin; nothing is left behind.

    Raises:
        DataError: as `new_folder`.
        OutputError: if the folder cannot be made.
    """
    _check_new(path)
    with writing(path):
        above = path.absolute().parent
        while not above.exists():
            above = above.parent
        Path(tempfile.mkdtemp(dir=above, prefix=_prefix(path), suffix=".tmp")).rmdir()


@contextmanager
def replacing(path: Path, keep: bool = True) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends without an error it becomes `path`.

    Data is on disk before the rename, so a power cut leaves one of the two versions.

    Args:
        path: the file.
        keep: whether it is to become `path`, or was only a trial.

    Raises:
        OutputError: if it cannot be written.
    """
    with writing(path):
        make_folder(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=".tmp")
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.chmod(0o666 & ~_umask())
            if keep:
                temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; when the block ends without an error it becomes `path`.

    Raises:
        DataError: if there is something at `path` already other than an empty folder, or is the current folder.
        OutputError: if it cannot be written.
    """
    _check_new(path)
    try:
        make_folder(path.parent)
        forget_temporaries(path.parent, path.name)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=_prefix(path), suffix=".tmp"))
    except OSError as error:
        raise OutputError(path, f"cannot be made: {reason(error)}") from None
    try:
        yield temporary
        # Some libraries make files that only their owner can read.
        for written in (temporary, *temporary.rglob("*")):
            written.chmod((0o777 if written.is_dir() else 0o666) & ~_umask())
        if path.exists():
            path.rmdir()
        temporary.rename(path)
    except OutputError as error:  # of a file in it, under a name that nobody knows
        raise OutputError(path, error.problem) from None
    except OSError as error:
        raise OutputError(path, f"cannot be written: {reason(error)}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def forget_temporaries(folder: Path, name: str | None = None) -> None:
    """Delete what `replacing` and `new_folder` left in a folder when their process was killed.

    Args:
        folder: where to look.
        name: of the file or folder that was being written, whose writer no longer runs on this machine; None for
            whatever there is, whoever wrote it, which only who alone may write there can know.
    """
    with suppress(OSError):
        for path in folder.iterdir():
            found = _TEMPORARY.fullmatch(path.name)
            if found is None or (name is not None and not (found["name"] == name[:_NAME] and _is_dead(found))):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file (UTF-8), atomically.

    Raises:
        OutputError: if it cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole binary file, atomically; what is a device or a pipe stays one.

    Raises:
        OutputError: if it cannot be written.
    """
    with writing(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("ab", buffering=0) as stream:
                stream.write(data)
            return
        with replacing(path) as temporary:
            temporary.write_bytes(data)


def _check_new(path: Path) -> None:
    try:
        if path.resolve() == Path.cwd():
            raise DataError(path, "is the folder that you are in; choose another for the output")
        if path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
            raise DataError(path, "exists already; choose another folder for the output")
    except OSError as error:
        raise OutputError(path, f"cannot be made: {reason(error)}") from None


def _host() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _prefix(path: Path) -> str:
    return f".{path.name[:_NAME]}.{os.getpid()}-{_host()}-"


def _is_dead(temporary: "re.Match[str]") -> bool:
    return temporary["host"] == _host() and not is_running(int(temporary["pid"]))


def is_running(pid: int) -> bool:
    """Whether this machine has such a process; where that cannot be asked, it may have."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)  # asks, sends nothing
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
