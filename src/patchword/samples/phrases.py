"""Parallel phrases in any two languages, from the Unicode CLDR that Babel carries."""

import datetime
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import TypeVar

from babel import Locale, UnknownLocaleError, localedata

from patchword.errors import RecipeError
from patchword.samples import cldr
from patchword.samples.cldr import Phrase

FEWEST = 1000  # combined phrases below which two locales have too little to say to train anything

Item = TypeVar("Item")
Maker = tuple[Callable[[], Phrase], str, int]  # makes a phrase, its kind, and how often it is wanted


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
        locale = Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        locale = None
    if locale is None or locale.language == "root":
        raise RecipeError(f"CLDR has no locale {name!r}; {_hint(name)}")
    return locale


def phrase_pairs(source: str, target: str, seed: int = 1, train: int = 16_000, held_out: int = 500) -> PhraseSplit:
    """Phrases in two languages.

    Every name stands alone in the training phrases, so a held-out phrase is a new combination of known parts. A source
    phrase has one translation: of two things that the source language says alike, the later one is left out. Phrases
    that are the same in both languages, such as bare numbers, are left out too.

    Args:
        source: a CLDR locale.
        target: another one.
        seed: of the choice.
        train: training pairs wanted; a few fewer remain, since none may share a side with a held-out one.
        held_out: held-out pairs; fewer if the locales have little to say.

    Raises:
        RecipeError: if there is no such locale, or the two say nearly everything alike.
    """
    locales = find_locale(source), find_locale(target)
    generator = random.Random(seed)
    names = [pair for phrase, kind in _names(locales) if (pair := _pair(phrase, kind, locales))]
    found: dict[str, PhrasePair] = {}
    wanted = max(train + held_out - len(names), 2 * held_out)
    for phrase, kind in islice(_combinations(generator, locales), 20 * wanted):
        pair = _pair(phrase, kind, locales)
        if pair is not None:
            found.setdefault(pair.source, pair)
        if len(found) >= wanted:
            break
    if len(found) < min(FEWEST, wanted):
        raise RecipeError(f"CLDR says too little differently in {source!r} and {target!r}; choose another locale")
    combined = list(found.values())
    generator.shuffle(combined)
    held = combined[:held_out]
    sources, targets = {p.source for p in held}, {p.target for p in held}
    kept = {p.source: p for p in [*combined[held_out:], *names] if p.source not in sources and p.target not in targets}
    return PhraseSplit(tuple(kept.values()), tuple(held))


def _hint(name: str) -> str:
    """The locale nearest to a wrong name, which may be a language's English name."""
    codes = {code.lower(): code for code in localedata.locale_identifiers() if code != "root"}
    languages = {text.lower(): code for code, text in Locale("en").languages.items() if code in codes.values()}
    close = get_close_matches(name.lower(), [*languages, *codes], n=1, cutoff=0.6)
    if not close:
        return "expected a code such as 'en', 'zh', 'de', 'ja' or 'pt_BR'"
    return f"did you mean {languages.get(close[0]) or codes[close[0]]!r}?"


def _pair(phrase: Phrase, kind: str, locales: tuple[Locale, Locale]) -> PhrasePair | None:
    source, target = (phrase(locale) for locale in locales)
    if not source or not target or source == target:
        return None
    # CLDR's thin and no-break spaces are typography; people type plain ones.
    return PhrasePair(" ".join(source.split()), " ".join(target.split()), kind)


def distinct(items: Iterable[Item], say: Callable[[Item], Phrase], locales: tuple[Locale, Locale]) -> list[Item]:
    """Items that both languages can say, without those whose source text an earlier one has."""
    kept: dict[str, Item] = {}
    for item in items:
        source, target = (say(item)(locale) for locale in locales)
        if source and target:
            kept.setdefault(source, item)
    return list(kept.values())


def _names(locales: tuple[Locale, Locale]) -> Iterator[tuple[Phrase, str]]:
    """Every territory, language and currency by itself."""
    for code in distinct(cldr.territory_codes(), cldr.territory, locales):
        yield cldr.territory(code), "territory"
    for code in distinct(cldr.language_codes(), cldr.language, locales):
        yield cldr.language(code), "language"
    for code in distinct(cldr.currency_codes(), cldr.currency, locales):
        yield cldr.currency(code), "currency"


def _combinations(generator: random.Random, locales: tuple[Locale, Locale]) -> Iterator[tuple[Phrase, str]]:
    """An endless stream of composed phrases."""
    makers = [*_dates(generator, locales), *_quantities(generator, locales), *_lists(generator, locales)]
    weights = [weight for _, _, weight in makers]
    while makers:
        make, kind, _ = generator.choices(makers, weights)[0]
        yield make(), kind


def _dates(generator: random.Random, locales: tuple[Locale, Locale]) -> Iterator[Maker]:
    probe = datetime.datetime(2011, 12, 25, 15, 45)
    # A style that the source language writes like an earlier one would have two translations.
    styles = distinct(("full", "long", "medium"), lambda style: cldr.date(probe, style), locales)
    moment_styles = distinct(("long", "medium", "short"), lambda style: cldr.date_time(probe, style), locales)
    if styles:
        yield lambda: cldr.date(_moment(generator), generator.choice(styles)), "date", 3
    if moment_styles:
        yield lambda: cldr.date_time(_moment(generator), generator.choice(moment_styles)), "date and time", 2
    yield lambda: _interval(generator), "date interval", 2
    yield lambda: _relative(generator), "relative time", 1


def _quantities(generator: random.Random, locales: tuple[Locale, Locale]) -> Iterator[Maker]:
    measures = distinct(cldr.unit_names(), lambda name: cldr.unit(5, name), locales)
    currencies = distinct(cldr.currency_codes(), lambda code: cldr.amount(5, code), locales)
    yield lambda: _duration(generator), "duration", 2
    if measures:
        yield lambda: cldr.unit(generator.randint(1, 999), generator.choice(measures)), "unit", 3
    if currencies:
        yield lambda: cldr.amount(generator.randint(1, 9999), generator.choice(currencies)), "amount of money", 3


def _lists(generator: random.Random, locales: tuple[Locale, Locale]) -> Iterator[Maker]:
    letters: list[Phrase] = [lambda _, letter=letter: letter for letter in "ABC"]  # type: ignore[misc]
    styles = distinct(("standard", "or"), lambda style: cldr.joined(letters[:2], style), locales)
    weights = [2 if style == "standard" else 1 for style in styles]
    for codes, say, kind, weight in (
        (cldr.territory_codes(), cldr.territory, "list of territories", 4),
        (cldr.language_codes(), cldr.language, "list of languages", 3),
    ):
        items = [say(code) for code in distinct(codes, say, locales)]
        if styles and len(items) >= 10:

            def make(items: list[Phrase] = items) -> Phrase:
                chosen = generator.sample(items, generator.choice((2, 2, 3)))
                return cldr.joined(chosen, generator.choices(styles, weights)[0])

            yield make, kind, weight


def _moment(generator: random.Random) -> datetime.datetime:
    start = datetime.datetime(1980, 1, 1)  # 60 years from here on, two digits tell the year
    return start + datetime.timedelta(minutes=generator.randrange(60 * 365 * 24 * 60))


def _interval(generator: random.Random) -> Phrase:
    first = _moment(generator).date()
    return cldr.date_interval(first, first + datetime.timedelta(days=generator.randint(1, 60)))


def _relative(generator: random.Random) -> Phrase:
    unit = generator.choice(("seconds", "minutes", "hours", "days", "weeks"))
    most = {"seconds": 59, "minutes": 59, "hours": 23, "days": 6, "weeks": 3}[unit]
    delta = datetime.timedelta(**{unit: generator.randint(1, most)}) * generator.choice((-1, 1))
    return cldr.relative_time(delta)


def _duration(generator: random.Random) -> Phrase:
    most = (("duration-day", 30), ("duration-hour", 23), ("duration-minute", 59), ("duration-second", 59))
    start = generator.randint(0, 2)
    chosen = most[start : start + generator.randint(2, 3)]
    return cldr.duration([(generator.randint(1, limit), name) for name, limit in chosen])
