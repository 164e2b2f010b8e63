"""Phrases of which it is known, by their making, which word translates which.

A phrase is made of parts: the items of a list, the fields of a date, a number and its unit. Each part is said in both
languages, so its words translate each other. Where a part is a single word on one side, every one of its words on the
other is surely linked with it; otherwise which of them is which is not known, and all are possible. What joins the
parts ("and", commas, 年) is possibly linked with what joins them on the other side, or, where nothing does, with the
parts that it touches; surely, where each side has one such word and there are no others.
"""

import datetime
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from babel import Locale, dates, numbers

from patchword.demo import cldr
from patchword.demo.cldr import Phrase
from patchword.demo.phrases import PhraseSplit, distinct, find_locale
from patchword.explain.words import text_words

# Around a part of a phrase stand two characters that no text has; which, says the part's number.
_OPEN, _CLOSE = 0xF0000, 0xF8000
_MARKED = re.compile("[\U000f0000-\U000fffff]")
_TIME = frozenset("abBhHkKms")  # fields of a time of day, which languages divide differently: one part

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


def aligned_phrases(source: str, target: str, split: PhraseSplit, seed: int = 1, count: int = 400) -> list[AlignedPhrase]:
    """Phrases with known links, none of which a model trained on `split` has seen, on either side.

    Args:
        source: a CLDR locale.
        target: another one.
        split: whose training phrases are left out.
        seed: of the choice.
        count: how many; fewer if the locales have little to say.
    """
    locales = find_locale(source), find_locale(target)
    generator = random.Random(seed)
    makers = _makers(generator, locales)
    sources, targets = {pair.source for pair in split.train}, {pair.target for pair in split.train}
    found: dict[str, AlignedPhrase] = {}
    for _ in range(40 * count):
        if len(found) == count or not makers:
            break
        marked = [generator.choice(makers)()]
        sides = [marked[0](locale) for locale in locales]
        if sides[0] is None or sides[1] is None:
            continue
        phrase = aligned(sides[0], sides[1])
        if phrase.source != phrase.target and phrase.source not in sources and phrase.target not in targets:
            found.setdefault(phrase.source, phrase)
    return list(found.values())


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
    if len(glue[0]) == len(glue[1]) == 1 and not any(GLUE in parts and len(parts) > 1 for side in words for parts in side):
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


def _makers(generator: random.Random, locales: tuple[Locale, Locale]) -> list[Callable[[], Phrase]]:
    makers: list[Callable[[], Phrase]] = []
    letters: list[Phrase] = [_constant(letter) for letter in "ABC"]
    styles = distinct(("standard", "or"), lambda style: cldr.joined(letters[:2], style), locales)
    for codes, say in ((cldr.territory_codes(), cldr.territory), (cldr.language_codes(), cldr.language)):
        items = [say(code) for code in distinct(codes, say, locales)]
        if styles and len(items) >= 10:

            def make_list(items: list[Phrase] = items) -> Phrase:
                chosen = generator.sample(items, generator.choice((2, 2, 3)))
                parts = [_part(item, number) for number, item in enumerate(chosen)]
                return cldr.joined(parts, generator.choice(styles))

            makers.append(make_list)
    probe = datetime.datetime(2011, 12, 25, 15, 45)
    date_styles = distinct(("full", "long", "medium"), lambda style: cldr.date(probe, style), locales)
    if date_styles:
        makers.append(lambda: _date(_moment(generator), generator.choice(date_styles)))
    time_styles = distinct(("long", "medium", "short"), lambda style: cldr.date_time(probe, style), locales)
    if time_styles:
        makers.append(lambda: _date_time(_moment(generator), generator.choice(time_styles)))
    measures = distinct(cldr.unit_names(), lambda name: cldr.unit(5, name), locales)
    if measures:
        makers.append(lambda: _unit(generator.randint(1, 999), generator.choice(measures)))
        makers.append(lambda: _duration(generator))
    currencies = distinct(cldr.currency_codes(), lambda code: cldr.amount(5, code), locales)
    if currencies:
        makers.append(lambda: _amount(generator.randint(1, 9999), generator.choice(currencies)))
    return makers


def _constant(text: str) -> Phrase:
    return lambda locale: text


def _part(phrase: Phrase, number: int) -> Phrase:
    def said(locale: Locale) -> str | None:
        text = phrase(locale)
        return None if text is None else part(text, number)

    return said


def _counted(phrase: Phrase, value: int, number: int = 0) -> Phrase:
    """A phrase with a number in it, which is a part, and so is the rest."""

    def said(locale: Locale) -> str | None:
        text = phrase(locale)
        digits = numbers.format_decimal(value, locale=locale)
        if text is None or text.count(digits) != 1:
            return None
        before, after = text.split(digits)
        marked = part(digits, number)
        return "".join(piece if piece == marked else _trimmed(piece, number + 1) for piece in (before, marked, after))

    return said


def _trimmed(text: str, number: int) -> str:
    return part(text, number) if text.strip() else text


def _unit(value: int, name: str) -> Phrase:
    return _counted(cldr.unit(value, name), value)


def _amount(value: int, code: str) -> Phrase:
    return _counted(cldr.amount(value, code), value)


def _duration(generator: random.Random) -> Phrase:
    limits = (("duration-day", 30), ("duration-hour", 23), ("duration-minute", 59), ("duration-second", 59))
    start = generator.randint(0, 2)
    chosen = [(generator.randint(1, limit), name) for name, limit in limits[start : start + generator.randint(2, 3)]]
    parts = [_counted(cldr.unit(value, name), value, 2 * index) for index, (value, name) in enumerate(chosen)]
    return cldr.joined(parts, "unit")


def _moment(generator: random.Random) -> datetime.datetime:
    start = datetime.datetime(1980, 1, 1)
    return start + datetime.timedelta(minutes=generator.randrange(60 * 365 * 24 * 60))


def _date(day: datetime.datetime, style: str) -> Phrase:
    def said(locale: Locale) -> str | None:
        expected = cldr.date(day, style)(locale)
        return _as_expected(_fields(day, dates.get_date_format(style, locale).pattern, locale), expected)

    return said


def _date_time(moment: datetime.datetime, style: str) -> Phrase:
    def said(locale: Locale) -> str | None:
        expected = cldr.date_time(moment, style)(locale)
        day = _fields(moment, dates.get_date_format(style, locale).pattern, locale)
        time = dates.format_time(moment, "short", locale=locale)
        pattern = str(locale.datetime_formats[style]).replace("'", "")
        return _as_expected(pattern.replace("{0}", part(time, ord("h"))).replace("{1}", day), expected)

    return said


def _fields(moment: datetime.datetime, pattern: str, locale: Locale) -> str:
    """A date in which each field of the pattern is a part: the year, the month, the day, the weekday."""
    found = []
    for kind, value in dates.tokenize_pattern(pattern):
        if kind == "chars":
            found.append(value)
            continue
        field, width = value
        text = dates.DateTimeFormat(moment, locale)[field * width]
        same = {"L": "M", "c": "E", "e": "E"}.get(field, "h" if field in _TIME else field)
        found.append(part(text, ord(same)))
    return "".join(found)


def _as_expected(marked: str, expected: str | None) -> str | None:
    """The marked phrase, if without its marks it is what the demo's phrases say."""
    return marked if expected is not None and _MARKED.sub("", marked) == expected else None
