"""Phrases of which it is known, by their making, which word translates which; see `links`."""

import datetime
import random
from collections.abc import Callable

from babel import Locale, dates, numbers

from patchword.demo.links import AlignedPhrase, aligned, part, unmarked
from patchword.samples import cldr
from patchword.samples.cldr import Phrase
from patchword.samples.phrases import PhraseSplit, distinct, find_locale

_TIME = frozenset("abBhHkKms")  # fields of a time of day, which languages divide differently: one part


def aligned_phrases(
    source: str, target: str, split: PhraseSplit, seed: int = 1, count: int = 400
) -> list[AlignedPhrase]:
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
        said = generator.choice(makers)()
        sides = said(locales[0]), said(locales[1])
        if sides[0] is None or sides[1] is None:
            continue
        phrase = aligned(sides[0], sides[1])
        if phrase.source != phrase.target and phrase.source not in sources and phrase.target not in targets:
            found.setdefault(phrase.source, phrase)
    return list(found.values())


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
        return _as_expected(_fields(day, dates.get_date_format(style, locale).pattern, locale), expected)  # type: ignore[arg-type]

    return said


def _date_time(moment: datetime.datetime, style: str) -> Phrase:
    def said(locale: Locale) -> str | None:
        expected = cldr.date_time(moment, style)(locale)
        day = _fields(moment, dates.get_date_format(style, locale).pattern, locale)  # type: ignore[arg-type]
        time = dates.format_time(moment, "short", locale=locale)
        pattern = str(locale.datetime_formats[style]).replace("'", "")
        return _as_expected(pattern.replace("{0}", part(time, ord("h"))).replace("{1}", day), expected)

    return said


def _fields(moment: datetime.datetime, pattern: str, locale: Locale) -> str:
    """A date in which each field of the pattern is a part: the year, the month, the day, the weekday."""
    found: list[str] = []
    for _, value in dates.tokenize_pattern(pattern):
        if isinstance(value, str):  # characters between the fields
            found.append(value)
            continue
        field, width = value
        text = dates.DateTimeFormat(moment, locale)[field * width]
        same = {"L": "M", "c": "E", "e": "E"}.get(field, "h" if field in _TIME else field)
        found.append(part(text, ord(same)))
    return "".join(found)


def _as_expected(marked: str, expected: str | None) -> str | None:
    """The marked phrase, if without its marks it is what the demo's phrases say."""
    return marked if expected is not None and unmarked(marked) == expected else None
