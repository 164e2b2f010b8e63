"""Letters that were read in a wrong encoding, found by ftfy (Speer 2019)."""

import re
from collections.abc import Callable

from patchword.errors import RecipeError

# A character that UTF-8 has several bytes for is several characters where it was read as anything else.
_SUSPICIOUS = re.compile("[\x80-\u052f\u2010-\u2266\uf8ff\ufb01\ufb02]{2}")
_LOST = re.compile("[\ufffd\x80-\x84\x86-\x9f]")


def wrong_encoding() -> Callable[[str], str | None]:
    """What tells of a text how it would read in its right encoding; "" if letters are lost, None if nothing is wrong.

    Raises:
        RecipeError: if ftfy is not installed.
    """
    try:
        from ftfy import fix_encoding
        from ftfy.badness import is_bad
    except ImportError:
        raise RecipeError("looking for encoding damage needs ftfy: pip install 'patchword[check]'") from None

    def found(text: str) -> str | None:
        if text.isascii():
            return None
        lost = _LOST.search(text) is not None
        if not lost and (_SUSPICIOUS.search(text) is None or not is_bad(text)):
            return None
        fixed = fix_encoding(text)
        # Letters that were several characters become one; where none do, some are lost for good.
        if len(fixed) < len(text) and _LOST.search(fixed) is None:
            return str(fixed)
        return "" if lost or fixed != text else None

    return found
