"""Cutting text into sentences by rules; every character of it stays in its place."""

import re
import unicodedata
from typing import NamedTuple

from patchword.text.abbreviations import MONTHS, ORDINAL_BEFORE, before_numbers, beginnings, goes_on, may_end

_LINE = re.compile("[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_WIDE_STOPS = "。！？｡．"
# Latin, Arabic, Urdu, Devanagari, Ethiopic, Armenian, Khmer, Burmese.
_FULL_STOPS = ".!?\u2026\u203d\u061f\u06d4\u0964\u0965\u1362\u0589\u17d4\u17d5\u104b"
_CLOSERS = "\"'”’“»«›‹)]}*_）］｝」』】》〉〕"
# One or more stops, then what closes with them: quotes, brackets, a footnote's number, a French quote after a blank.
_STOP = re.compile(
    rf"[{_WIDE_STOPS}{re.escape(_FULL_STOPS)}]+"
    rf"(?:[{re.escape(_CLOSERS)}]|\[\d{{1,3}}\]|[ \u00a0\u202f]»(?=\s|$))*"
)
_OPENING = re.compile(r"[\s\"'“”„‚‘«»‹›(\[{¿¡*_—–•-]*")
_WORD = re.compile(r"\w+")
_LAST_WORD = re.compile(r"[^\s\"'“”„‚‘«»‹›(\[{/]+$")
# Dotted letters, together or apart: "e.g", "z. B", "u. s. w", "J.-C"; without the last stop.
_DOTTED = re.compile(r"(?:(?<=\s)|(?<=[(\"'„“«])|^)(?:\w{1,3}\.[ \u00a0\u202f-]?)+\w{1,4}$")
_ENUMERATION = re.compile(r"[\s(\[*•-]*(?:\d{1,4}|[^\W\d_]|[IVXLivxl]{1,6})(?:\.\d{1,3})*$")
_NUMBER = re.compile(r"(?:^|[\s(])(\w+)?[\s(]*(\d{1,3})$")
_NEAR = 300  # characters before and after a stop that tell what it is


class Piece(NamedTuple):
    """A sentence and the white space before it; the last of a text may have white space alone."""

    blank: str
    text: str


def sentences(text: str, language: str = "") -> list[Piece]:
    """The sentences of a text; put together they are the text.

    A line end ends a sentence. In doubt, what is one sentence stays whole.

    Args:
        text: any.
        language: its code, for abbreviations; those of every language that is known if it is another.
    """
    language = language.lower().partition("-")[0].partition("_")[0]
    pieces, done = [], 0
    for line in _LINE.finditer(text):
        first = line.start()
        for end in [*_ends(line[0], language), len(line[0])]:
            part = text[first : line.start() + end]
            if kept := part.strip():
                start = text.index(kept, first)
                pieces.append(Piece(text[done:start], kept))
                done = start + len(kept)
            first = line.start() + end
    if done < len(text):
        pieces.append(Piece(text[done:], ""))
    return pieces


def is_wide(character: str) -> bool:
    """Whether a character is of a script that has no blanks between sentences: Chinese, Japanese."""
    return unicodedata.east_asian_width(character) in "WF" and not "\uac00" <= character <= "\ud7a3"


def _ends(line: str, language: str) -> list[int]:
    """Where the line's sentences end, but for the last."""
    ends: list[int] = []
    start, last = 0, len(line.rstrip())
    for stop in _STOP.finditer(line):
        if stop.end() >= last:
            break
        before = line[max(start, stop.start() - _NEAR) : stop.start()]
        if _is_end(before, stop[0], line[stop.end() : stop.end() + _NEAR], language):
            ends.append(stop.end())
            start = stop.end()
    return ends


def _is_end(before: str, stop: str, rest: str, language: str) -> bool:
    """Whether a sentence ends with `stop`, after `before` and before `rest`, which is not blank."""
    marks = stop.rstrip(_CLOSERS + "\u00a0\u202f 0123456789[")
    if before.rfind("《") > before.rfind("》") and "》" not in stop and "》" in rest:
        return False  # a title is no sentence
    if any(mark in _WIDE_STOPS for mark in marks):
        return _is_wide_end(before, stop, rest)
    spaced = rest[0].isspace()
    if not spaced:
        # Scripts without blanks are also written with "!" and "?".
        return is_wide(rest[0]) and marks[-1] in "!?" and rest[0] not in "，、；：。！？）」』】》" and bool(before)
    following = rest[_OPENING.match(rest).end() :]  # type: ignore[union-attr]
    if not following:
        return False
    first = following[0]
    if first.islower() and (marks[-1] not in "!?‽" or stop[-1] in _CLOSERS):
        return False
    if marks != ".":
        return bool(before.strip()) or set(marks) != {"."}
    return _is_stop(before, following, language)


def _is_wide_end(before: str, stop: str, rest: str) -> bool:
    if rest[0] in "，、；：,;:）」』】》〉”’":
        return False
    if stop[0] == "．" and before[-1:].isdigit() and rest[0].isdigit():
        return False
    # What is said, and who says it: 「...。」と言った.
    return not (stop[-1] in "」』" and rest[0] in "とっのはがをにで")


def _is_stop(before: str, following: str, language: str) -> bool:
    """Whether a single plain stop ends a sentence; what follows it begins with no small letter."""
    word = _LAST_WORD.search(before)
    if word is None:
        return bool(before.strip())
    last = word[0]
    as_written = {last, last[:1].lower() + last[1:]}
    if _ENUMERATION.match(before):
        return False
    next_word = _WORD.match(following)
    begins = next_word is not None and next_word[0] in beginnings(language)
    if dotted := _DOTTED.search(before):
        run = re.sub(r"[ \u00a0\u202f]", "", dotted[0])
        if run in goes_on(language):
            return False
        if run in may_end(language) or re.fullmatch(r"(?:\w\.)+\w", run):
            return begins
    if as_written & goes_on(language):
        return False
    if following[0].isdigit() and as_written & before_numbers(language):
        return False
    if as_written & may_end(language):
        return begins or (next_word is None)
    if len(last) == 1 and last.isalpha():
        # An initial, or the first of several dotted letters.
        if re.match(r"\w\.", following):
            return False
        return begins or (last == "I" and language == "en")
    if last.isdigit() and language not in ("en", "fr", "es", "it", "pt", "nl", "zh", "ja"):
        return not _is_ordinal(before, next_word[0] if next_word else "", begins)
    return True


def _is_ordinal(before: str, next_word: str, begins: bool) -> bool:
    number = _NUMBER.search(before)
    if number is None or not next_word[:1].isalpha():
        return False
    return next_word in MONTHS or (number[1] in ORDINAL_BEFORE and not begins)
