"""Words: of a text, whatever a model makes of it, and of the pieces that a model reads and writes.

Spaces separate words. Scripts that are written without them (Chinese, Japanese, Thai, their neighbours) have a word a
character, but for katakana, of which a run is a word; a mark or a Thai or Lao vowel belongs to the character it is read
with. Punctuation belongs to the word that it is written with, in those scripts it stands alone.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

SPACE = "▁"  # what SentencePiece writes for a space
UNKNOWN = "\ufffc"  # what stands for a piece whose text nobody knows

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u1a20-\u1aaf\u2e80-\u2fdf\u3000-\u3030\u3036-\u30ff"
    "\u31c0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff0f"
    "\uff1a-\uff20\uff3b-\uff40\uff5b-\uff9f\U00020000-\U0003ffff]"
)
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_VOWELS_BEFORE = frozenset("เแโใไເແໂໃໄ")
_VOWELS_AFTER = frozenset("ะาำๅະາຳ")
_BYTE = re.compile("<0x([0-9A-F]{2})>")


@dataclass(frozen=True)
class Word:
    """A word of a sentence's pieces: those from `first` to before `end`, and their text without spaces around it."""

    first: int
    end: int
    text: str

    @property
    def letters(self) -> str:
        """The text without spaces inside it, which a piece of several words has."""
        return self.text.replace(" ", "")


def text_words(text: str) -> list[str]:
    """A text's words in order; joined they are the text without its spaces."""
    found: list[str] = []
    for chunk in text.split():
        start = 0
        for index in range(1, len(chunk)):
            if _parts(chunk[index - 1], chunk[index]):
                found.append(chunk[start:index])
                start = index
        found.append(chunk[start:])
    return found


def piece_words(pieces: Sequence[str], ended: bool) -> list[Word]:
    """Pieces joined to words; where scripts have no spaces a piece, if it has whole characters, is a word.

    Args:
        pieces: as vocabularies give them: "▁" for a space, "<0xE4>" for a byte.
        ended: whether the last one is the end token, which is a word of its own.
    """
    count = len(pieces) - ended
    words: list[Word] = []
    first, text = 0, ""
    for start, written in _characters(pieces[:count]):
        plain = text.strip(SPACE)
        if plain and (written.startswith(SPACE) or text.endswith(SPACE) or _parts(plain[-1], written[0])):
            words.append(Word(first, start, plain.replace(SPACE, " ")))
            first, text = start, ""
        text += written
    if count:
        plain = text.strip(SPACE)
        if plain or not words:
            words.append(Word(first, count, plain.replace(SPACE, " ")))
        else:  # spaces at the end belong to the word before them
            words[-1] = Word(words[-1].first, count, words[-1].text)
    if ended:
        words.append(Word(count, count + 1, pieces[-1]))
    return words


def places(words: Sequence[Word], text: str) -> list[list[int]]:
    """For each word of pieces, the end token left out, which of `text_words(text)` it is, or is part of.

    The vocabulary may have normalised the text: characters that differ are found between those that do not.
    """
    targets = text_words(text)
    if not targets:
        return [[] for _ in words]
    if [word.text for word in words] == targets:
        return [[index] for index in range(len(targets))]
    starts = [0]
    for target in targets:
        starts.append(starts[-1] + len(target))
    joined, own = "".join(targets), "".join(word.letters for word in words)
    where = _places_of_characters(own, joined)
    found: list[list[int]] = []
    position = 0
    for word in words:
        inside = where[position : position + len(word.letters)]
        position += len(word.letters)
        found.append(sorted({bisect_right(starts, place) - 1 for place in inside}))
    return found


def _parts(before: str, after: str) -> bool:
    """Whether a word ends between two characters that no space separates."""
    if before in _VOWELS_BEFORE or after in _VOWELS_AFTER or unicodedata.category(after).startswith("M"):
        return False
    if not (_UNSPACED.match(before) or _UNSPACED.match(after)):
        return False
    return not (_KATAKANA.match(before) and _KATAKANA.match(after))


def _characters(pieces: Sequence[str]) -> Iterable[tuple[int, str]]:
    """Pieces that hold whole characters together: the first of them, and their text."""
    index = 0
    while index < len(pieces):
        if not _BYTE.fullmatch(pieces[index]):
            yield index, UNKNOWN if pieces[index] in ("<unk>", "") else pieces[index]
            index += 1
            continue
        end = index
        while end < len(pieces) and _BYTE.fullmatch(pieces[end]):
            end += 1
        data = bytes(int(piece[3:5], 16) for piece in pieces[index:end])
        # Whatever is no character by itself is joined with what follows it.
        bounds = [0, *(at for at in range(1, len(data)) if data[at] & 0xC0 != 0x80), len(data)]
        for low, high in pairwise(bounds):
            written = data[low:high].decode("utf-8", errors="replace")
            yield index + low, SPACE if written.isspace() else written
        index = end


def _places_of_characters(own: str, text: str) -> list[int]:
    """For each character of one text, the place in another where it is, or would be."""
    if own == text:
        return list(range(len(own)))
    found = [-1] * len(own)
    for a, b, size in SequenceMatcher(None, own, text, autojunk=False).get_matching_blocks():
        found[a : a + size] = range(b, b + size)
    position = 0
    while position < len(own):
        if found[position] >= 0:
            position += 1
            continue
        end = position
        while end < len(own) and found[end] < 0:
            end += 1
        low = found[position - 1] + 1 if position else 0
        high = found[end] if end < len(own) else len(text)
        for offset in range(end - position):
            place = low + (high - low) * offset // (end - position) if high > low else low
            found[position + offset] = min(place, len(text) - 1)
        position = end
    return found
