"""Letters for a still picture: which installed fonts have the characters of its texts."""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

BASE = "DejaVu Sans"  # comes with matplotlib
# Tried before others, since some fonts have a script's characters without being made for it.
PREFERRED = (
    "Noto Sans CJK",
    "Noto Sans",
    "PingFang",
    "Microsoft YaHei",
    "Source Han Sans",
    "WenQuanYi",
    "Arial Unicode",
)
# Fonts whose glyphs are pictures in colour, or boxes that name the script.
LEFT_OUT = ("emoji", "lastresort", "last resort", "notdef", "fallback")


class Lettering:
    """Texts as they can be drawn, and the fonts that they need together.

    Attributes:
        missing: characters that no installed font has.
    """

    def __init__(self) -> None:
        self.families = [BASE]
        self.missing: set[str] = set()

    @property
    def style(self) -> dict[str, Any]:
        """What matplotlib's text needs for the texts so far; a piece may have $ or \\, which are no formula."""
        return {"family": list(self.families), "parse_math": False}

    def piece(self, piece: str) -> str:
        """A token as people read it: the mark of a space is a dot, the end token a square."""
        return self.plain("■" if piece == "</s>" else piece.replace("▁", "·"))

    def plain(self, text: str) -> str:
        """The text with what cannot be drawn as code points, what is no character as �."""
        return "".join(self._drawable(char) for char in text)

    def _drawable(self, char: str) -> str:
        category = unicodedata.category(char)
        if category in ("Cc", "Cs", "Zl", "Zp"):
            return "�"
        if category == "Cf" or "\ufe00" <= char <= "\ufe0f":
            return ""  # joiners, marks of direction, variation selectors: nothing is drawn for them alone
        if any(ord(char) in _characters(family) for family in self.families):
            return char
        family = _family_with(char)
        if family is None:
            self.missing.add(char)
            return f"U+{ord(char):04X}"
        self.families.append(family)
        return char


@cache
def _family_with(char: str) -> str | None:
    names = {font.name for font in _upright_fonts() if not any(one in font.name.lower() for one in LEFT_OUT)}
    order = sorted(
        names, key=lambda name: (next((at for at, one in enumerate(PREFERRED) if name.startswith(one)), 99), name)
    )
    return next((name for name in order if ord(char) in _characters(name)), None)


@cache
def _characters(family: str) -> frozenset[int]:
    """The characters of a family's regular font, the one that matplotlib draws with."""
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    try:
        found = Path(findfont(FontProperties(family=family), fallback_to_default=False))
        return frozenset(FT2Font(str(found)).get_charmap())
    except (OSError, RuntimeError, ValueError):  # a font that was removed since, or is no font
        return frozenset()


def ems(text: str) -> float:
    """About how wide a text is, in its letters' size."""
    return sum(1.0 if unicodedata.east_asian_width(char) in "WF" else 0.62 for char in text)


def _upright_fonts() -> list[Any]:
    from matplotlib.font_manager import fontManager

    wanted = {"style": ("normal",), "weight": (400, "normal", "regular", "book"), "stretch": ("normal",)}
    return [font for font in fontManager.ttflist if all(getattr(font, key) in values for key, values in wanted.items())]
