"""Where the characters of a text that a vocabulary has normalised were in the text as it was given.

In time that grows with the length alone: both texts are normalised cluster by cluster, which undoes most differences
(full-width forms, ligatures, composed letters, capitals); what still differs is passed over to the next place near by
at which a few characters agree.
"""

import unicodedata
from collections.abc import Iterator

UNKNOWN = "\ufffc"  # what stands for a piece whose text nobody knows

_CLUSTER = 32  # most characters that are normalised together: ordering marks takes the square of them
_ALIKE = ((3, 16), (3, 256), (1, 16))  # how many characters have to agree, and within how many they are looked for
_JAMO = ("\u1160", "\u11ff")  # vowels and final consonants, which are composed with what is before them


def places_of_characters(own: str, text: str) -> list[int]:
    """For each character of one text, the place in another, which is not empty, where it is, or would be."""
    if own == text:
        return list(range(len(own)))
    (plain, from_own), (other, from_text) = _normalised(own), _normalised(text)
    found = [-1] * len(own)
    for place, where in reversed(list(enumerate(_matched(plain, other)))):
        if where >= 0:
            found[from_own[place]] = from_text[where]
    return _filled(found, len(text))


def _normalised(text: str) -> tuple[str, list[int]]:
    """The text without what vocabularies differ in, and for each of its characters the place that it comes from."""
    characters: list[str] = []
    places: list[int] = []
    for start, end in _clusters(text):
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text[start:end]).casefold())
        for index, character in enumerate(plain):
            if not character.isspace():
                characters.append(character)
                places.append(start + index * (end - start) // len(plain))
    return "".join(characters), places


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Bounds of characters with what is composed with them."""
    start = 0
    for index in range(1, len(text) + 1):
        if index < len(text) and index - start < _CLUSTER and _joins(text[index]):
            continue
        yield start, index
        start = index


def _joins(character: str) -> bool:
    return unicodedata.category(character).startswith("M") or _JAMO[0] <= character <= _JAMO[1]


def _matched(own: str, text: str) -> list[int]:
    """For each character of one text its place in the other, in order; -1 where there is none."""
    found = [-1] * len(own)
    i = j = 0
    while i < len(own) and j < len(text):
        if own[i] == text[j]:
            found[i] = j
            i, j = i + 1, j + 1
        else:
            i, j = _next_alike(own, text, i, j)
    return found


def _next_alike(own: str, text: str, i: int, j: int) -> tuple[int, int]:
    """The nearest places, from these on, at which both texts agree; a window further if there are none within it."""
    for length, window in _ALIKE:
        there: dict[str, int] = {}
        for place in range(j, min(j + window, len(text) - length + 1)):
            there.setdefault(text[place : place + length], place)
        alike = [
            (place - i + there[own[place : place + length]] - j, place, there[own[place : place + length]])
            for place in range(i, min(i + window, len(own) - length + 1))
            if own[place : place + length] in there
        ]
        if alike:
            return min(alike)[1:]
    return i + _ALIKE[-1][1], j + _ALIKE[-1][1]


def _filled(found: list[int], size: int) -> list[int]:
    """Places that are missing, spread evenly between those that are known."""
    position = 0
    while position < len(found):
        if found[position] >= 0:
            position += 1
            continue
        end = position
        while end < len(found) and found[end] < 0:
            end += 1
        low = found[position - 1] + 1 if position else 0
        high = found[end] if end < len(found) else size
        for offset in range(end - position):
            place = low + (high - low) * offset // (end - position) if high > low else low
            found[position + offset] = min(place, size - 1)
        position = end
    return found
