"""A zip of pictures, made anywhere: what is in it, and reading of it no more than is expected."""

import struct
import zipfile
import zlib
from pathlib import Path

from patchword.errors import DataError, reason
from patchword.files import regular
from patchword.images.files import MAX_BYTES
from patchword.images.formats import HEAD, format_of, other_kind
from patchword.images.listing import Listing, Parts, hidden

_SMALL = 2**20  # members up to this size are read at once
_ENCRYPTED, _UTF8 = 0x1, 0x800  # flags of a member
_DAMAGE = (EOFError, ValueError, RuntimeError, KeyError, IndexError, struct.error, zlib.error, zipfile.BadZipFile)


class Archive:
    """A zip file that is open.

    Args:
        path: of the zip.

    Raises:
        DataError: if it is none, damaged, or of a kind that Python does not read.
    """

    def __init__(self, path: Path) -> None:
        self.path = regular(path, "a zip file")
        try:
            self._zip = zipfile.ZipFile(path)
            members = [info for info in self._zip.infolist() if not info.filename.endswith(("/", "\\"))]
        except NotImplementedError as error:
            raise DataError(path, f"a zip that cannot be read: {error}") from None
        except OSError as error:
            raise DataError(path, f"not a whole zip file: {reason(error)}") from None
        except _DAMAGE as error:
            raise DataError(path, f"not a whole zip file: {error}") from None
        if members and all(info.flag_bits & _ENCRYPTED for info in members):
            raise DataError(path, "is encrypted; expected a zip without a password")
        slashes = any("/" in info.filename for info in members)
        self._members = {_parts(info, slashes): info for info in members}

    def listing(self) -> Listing:
        """What is in it, in order."""
        found = Listing()
        for parts in sorted(self._members):
            if parts and not any(map(hidden, parts)):
                found.add(parts, lambda parts=parts: self._read(parts, HEAD))  # type: ignore[misc]
        return found

    def picture(self, name: str) -> bytes:
        """The content of a member that is a picture.

        Args:
            name: its path as in the listing, joined with "/".

        Raises:
            DataError: naming it, if it cannot be read, is encrypted, no picture, or larger than `MAX_BYTES`.
        """
        parts = tuple(name.split("/"))
        label = f"{self.path}: {name}"
        if parts not in self._members:
            raise DataError(label, "cannot be read: it is not in the zip any more")
        size = self._members[parts].file_size
        if size > MAX_BYTES:
            raise DataError(label, f"has {size:,} bytes, more than the {MAX_BYTES:,} that are allowed")
        if size > _SMALL:
            # Zeros without end take no room in a zip.
            head = self._read(parts, HEAD)
            if format_of(head) is None:
                known = other_kind(head)
                raise DataError(label, f"not an image, or of an unknown format{f': it is {known}' if known else ''}")
        return self._read(parts, MAX_BYTES)

    def _read(self, parts: Parts, most: int) -> bytes:
        """The first `most` bytes of a member."""
        try:
            with self._zip.open(self._members[parts]) as file:
                return file.read(most)
        except MemoryError:
            raise DataError(f"{self.path}: {'/'.join(parts)}", "takes more memory than there is") from None
        except OSError as error:
            raise DataError(f"{self.path}: {'/'.join(parts)}", f"cannot be read: {reason(error)}") from None
        except (NotImplementedError, *_DAMAGE) as error:
            problem = "it is encrypted" if self._members[parts].flag_bits & _ENCRYPTED else str(error)
            raise DataError(f"{self.path}: {'/'.join(parts)}", f"cannot be read: {problem}") from None


def _parts(info: zipfile.ZipInfo, slashes: bool) -> Parts:
    """The path of a member, whatever system wrote it.

    Args:
        info: the member.
        slashes: whether any name of the zip has a slash; else backslashes stand for them, as some on Windows write.
    """
    name = info.filename
    if not info.flag_bits & _UTF8 and not name.isascii():
        name = _decoded(name)
    if info.create_system == 0 or not slashes:
        name = name.replace("\\", "/")
    return tuple(part for part in name.split("/") if part not in ("", "."))


def _decoded(name: str) -> str:
    """A name that Python read as the old IBM code page, as what its bytes more likely are: UTF-8 or GBK."""
    try:
        raw = name.encode("cp437")
    except UnicodeEncodeError:
        return name
    for encoding in ("utf-8", "gbk"):
        try:
            found = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        # In the old page letters with accents end at 0xA5; the common Chinese characters of GBK begin at 0xB0.
        if encoding == "utf-8" or all(char.isascii() or char.encode("gbk")[0] >= 0xA1 for char in found):
            return found
    return name
