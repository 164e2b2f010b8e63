"""Texts in a zip: one table, JSON lines or translators' file, or the two files of aligned text."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from patchword.errors import DataError, reason
from patchword.files import regular
from patchword.text.formats.kinds import ENDINGS
from patchword.text.language import language_code, named_language
from patchword.text.unpacking import most_unpacked, too_much

_BROKEN = (zipfile.BadZipFile, struct.error, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_TABLES = (".tsv", ".tab", ".csv", ".jsonl", ".json", ".ndjson", *ENDINGS)
_ABOUT = ("readme", "license", "licence", "_about", "copying", "changes")


def is_zip(path: Path) -> bool:
    """Whether a file is a zip by its name or its first bytes."""
    if path.suffix.lower() == ".zip":
        return True
    try:
        with regular(path).open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except (DataError, OSError):  # which reading it will say
        return False


@contextmanager
def member(path: Path, name: str) -> Iterator[IO[bytes]]:
    """The bytes of a zip's member, as they unpack; how large it says that it is does not matter.

    Raises:
        DataError: if the zip or the member is damaged, or packed or locked in a way that is not known; while it is
            read, if it unpacks to very much more than it is.
    """
    with _read(path), zipfile.ZipFile(path) as archive, archive.open(name) as stream:
        packed = min(archive.getinfo(name).compress_size, path.stat().st_size)
        yield io.BufferedReader(_Limited(stream, packed, f"{path}/{name}"))


class _Limited(io.RawIOBase):
    """What a member unpacks to, up to the limit of its packed size."""

    def __init__(self, stream: IO[bytes], packed: int, name: str) -> None:
        self._stream, self._name = stream, name
        self._packed, self._unpacked = packed, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._unpacked += len(data)
        if self._unpacked > most_unpacked(self._packed):
            raise too_much(self._name)
        buffer[: len(data)] = data
        return len(data)


def members(path: Path, languages: Sequence[str | None]) -> list[str]:
    """Names of the one or two members that are the text.

    Args:
        path: the zip.
        languages: of source and target, if they are known: they order two members.

    Raises:
        DataError: if the zip cannot be read, or it is not clear which members are meant.
    """
    regular(path, "a zip")
    with _read(path), zipfile.ZipFile(path) as archive:
        names = [each.filename for each in archive.infolist() if not each.is_dir() and _is_text(each.filename)]
    tables = [name for name in names if name.lower().removesuffix(".gz").endswith(_TABLES)]
    if len(tables) == 1 or len(names) == 1:
        return tables or names
    sides = [name for name in names if named_language(Path(name)) is not None] if len(names) > 2 else names
    if len(sides) == 2 and not tables:
        codes = [language_code(named_language(Path(name)) or "") for name in sides]
        source, target = (None if each is None else language_code(each) for each in languages)
        swapped = codes[0] != codes[1] and (
            (source is not None and codes[1] == source) or codes[0] == target is not None
        )
        return sides[::-1] if swapped else sides
    listed = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    raise DataError(path, f"holds {len(names)} files ({listed}); expected one table, or two aligned files; unpack it")


def _is_text(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    last = parts[-1].lower() if parts else ""
    return not hidden and not last.startswith(_ABOUT) and not last.endswith((".xml", ".ids", ".md", ".pdf", ".html"))


@contextmanager
def _read(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise DataError(path, f"not a whole zip that can be read: {error or type(error).__name__}") from None
    except OSError as error:
        raise DataError(path, f"cannot be read: {reason(error)}") from None
