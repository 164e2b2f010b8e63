"""Languages, as the models that are served know them and as LibreTranslate's calls name them."""

from collections.abc import Sequence
from typing import Any

from babel import Locale

from patchword.errors import shown
from patchword.server.models import TRANSLATES
from patchword.server.refused import WRONG, Refused

_UNSAID = ("source", "target", "", "?")  # what a model folder has where no language was said


def pairs_of(models: Sequence[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """By source and target language, the first model for them."""
    found: dict[tuple[str, str], str] = {}
    for facts in models:
        if TRANSLATES in facts:
            source, target = facts[TRANSLATES]
            if source not in _UNSAID and target not in _UNSAID:
                found.setdefault((source, target), facts["name"])
    return found


def languages_of(pairs: dict[tuple[str, str], str]) -> list[dict[str, Any]]:
    """LibreTranslate's list: each language with a source's and a target's side."""
    codes = dict.fromkeys(code for pair in pairs for code in pair)
    return [
        {"code": code, "name": name_of(code), "targets": [target for source, target in pairs if source == code]}
        for code in codes
    ]


def name_of(code: str) -> str:
    """A language's English name, or its code."""
    names = Locale("en").languages
    return str(names.get(code.replace("-", "_")) or names.get(_primary(code)) or code)


def _primary(code: str) -> str:
    return code.replace("_", "-").partition("-")[0].lower()


def meant(code: str, known: Sequence[str]) -> str:
    """Which known language a code means: "zh-Hans" and "ZH" are "zh".

    Raises:
        Refused: if none.
    """
    for form in (str, _primary):
        for each in known:
            if form(each).lower() == form(code).lower():
                return each
    raise Refused(WRONG, f"{shown(code)} is not supported; valid: {', '.join(known) or 'no languages are known'}")
