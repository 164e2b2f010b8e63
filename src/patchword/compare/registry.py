"""The claims by number: one line each, the name of a file in `claims/` that has the claim as `CLAIM`."""

import importlib

from patchword.compare.claim import Claim
from patchword.errors import RecipeError, nearest, shown

SLUGS: dict[str, str] = {
    "1": "parallel",
    "2a": "recall",
    "2b": "far_translation",
    "3": "short",
    "4": "positions",
    "5": "lengths",
    "6": "norms",
    "7": "residuals",
    "8": "heads",
    "9": "small_data",
    "10": "pretraining",
    "11": "cost",
    "12": "shifts",
    "13": "reach",
    "14": "looks",
    "15": "efficiency",
}


def claim(number: str) -> Claim:
    """A claim by its number or its file's name.

    Raises:
        RecipeError: if there is none, with the nearest.
    """
    by_slug = {slug: key for key, slug in SLUGS.items()}
    key = by_slug.get(number, number)
    if key not in SLUGS:
        raise RecipeError(f"unknown claim {shown(number)}; {nearest(number, [*SLUGS, *by_slug])}")
    found: Claim = importlib.import_module(f"patchword.compare.claims.{SLUGS[key]}").CLAIM
    return found


def claims(numbers: list[str] | None = None) -> list[Claim]:
    """Some claims, or all, in the order of the table.

    Raises:
        RecipeError: if one is unknown.
    """
    if not numbers:
        return [claim(number) for number in SLUGS]
    wanted = {claim(number).number for number in numbers}
    return [claim(number) for number in SLUGS if number in wanted]
