"""Which of a message's plural forms a number has, by the rule in a catalog's header."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from gettext import c2py

_RULE = re.compile(r"nplurals\s*=\s*(\d+)\s*;\s*plural\s*=\s*([^;\n]+)", re.IGNORECASE)
_MOST = 10  # forms; Arabic has 6
_NUMBERS = range(200)  # after which every rule repeats itself


@dataclass(frozen=True)
class Plurals:
    """A rule of plural forms.

    Attributes:
        count: how many forms there are; None if the header does not say.
        rule: from a number to its form.
    """

    count: int | None = None
    rule: Callable[[int], int] = lambda number: int(number != 1)  # gettext's own, where a header has none

    @classmethod
    def of_header(cls, header: str) -> "Plurals":
        """The rule of "Plural-Forms: nplurals=N; plural=EXPRESSION;"; gettext's own if there is none."""
        found = _RULE.search(header)
        if found is None or not 1 <= int(found[1][:4]) <= _MOST:
            return cls()
        try:
            rule = c2py(found[2].strip())
            for number in _NUMBERS:
                rule(number)
        except (ValueError, ArithmeticError, RecursionError):
            return cls(int(found[1]))
        return cls(int(found[1]), rule)

    def form(self, number: int, forms: int) -> int:
        """The form that so many things have, of those that there are."""
        return max(0, min(self.rule(number), (self.count or forms) - 1, forms - 1))

    def for_one_alone(self, form: int, forms: int) -> bool:
        """Whether a form is for exactly one thing, as in English, and not for 21 too."""
        return [number for number in _NUMBERS if self.form(number, forms) == form] == [1]
