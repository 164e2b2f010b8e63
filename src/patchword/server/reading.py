"""Requests as plain values: bodies of a limited size, JSON without what JSON has not, forms and files."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from patchword.config import Config
from patchword.errors import RecipeError, shown
from patchword.server.refused import BAD, LATE_BODY, TOO_LARGE, TOO_MANY, WRONG, WRONG_KIND, Refused
from patchword.server.settings import Settings
from patchword.server.strict_json import check_text

JSON, FORM, FILES = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
_LARGE = 100_000  # bytes of a body that is not read on the thread that serves everybody
_LINGER = 1_000_000  # bytes of a body that is too large that are read and forgotten, so that its sender hears why

Model = TypeVar("Model", bound=Config)
Value = TypeVar("Value")


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

    async def body(self, request: Request, most: int | None = None) -> bytes:
        """A body whole.

        Args:
            request: whose body has not been read.
            most: bytes of it, if these are fewer than others may have.

        Raises:
            Refused: if it is too large, comes too slowly, or there is too much of others' already.
        """
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await self._body(request, min(most or self._settings.max_body, self._settings.max_body))
        except TimeoutError:
            raise Refused(
                LATE_BODY, f"the body took more than {self._settings.timeout:g} s to come", {"Connection": "close"}
            ) from None
        except ClientDisconnect:
            raise Refused(BAD, "the client went away before its body had come") from None

    async def _body(self, request: Request, most: int) -> bytes:
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


async def aside(body: bytes, work: Callable[[bytes], Value]) -> Value:
    """What is made of a body; of a large one on another thread, so that it holds nobody up."""
    return await asyncio.to_thread(work, body) if len(body) > _LARGE else work(body)


async def _pieces(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
    yield b""


def _received(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _close(parser: MultiPartParser | None) -> None:
    """Close all files of a form; its own `close` misses those of a form that is wrong, and one that is cut off."""
    for file in getattr(parser, "_files_to_close_on_error", ()):
        file.close()


async def parsed_form(request: Request, body: bytes) -> Form:
    """A form of either type.

    Raises:
        Refused: if it cannot be read.
    """
    if len(body) > _LARGE:
        return await asyncio.to_thread(lambda: asyncio.run(_parsed_form(request, body)))
    return await _parsed_form(request, body)


async def _parsed_form(request: Request, body: bytes) -> Form:
    form = Form()
    limits: dict[str, Any] = {"max_files": 10_000, "max_fields": 10_000, "max_part_size": len(body) + 1}
    parser: MultiPartParser | None = None
    try:
        if content_type(request) == FILES:
            parser = MultiPartParser(request.headers, _pieces(body), **limits)
            found = await parser.parse()
        else:
            found = await Request(request.scope, _received(body)).form(**limits)
    except Exception as error:  # whatever its parser finds wrong
        _close(parser)
        why = getattr(error, "message", getattr(error, "detail", ""))
        raise Refused(BAD, f"the form cannot be read{f': {shown(why)[1:-1]}' if why else ''}") from None
    try:
        for name, value in found.multi_items():
            check_text(name)
            if isinstance(value, UploadFile):
                check_text(value.filename or "")
                form.files.append((value.filename or "", await value.read()))
            else:
                check_text(value)
                form.fields.setdefault(name, []).append(value)
    finally:
        _close(parser)
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
