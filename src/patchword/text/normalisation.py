"""One form for texts that look the same, so that what cannot be seen does not change a translation.

The form "plain":

1. Unicode's NFC: an accent is part of its letter where there is such a letter.
2. Every kind of space, tabs and line ends included, is a plain space.
3. What cannot be seen is left out: control characters, zero-width spaces, soft hyphens, byte-order marks, marks of
   writing direction, tags outside flags. A zero-width joiner or non-joiner stays where a script needs it (Arabic's,
   India's and its neighbours', Mongolian, emoji), and a variation selector where it does not follow a letter that has
   no variants (Latin, Greek, Cyrillic). A non-breaking hyphen is a plain one.
4. Full-width letters, digits and signs are the plain ones, and half-width katakana the whole ones; full-width
   punctuation stays in a text that has Chinese, Japanese or Korean letters, where it is the plain one. Ligatures of
   Latin letters are the letters.

The form "quotes" is that, with straight quotation marks and apostrophes for all others. "none" leaves text as it is.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, get_args

Normalisation = Literal["none", "plain", "quotes"]
NORMALISATIONS: tuple[str, ...] = get_args(Normalisation)

_SPACES = "\t\n\x0b\x0c\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u2800\u3164\uffa0"
_INVISIBLE = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
_INVISIBLE += "\ufeff\ufff9-\ufffb"
_JOINERS = "\u200c\u200d"
_GRAPHEME_JOINER = "\u034f"
_VARIATIONS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_HYPHENS = "\u2010\u2011"
_TAGS = "\U000e0000-\U000e007f"
_WIDE = "\uff01-\uff5e\uffe0-\uffe6"
_HALF = "\uff61-\uff9f"
_LIGATURES = "\ufb00-\ufb06"

_JOINING = (  # scripts in which a joiner changes how letters look
    "\u0600-\u074f\u0750-\u077f\u07c0-\u07ff\u0860-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1a20-\u1aaf"
    "\u1b00-\u1bff\ua800-\ua82f\ua840-\ua87f\ua8e0-\ua8ff\ua980-\ua9df\uaa60-\uaa7f\uabc0-\uabff\ufb50-\ufdff"
    "\ufe70-\ufefc\U00010a00-\U00010a5f\U00011000-\U00011fff\U0001e900-\U0001e95f"
)
_PICTURES = "\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001faff"

_CHANGED = re.compile(
    f"[{_SPACES}{_INVISIBLE}{_JOINERS}{_TAGS}{_WIDE}{_HALF}{_LIGATURES}{_GRAPHEME_JOINER}{_VARIATIONS}{_HYPHENS}]"
)
_SPACE = re.compile(f"[{_SPACES}]")
_REMOVED = re.compile(f"[{_INVISIBLE}]+")
# After these no joiner and no selector changes what is seen; also before they are made plain.
_LETTERS = f"A-Za-z\xaa-\u052f\u1e00-\u1fff\u2126\u212a\u212b\uff21-\uff5a {_LIGATURES}{_TAGS}"
_LETTERS += "\uff9e\uff9f\u3099\u309a"  # which change places with accents
_NEEDLESS = re.compile(
    f"(?:(?<=[{_LETTERS}])|\\A)[{_VARIATIONS}{_JOINERS}]+|(?<![\u0590-\u05ff]){_GRAPHEME_JOINER}+"
    f"|(?<![{_JOINING}])\u200c+|(?<![{_JOINING}{_PICTURES}])\u200d+|(?<![\U0001f3f4{_TAGS}])[{_TAGS}]+"
)
_COMPATIBLE = re.compile(f"[{_HALF}]+|[{_LIGATURES}]")
_NEIGHBOURS = re.compile(
    "[\u1100-\u11ff\u2e80-\u2fdf\u3040-\u318f\u31a0-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_NOTHING = re.compile(f"[\\s{_SPACES}{_INVISIBLE}{_JOINERS}{_TAGS}{_VARIATIONS}{_GRAPHEME_JOINER}]*\\Z")

_PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_PLAIN |= dict(zip(range(0xFFE0, 0xFFE7), (0xA2, 0xA3, 0xAC, 0xAF, 0xA6, 0xA5, 0x20A9), strict=True))
_PLAIN |= dict.fromkeys((0x2010, 0x2011), 0x2D)
_NO_PUNCTUATION = {code: to for code, to in _PLAIN.items() if chr(to) not in "!\"'(),.:;?[]{}~"}
_QUOTES = str.maketrans("\u2018\u2019\u201a\u201b\u2032\u201c\u201d\u201e\u201f\u2033\xab\xbb", "'" * 5 + '"' * 7)

_TOGETHER = 64


def normalised(text: str, form: Normalisation = "plain") -> str:
    """The text in a form of `NORMALISATIONS`; a text that is in that form already comes back as it is."""
    if form == "none":
        return text
    if not _is_plain(text):
        text = _plain(text)
    return text.translate(_QUOTES) if form == "quotes" else text


def all_normalised(texts: Sequence[str], form: Normalisation = "plain") -> list[str]:
    """The same of many texts, most of which are looked at together."""
    result: list[str] = []
    for start in range(0, len(texts), _TOGETHER):
        some = texts[start : start + _TOGETHER]
        # A part of a plain text is plain.
        unchanged = form == "none" or (form == "plain" and _is_plain("".join(some)))
        result += some if unchanged else [normalised(text, form) for text in some]
    return result


def is_blank(text: str) -> bool:
    """Whether there is nothing to be seen in a text."""
    return not text[:1].isalnum() and _NOTHING.match(text) is not None


def _is_plain(text: str) -> bool:
    if text.isascii():
        return text.isprintable()
    return _CHANGED.search(text) is None and unicodedata.is_normalized("NFC", text)


def _plain(text: str) -> str:
    text = _NEEDLESS.sub("", _REMOVED.sub("", _SPACE.sub(" ", text)))
    text = _COMPATIBLE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    text = text.translate(_PLAIN if _NEIGHBOURS.search(text) is None else _NO_PUNCTUATION)
    # What stood between two characters is gone, so they may be one now.
    return unicodedata.normalize("NFC", text).strip()
