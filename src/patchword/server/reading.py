"""Requests as plain values: bodies of a limited size, JSON without what JSON has not, forms and files."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request

from patchword.config import Config
from patchword.errors import RecipeError, shown
from patchword.server.refused import BAD, LATE_BODY, TOO_LARGE, TOO_MANY, WRONG, WRONG_KIND, Refused
from patchword.server.settings import Settings

JSON, FORM, FILES = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
_DEEPEST = 64  # brackets within brackets
_LINGER = 1_000_000  # bytes of a body that is too large that are read and forgotten, so that its sender hears why

Model = TypeVar("Model", bound=Config)


@dataclass
class Form:
    """A form's fields, each with all its values, and files as (name, content)."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)


class Reader:
    """Reads bodies, and knows how many bytes of them are held altogether.

    Args:
        settings: with the limits.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held = 0

    def forget(self, size: int) -> None:
        """The body of a request that is over takes no more memory."""
        self._held -= size

    async def body(self, request: Request) -> bytes:
        """A body whole.

        Raises:
            Refused: if it is too large, comes too slowly, or there is too much of others' already.
        """
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await self._body(request)
        except TimeoutError:
            raise Refused(
                LATE_BODY, f"the body took more than {self._settings.timeout:g} s to come", {"Connection": "close"}
            ) from None
        except ClientDisconnect:
            raise Refused(BAD, "the client went away before its body had come") from None

    async def _body(self, request: Request) -> bytes:
        most = self._settings.max_body
        stated = request.headers.get("content-length", "")
        if stated.isascii() and stated.isdigit() and int(stated[:20]) > most:
            await self._linger(request)
            raise _too_large(most)
        pieces: list[bytes] = []
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > most:
                await self._linger(request)
                raise _too_large(most)
            if self._held + len(piece) > self._settings.max_held:
                raise Refused(
                    TOO_MANY,
                    f"the server holds {self._held:,} bytes of other requests; try again in a second",
                    {"Retry-After": "1", "Connection": "close"},
                )
            self._held += len(piece)
            request.state.held = getattr(request.state, "held", 0) + len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    async def _linger(self, request: Request) -> None:
        """Read on for a moment: who is still sending when the connection closes does not see the answer."""
        left = _LINGER
        try:
            async with asyncio.timeout(1):
                async for piece in request.stream():
                    left -= len(piece)
                    if left < 0:
                        return
        except (TimeoutError, ClientDisconnect, RuntimeError):
            return


def _too_large(most: int) -> Refused:
    return Refused(
        TOO_LARGE, f"the body has more than {most:,} bytes, the most that are taken", {"Connection": "close"}
    )


def content_type(request: Request) -> str:
    """The body's type without its parameters, in lower case; empty if nothing is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def wrong_kind(found: str, *expected: str) -> Refused:
    """The refusal of a body of another type."""
    said = shown(found) if found else "none"
    return Refused(WRONG_KIND, f"the content type is {said}; expected {' or '.join(expected)}")


def parsed_json(body: bytes) -> Any:
    """JSON in UTF-8, within what JSON itself allows.

    Raises:
        Refused: if it is anything else.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(BAD, f"the body is not UTF-8: byte {error.start + 1} is wrong") from None
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Refused(BAD, f"the body is not JSON: {error.msg[:1].lower()}{error.msg[1:]} at {place}") from None
    except RecursionError:
        raise Refused(BAD, "the body is JSON of too many brackets within each other") from None
    except ValueError:  # Python's limit for the digits of a number
        raise Refused(BAD, "the body is JSON with a number of too many digits") from None
    _check(value, _DEEPEST, "\\ud" in text.lower())
    return value


def _refuse_constant(name: str) -> Any:
    raise Refused(BAD, f"the body is not JSON: {name} is no number of JSON's")


def _check(value: Any, depth: int, surrogates: bool) -> None:
    """Refuse what is too deep, and texts that hold half a surrogate pair."""
    if depth < 0:
        raise Refused(BAD, f"the body is JSON of more than {_DEEPEST} brackets within each other")
    if isinstance(value, dict):
        for name, each in value.items():
            if surrogates:
                _check(name, depth, True)
            _check(each, depth - 1, surrogates)
    elif isinstance(value, list):
        for each in value:
            if surrogates or isinstance(each, dict | list):
                _check(each, depth - 1, surrogates)
    elif surrogates and isinstance(value, str):
        check_text(value)


def check_text(text: str) -> None:
    """Refuse half a surrogate pair, which is no character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = f"U+{ord(text[error.start]):04X}"
        raise Refused(BAD, f"a text has half a surrogate pair, {code}, which is no character") from None


async def parsed_form(request: Request, body: bytes) -> Form:
    """A form of either type.

    Raises:
        Refused: if it cannot be read.
    """
    form = Form()
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        found = await Request(request.scope, receive).form(
            max_files=10_000, max_fields=10_000, max_part_size=len(body) + 1
        )
    except Exception as error:  # whatever its parser finds wrong
        detail = getattr(error, "detail", "")
        raise Refused(BAD, f"the form cannot be read{f': {shown(detail)[1:-1]}' if detail else ''}") from None
    try:
        for name, value in found.multi_items():
            if isinstance(value, UploadFile):
                form.files.append((value.filename or "", await value.read()))
            else:
                check_text(value)
                form.fields.setdefault(name, []).append(value)
    finally:
        await found.close()
    return form


def asked(model: type[Model], values: Any) -> Model:
    """Values as a request.

    Raises:
        Refused: naming the first that is wrong.
    """
    if not isinstance(values, dict):
        raise Refused(WRONG, f"the body is {_kind(values)}; expected an object with {', '.join(model.model_fields)}")
    try:
        return model.parse(values, "the request")
    except RecipeError as error:
        raise Refused(WRONG, str(error)) from None


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
