"""What programs put values into, and markup: pieces of a text that its translation must have too, letter by letter."""

import re
from collections import Counter

# An inline element of a document, as a letter that no text has (private use, plane 15); see `codes`.
CODE = "[\U000f0000-\U000ffffd]"

_TAG = r"</?[A-Za-z][\w.:-]*(?:\s[^<>]*)?/?>|<!--.*?-->"
_PRINTF = (
    r"%(?:\(\w+\)|\d+\$)?[-+#0']*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|j|z|t|L|q|I64)?[diouxXeEfFgGaAcCsSpnm@]"
    r"|%%"
)
_PIECES = {
    "code": CODE,
    "tag": _TAG,
    "entity": r"&(?:[A-Za-z][A-Za-z0-9]*|#\d+|#x[0-9A-Fa-f]+);",
    "braces": r"\{\{[^{}]*\}\}|\$\{[^{}]*\}|%\{\w+\}|#\{[^{}]*\}|\{[^{}\s,]*(?:,[^{}]*)?\}",
    # Symfony's %name%, C99's %<PRIu64>; Qt's %1, %L1 and %n; MediaWiki's and shell's $1 and $name.
    "percent": r"%[A-Za-z_]\w+%(?![\w%$])|%\d*<\w+>",
    "printf": _PRINTF,
    "qt": r"%L?\d{1,2}(?![\d$.])",
    "dollar": r"\$[A-Za-z_]\w*|\$\d(?![\d.,])",
}
_ANY = re.compile("|".join(f"(?P<{name}>{form})" for name, form in _PIECES.items()), re.DOTALL)
_UNNUMBERED = re.compile(r"%(?!\(|\d+\$|%)|\{\}")
# ICU's messages have texts within their braces.
_MESSAGE = re.compile(r"\{\s*\w+\s*,\s*(?:plural|select|selectordinal)\s*,")
# E&xit has one within a word, AT&T has not; nor have "&A1 of a formula and _this_.
_ACCELERATOR = re.compile(
    r"(?<![^\s(\[])&(?=[^\W\d_])(?![A-Za-z#]\w*;)|(?<=[^\W\d_])&(?=[a-z])(?![A-Za-z#]\w*;)"
    r"|(?<![^\s(\[])[_~](?=[^\W\d_])(?!\w*_)"
)
_LABEL = 80  # characters, beyond which a text is no label


def found_in(text: str) -> Counter[str]:
    """How often each placeholder and tag is in a text."""
    return Counter(match[0] for match in _ANY.finditer(text))


def same(text: str, other: str) -> bool:
    """Whether two texts have exactly the same ones, line ends too; what is filled by its order alone in one order."""

    def ordered(given: str) -> list[str]:
        return [match[0] for match in _ANY.finditer(given) if _UNNUMBERED.match(match[0])]

    lines = text.count("\n") == other.count("\n")
    return lines and found_in(text) == found_in(other) and ordered(text) == ordered(other)


def is_message(text: str) -> bool:
    """Whether a text is a message with plurals or choices in its braces (ICU)."""
    return _MESSAGE.search(text) is not None


def parts_of(text: str) -> list[tuple[str, bool]]:
    """A text in parts, which put together are the text; of each, whether it stays as it is."""
    parts, done = [], 0
    for match in _ANY.finditer(text):
        if done < match.start():
            parts.append((text[done : match.start()], False))
        parts.append((match[0], True))
        done = match.end()
    if done < len(text):
        parts.append((text[done:], False))
    return parts


def has_markup(text: str) -> bool:
    """Whether a text has tags or a document's codes, which no model reads as words."""
    return any(match.lastgroup in ("code", "tag") for match in _ANY.finditer(text))


def without_accelerator(text: str) -> tuple[str, str, str]:
    """A label without the mark before the letter of its key, the mark, and the letter; empty ones if it has none.

    A text with several such marks has none: they are something else there.
    """
    found = list(_ACCELERATOR.finditer(text)) if len(text) <= _LABEL else []
    if len(found) != 1:
        return text, "", ""
    start, end = found[0].span()
    return text[:start] + text[end:], text[start:end], text[end]


def with_accelerator(text: str, mark: str, letter: str) -> str | None:
    """A label with its key: at the same letter, else behind it in brackets if it is in Chinese, Japanese or Korean, as
    programs have it, else at its first letter; None if it has no letters."""
    if any(c >= "\u2e80" for c in text):
        end = len(text.rstrip(".:…。：　 "))
        return f"{text[:end]}({mark}{letter.upper()}){text[end:]}"
    places = [m.start() for m in re.finditer(r"[^\W\d_]", text)]
    words = [m.start() for m in re.finditer(r"(?<!\w)[^\W\d_]", text)]
    alike = [place for place in (*words, *places) if text[place].lower() == letter.lower()]
    place = next(iter((*alike, *words, *places)), None)
    return None if place is None else text[:place] + mark + text[place:]
