"""Parallel phrases in any two languages, from the Unicode CLDR that Babel carries."""

import datetime
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from babel import Locale, UnknownLocaleError, dates, lists, localedata, numbers, units

from patchword.errors import RecipeError, nearest

Phrase = Callable[[Locale], str | None]  # the phrase in a language, or None if CLDR lacks a part of it there


@dataclass(frozen=True)
class PhrasePair:
    """A phrase, its translation, and what it is: "date", "list of territories" ..."""

    source: str
    target: str
    kind: str


@dataclass(frozen=True)
class PhraseSplit:
    """Pairs to train on, and held-out pairs of which neither side occurs among them."""

    train: tuple[PhrasePair, ...]
    held_out: tuple[PhrasePair, ...]


def find_locale(name: str) -> Locale:
    """A CLDR locale by its name, such as "en", "zh" or "pt_BR".

    Raises:
        RecipeError: if CLDR has no such locale, with the nearest that it has.
    """
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise RecipeError(f"CLDR has no locale {name!r}; {nearest(name, localedata.locale_identifiers())}") from None


def phrase_pairs(source: str, target: str, seed: int = 1, train: int = 16_000, held_out: int = 500) -> PhraseSplit:
    """Phrases in two languages.

    Every name stands alone in the training phrases, so a held-out phrase is a new combination of known parts. A source
    phrase has one translation; phrases that are the same in both languages, such as bare numbers, are left out.

    Args:
        source: a CLDR locale.
        target: another one.
        seed: of the choice.
        train: training pairs wanted; a few fewer remain, since none may share a side with a held-out one.
        held_out: held-out pairs.

    Raises:
        RecipeError: if there is no such locale, or the two are one.
    """
    locales = find_locale(source), find_locale(target)
    if locales[0] == locales[1]:
        raise RecipeError(f"source and target are the same locale, {source!r}")
    generator = random.Random(seed)
    names = [pair for phrase, kind in _names() if (pair := _pair(phrase, kind, locales))]
    found: dict[str, PhrasePair] = {}
    wanted = train + held_out - len(names)
    for phrase, kind in islice(_combinations(generator, locales), 20 * wanted):
        pair = _pair(phrase, kind, locales)
        if pair is not None:
            found.setdefault(pair.source, pair)
        if len(found) >= wanted:
            break
    combined = list(found.values())
    generator.shuffle(combined)
    held = combined[:held_out]
    sources, targets = {p.source for p in held}, {p.target for p in held}
    kept = {p.source: p for p in [*combined[held_out:], *names] if p.source not in sources and p.target not in targets}
    return PhraseSplit(tuple(kept.values()), tuple(held))


def _pair(phrase: Phrase, kind: str, locales: tuple[Locale, Locale]) -> PhrasePair | None:
    source, target = (phrase(locale) for locale in locales)
    if source is None or target is None or source == target:
        return None
    # CLDR's thin and no-break spaces are typography; people type plain ones.
    return PhrasePair(" ".join(source.split()), " ".join(target.split()), kind)


def _names() -> Iterator[tuple[Phrase, str]]:
    """Every territory, language and currency by itself."""
    for code in _territories():
        yield _territory(code), "territory"
    for code in _languages():
        yield _language(code), "language"
    for code in _currencies():
        yield _currency_name(code), "currency"


def _combinations(generator: random.Random, locales: tuple[Locale, Locale]) -> Iterator[tuple[Phrase, str]]:
    """An endless stream of composed phrases."""
    territories, languages, currencies = _territories(), _languages(), _currencies()
    measures = [u for u in _units() if all(_unit(1, u)(locale) for locale in locales)]
    makers: list[tuple[Callable[[], Phrase], str, int]] = [
        (lambda: _date(_day(generator), generator.choice(("full", "long", "medium"))), "date", 3),
        (lambda: _date_time(_day(generator), generator.choice(("long", "medium", "short"))), "date and time", 2),
        (lambda: _relative(generator), "relative time", 1),
        (lambda: _duration(generator), "duration", 2),
        (lambda: _unit(generator.randint(1, 999), generator.choice(measures)), "unit", 3),
        (lambda: _amount(generator.randint(1, 9999), generator.choice(currencies)), "amount of money", 3),
        (lambda: _list(generator, [_territory(c) for c in territories]), "list of territories", 4),
        (lambda: _list(generator, [_language(c) for c in languages]), "list of languages", 3),
    ]
    if not measures:
        makers = [maker for maker in makers if maker[1] != "unit"]
    weights = [weight for _, _, weight in makers]
    while True:
        make, kind, _ = generator.choices(makers, weights)[0]
        yield make(), kind


def _territories() -> list[str]:
    return [code for code in sorted(Locale("en").territories) if len(code) == 2 and code.isalpha() and code != "ZZ"]


def _languages() -> list[str]:
    """Languages that CLDR itself is written in: those that people are likely to name."""
    return sorted({name.split("_")[0] for name in localedata.locale_identifiers()} - {"root"})


def _currencies() -> list[str]:
    """Currencies in use today."""
    return sorted({code for territory in _territories() for code in numbers.get_territory_currencies(territory)})


def _units() -> list[str]:
    return [unit for unit in sorted(Locale("en").unit_display_names) if "per-" not in unit]


def _territory(code: str) -> Phrase:
    return lambda locale: locale.territories.get(code)


def _language(code: str) -> Phrase:
    return lambda locale: locale.languages.get(code)


def _currency_name(code: str) -> Phrase:
    return lambda locale: locale.currencies.get(code)


def _day(generator: random.Random) -> datetime.datetime:
    start = datetime.datetime(1980, 1, 1)
    return start + datetime.timedelta(minutes=generator.randrange(60 * 365 * 24 * 60))


def _date(day: datetime.datetime, style: str) -> Phrase:
    return lambda locale: dates.format_date(day, style, locale)


def _date_time(day: datetime.datetime, style: str) -> Phrase:
    def phrase(locale: Locale) -> str:
        date, time = dates.format_date(day, style, locale), dates.format_time(day, "short", locale=locale)
        return str(locale.datetime_formats[style]).replace("{0}", time).replace("{1}", date).replace("'", "")

    return phrase


def _relative(generator: random.Random) -> Phrase:
    unit = generator.choice(("seconds", "minutes", "hours", "days", "weeks"))
    most = {"seconds": 59, "minutes": 59, "hours": 23, "days": 6, "weeks": 3}[unit]
    delta = datetime.timedelta(**{unit: generator.randint(1, most)}) * generator.choice((-1, 1))
    return lambda locale: dates.format_timedelta(delta, threshold=1.0, add_direction=True, locale=locale)


def _duration(generator: random.Random) -> Phrase:
    names = ("duration-day", "duration-hour", "duration-minute", "duration-second")
    start = generator.randint(0, 2)
    chosen = names[start : start + generator.randint(2, 3)]
    values = [generator.randint(1, 59) for _ in chosen]

    def phrase(locale: Locale) -> str | None:
        parts = [_unit(value, name)(locale) for value, name in zip(values, chosen, strict=True)]
        return _joined(parts, "unit", locale)

    return phrase


def _unit(value: int, name: str) -> Phrase:
    def phrase(locale: Locale) -> str | None:
        # Chinese has no long patterns of its own where they equal the short ones; without either, Babel falls back
        # to the unit's code, or to a name that was never meant to follow a number.
        patterns = locale._data["unit_patterns"].get(name, {})
        for length in ("long", "short"):
            if "other" in patterns.get(length, {}):
                return units.format_unit(value, name, length, locale=locale)
        return None

    return phrase


def _amount(value: int, code: str) -> Phrase:
    def phrase(locale: Locale) -> str | None:
        if code not in locale.currencies:
            return None
        return numbers.format_currency(
            value, code, locale=locale, format_type="name", currency_digits=False, format="#,##0"
        )

    return phrase


def _list(generator: random.Random, items: Sequence[Phrase]) -> Phrase:
    chosen = generator.sample(items, generator.choice((2, 2, 3)))
    style = generator.choice(("standard", "standard", "or"))

    def phrase(locale: Locale) -> str | None:
        parts = [item(locale) for item in chosen]
        return _joined(parts, style, locale)

    return phrase


def _joined(parts: Sequence[str | None], style: str, locale: Locale) -> str | None:
    whole = [part for part in parts if part is not None]
    if len(whole) < len(parts):
        return None
    try:
        return lists.format_list(whole, style, locale)  # type: ignore[arg-type]
    except KeyError:
        return None  # Babel carries no such list pattern for this locale
