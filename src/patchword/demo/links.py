"""What is known of a phrase pair by its making: which word translates which.

A phrase is made of parts: the items of a list, the fields of a date, a number and its unit. Each part is said in both
languages, so its words translate each other. Where a part is a single word on one side, every one of its words on the
other is surely linked with it; otherwise which of them is which is not known, and all are possible. What joins the
parts ("and", commas, 年) is possibly linked with what joins them on the other side, or, where nothing does, with the
parts that it touches; surely, where each side has one such word and there are no others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from patchword.explain.words import text_words

# Around a part of a phrase stand two characters that no text has; which, says the part's number.
_OPEN, _CLOSE = 0xF0000, 0xF8000
GLUE = -1  # the part of what joins parts


@dataclass(frozen=True)
class AlignedPhrase:
    """A phrase pair and its links, by the numbers of words.

    Attributes:
        source: the phrase.
        target: its translation.
        sure: links that hold.
        possible: links that may hold, the sure ones included.
    """

    source: str
    target: str
    sure: frozenset[tuple[int, int]]
    possible: frozenset[tuple[int, int]]

    def row(self) -> str:
        """Source, target and links, tabs between: "0-1" for a sure link, "0p1" for a possible one."""
        links = [f"{s}{'-' if (s, t) in self.sure else 'p'}{t}" for s, t in sorted(self.possible)]
        return f"{self.source}\t{self.target}\t{' '.join(links)}\n"


def aligned(source: str, target: str) -> AlignedPhrase:
    """The links of two phrases whose parts are marked; see `part`."""
    texts, words = zip(*map(_words, (source, target)), strict=True)
    sure: set[tuple[int, int]] = set()
    possible: set[tuple[int, int]] = set()
    for number in {n for side in words for parts in side for n in parts} - {GLUE}:
        own = [[index for index, parts in enumerate(side) if number in parts] for side in words]
        links = {(s, t) for s in own[0] for t in own[1]}
        possible |= links
        if min(map(len, own)) == 1:
            sure |= links
    glue = [[index for index, parts in enumerate(side) if parts == {GLUE}] for side in words]
    possible |= {(s, t) for s in glue[0] for t in glue[1]}
    if len(glue[0]) == len(glue[1]) == 1 and not any(
        GLUE in parts and len(parts) > 1 for side in words for parts in side
    ):
        sure.add((glue[0][0], glue[1][0]))
    # Where the other side has no such words, what joins belongs to what it joins.
    for index in glue[0] if not glue[1] else ():
        possible |= {(index, t) for n in _touched(words[0], index) for t, parts in enumerate(words[1]) if n in parts}
    for index in glue[1] if not glue[0] else ():
        possible |= {(s, index) for n in _touched(words[1], index) for s, parts in enumerate(words[0]) if n in parts}
    # A comma that is written with a word is the comma that stands alone on the other side.
    for s, parts in enumerate(words[0]):
        possible |= {(s, t) for t in glue[1] if GLUE in parts}
    for t, parts in enumerate(words[1]):
        possible |= {(s, t) for s in glue[0] if GLUE in parts}
    return AlignedPhrase(texts[0], texts[1], frozenset(sure), frozenset(possible))


def part(text: str, number: int) -> str:
    """A text marked as a part; parts of one number are one part, wherever they stand."""
    return f"{chr(_OPEN + number)}{text}{chr(_CLOSE + number)}"


def _words(marked: str) -> tuple[str, list[set[int]]]:
    """A phrase without its marks, and for each of its words the parts that its characters belong to."""
    letters: list[tuple[str, int]] = []
    inside = GLUE
    for character in marked:
        code = ord(character)
        if code >= _CLOSE:
            inside = GLUE
        elif code >= _OPEN:
            inside = code - _OPEN
        else:
            letters.append((character, inside))
    # CLDR's thin and no-break spaces are typography; people type plain ones.
    text = " ".join("".join(character for character, _ in letters).split())
    rest = iter([number for character, number in letters if not character.isspace()])
    return text, [{next(rest) for _ in word} for word in text_words(text)]


def _touched(side: Sequence[set[int]], index: int) -> set[int]:
    """Parts of the nearest words before and after one that joins parts."""
    found: set[int] = set()
    for step in (-1, 1):
        at = index + step
        while 0 <= at < len(side) and side[at] == {GLUE}:
            at += step
        if 0 <= at < len(side):
            found |= side[at] - {GLUE}
    return found


def unmarked(text: str) -> str:
    """A phrase without the marks of its parts."""
    return "".join(character for character in text if ord(character) < _OPEN)
