"""JSON as it is defined, in UTF-8, and no deeper or of more parts than a request can need."""

import json
import re
from typing import Any

from patchword.server.refused import BAD, Refused

_DEEPEST = 64  # brackets within brackets
_MOST = 10_000  # arrays and objects
_VALUES = 200_000  # in them
_PAIR = re.compile(r"\\ud[89ab]..\\ud[c-f]", re.IGNORECASE)
_HALF = re.compile(r"\\u(d[89a-f][0-9a-f]{2})", re.IGNORECASE)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")


def parsed_json(body: bytes) -> Any:
    """JSON in UTF-8, within what JSON itself allows.

    Raises:
        Refused: if it is anything else.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(BAD, f"the body is not UTF-8: byte {error.start + 1} is wrong") from None
    _check(text)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Refused(BAD, f"the body is not JSON: {error.msg[:1].lower()}{error.msg[1:]} at {place}") from None
    except RecursionError:
        raise Refused(BAD, "the body is JSON of too many brackets within each other") from None
    except ValueError:  # Python's limit for the digits of a number
        raise Refused(BAD, "the body is JSON with a number of too many digits") from None


def _refuse_constant(name: str) -> Any:
    raise Refused(BAD, f"the body is not JSON: {name} is no number of JSON's")


def _check(text: str) -> None:
    """Refuse what is too deep or of too many parts, and half a surrogate pair, before anything is made of it.

    Values are looked at only by what searches texts fast: a body may have millions.
    """
    surrogates = "\\ud" in text or "\\uD" in text
    nested = text.count("[") + text.count("{") > _DEEPEST
    many = text.count(",") > _VALUES
    if not (surrogates or nested or many):
        return
    plain = text.replace("\\\\", "  ")  # so that a backslash that is left begins an escape
    if surrogates and (half := _HALF.search(_PAIR.sub("  ", plain))):
        _refuse_half(half[1].upper())
    if nested or many:
        outside = "".join(plain.replace('\\"', "").split('"')[::2])  # of all texts
        if outside.count(",") > _VALUES:
            raise Refused(BAD, f"the body is JSON of more than {_VALUES:,} values")
        if outside.count("[") + outside.count("{") > _MOST:
            raise Refused(BAD, f"the body is JSON of too many brackets: more than {_MOST:,} arrays and objects")
        left = _NO_BRACKETS.sub("", outside)
        for _ in range(_DEEPEST):
            left = left.replace("[]", "").replace("{}", "")
        if "[]" in left or "{}" in left:
            raise Refused(BAD, f"the body is JSON of more than {_DEEPEST} brackets within each other")


def check_text(text: str) -> None:
    """Refuse half a surrogate pair, which is no character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        _refuse_half(f"{ord(text[error.start]):04X}")


def _refuse_half(code: str) -> None:
    raise Refused(BAD, f"a text has half a surrogate pair, U+{code}, which is no character") from None
