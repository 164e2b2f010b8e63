"""What CLDR can say: phrases as functions of a locale, None where CLDR lacks a part of them there.

Babel falls back to CLDR's root where a locale has no words of its own: units become symbols ("5 em"), months numbers
("M12"). Such a phrase is no translation, so it counts as lacking.
"""

import datetime
import re
from collections.abc import Callable, Sequence
from functools import cache

from babel import Locale, dates, lists, localedata, numbers, units

Phrase = Callable[[Locale], str | None]


@cache
def territory_codes() -> tuple[str, ...]:
    """Countries and territories; not groupings, nor CLDR's codes for tests and for the unknown."""
    special = {"QO", "XA", "XB", "ZZ"}
    return tuple(code for code in sorted(Locale("en").territories) if len(code) == 2 and code not in special)


@cache
def language_codes() -> tuple[str, ...]:
    """Languages that CLDR itself is written in: those that people are likely to name."""
    return tuple(sorted({name.split("_")[0] for name in localedata.locale_identifiers()} - {"root"}))


@cache
def currency_codes() -> tuple[str, ...]:
    """Currencies in use today."""
    return tuple(sorted({code for place in territory_codes() for code in numbers.get_territory_currencies(place)}))


@cache
def unit_names() -> tuple[str, ...]:
    """Units by CLDR's names, such as "length-meter"; rates are left out, since not all of them stand in a table."""
    names = sorted(Locale("en").unit_display_names)
    return tuple(name for name in names if "per-" not in name and not name.endswith("-generic"))


def territory(code: str) -> Phrase:
    """France."""
    return lambda locale: locale.territories.get(code)


def language(code: str) -> Phrase:
    """French."""
    return lambda locale: locale.languages.get(code)


def currency(code: str) -> Phrase:
    """Swiss Franc."""
    return lambda locale: locale.currencies.get(code)


def amount(value: int, code: str) -> Phrase:
    """250 Swiss francs."""

    def phrase(locale: Locale) -> str | None:
        if code not in locale.currencies:
            return None
        return numbers.format_currency(
            value, code, locale=locale, format_type="name", currency_digits=False, format="#,##0"
        )

    return phrase


def unit(value: int, name: str) -> Phrase:
    """12 kilometers."""

    def phrase(locale: Locale) -> str | None:
        # Chinese has no long patterns of its own where they equal the short ones; without either, Babel falls back
        # to the unit's code, or to a name that was never meant to follow a number.
        patterns = locale._data["unit_patterns"].get(name, {})
        for length in ("long", "short"):
            pattern = patterns.get(length, {}).get("other")
            if pattern is not None:
                if pattern == _root_unit(name) and re.search(r"[^\W\d_]", pattern.replace("{0}", "")):
                    return None
                return units.format_unit(value, name, length, locale=locale)
        return None

    return phrase


def duration(parts: Sequence[tuple[int, str]]) -> Phrase:
    """3 hours, 20 minutes; `parts` are values with units' names."""
    return joined([unit(value, name) for value, name in parts], "unit")


def date(day: datetime.date, style: str) -> Phrase:
    """Monday, May 4, 2026; `style` is "full", "long" or "medium"."""
    return lambda locale: _with_month_names(dates.format_date(day, style, locale))


def date_time(moment: datetime.datetime, style: str) -> Phrase:
    """May 4, 2026, 3:20 PM; `style` is the date's, "long", "medium" or "short"."""

    def phrase(locale: Locale) -> str | None:
        day, time = dates.format_date(moment, style, locale), dates.format_time(moment, "short", locale=locale)
        pattern = str(locale.datetime_formats[style]).replace("'", "")
        return _with_month_names(pattern.replace("{0}", time).replace("{1}", day))

    return phrase


def date_interval(first: datetime.date, last: datetime.date) -> Phrase:
    """May 4 - 9, 2026."""

    def phrase(locale: Locale) -> str | None:
        if "yMMMd" not in locale.interval_formats:
            return None
        return _with_month_names(dates.format_interval(first, last, "yMMMd", locale=locale))

    return phrase


def relative_time(delta: datetime.timedelta) -> Phrase:
    """5 minutes ago, in 5 minutes."""

    def phrase(locale: Locale) -> str | None:
        text, root = (
            dates.format_timedelta(delta, threshold=1.0, add_direction=True, locale=place)
            for place in (locale, Locale("root"))
        )
        return text if text != root else None

    return phrase


def joined(parts: Sequence[Phrase], style: str) -> Phrase:
    """France, Japan, and Peru; `style` is "standard", "or" or "unit"."""

    def phrase(locale: Locale) -> str | None:
        whole = [text for part in parts if (text := part(locale)) is not None]
        if len(whole) < len(parts) or not _can_join(locale, style, len(parts)):
            return None
        return lists.format_list(whole, style, locale)  # type: ignore[arg-type]

    return phrase


@cache
def _can_join(locale: Locale, style: str, count: int) -> bool:
    """Whether Babel has the pattern; where a locale has none for two items it repeats the second one."""
    items = [chr(0xE000 + index) for index in range(count)]
    try:
        text = lists.format_list(items, style, locale)  # type: ignore[arg-type]
    except (KeyError, ValueError):
        return False
    return all(text.count(item) == 1 for item in items)


@cache
def _root_unit(name: str) -> str | None:
    patterns = Locale("root")._data["unit_patterns"].get(name, {})
    return patterns.get("short", {}).get("other")


def _with_month_names(text: str) -> str | None:
    return None if re.search(r"\bM(0\d|1[0-2])\b", text) else text
