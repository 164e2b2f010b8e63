"""What translators' files hold: units, of which some are pairs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from patchword.text.files import Damage

Row = tuple[int, str, str]

# Why a unit is no pair, as notes name them.
UNTRANSLATED = "without a translation"
UNFINISHED = "marked as fuzzy or unfinished"
OBSOLETE = "obsolete"
NOT_FOR_TRANSLATION = "marked as not to be translated"
OTHER_LANGUAGES = "without one of the two languages"


@dataclass
class Units:
    """The units of a file as they come.

    Attributes:
        name: of the file.
        rows: line, source and target of each that is a pair, and what cannot be used; it may be read once.
        languages: of the two sides, as the file names them; known once the first row is read.
        left_out: how many units are no pairs, by why; known once all rows are read.
    """

    name: str
    rows: Iterator[Row | Damage] = field(default_factory=lambda: iter(()))
    languages: tuple[str, str] | None = None
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def names(self) -> tuple[str, str] | None:
        """What the file calls the two sides."""
        return self.languages

    def notes(self) -> str:
        """What was left out, a clause; empty if nothing was."""
        return ", ".join(f"{count:,} {why}" for why, count in self.left_out.items())
