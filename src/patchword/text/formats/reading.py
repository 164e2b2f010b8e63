"""The pairs of any of the translators' formats."""

from typing import IO

from patchword.text.formats.kinds import MO, PO, TMX
from patchword.text.formats.po import read_mo, read_po
from patchword.text.formats.tmx import read_tmx
from patchword.text.formats.unit import Units
from patchword.text.formats.xliff import read_xliff
from patchword.text.objects import Languages


def read_units(name: str, kind: str, stream: IO[bytes], languages: Languages) -> Units:
    """A file's units as pairs.

    Args:
        name: of the file.
        kind: its format; see `kinds.kind_of`.
        stream: its bytes.
        languages: of source and target, where they are said; a memory has many.

    Raises:
        DataError: if it cannot be read, at once or as its rows are read.
    """
    if kind == TMX:
        return read_tmx(name, stream, languages)
    if kind in (PO, MO):
        return read_po(name, stream) if kind == PO else read_mo(name, stream)
    return read_xliff(name, stream, languages)
