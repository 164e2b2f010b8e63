"""Around every call: its time and status are counted, and whatever it raises becomes one sentence."""

import sys
import time
import traceback
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from patchword.errors import shown
from patchword.server.answering import GONE, json_response
from patchword.server.refused import FAILED, MISTAKE, Refused
from patchword.server.serving import Serving


class Gate:
    """An application in an application.

    Args:
        app: the calls.
        serving: what they share.
    """

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app, self._serving = app, serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
                if self._serving.draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        scope.setdefault("state", {})
        try:
            await self._app(scope, receive, sending)
        except Exception:
            # For whoever runs the server; the client heard one sentence from `mistaken`, or sees its answer break off.
            traceback.print_exc(file=sys.stderr)
        finally:
            self._serving.reader.forget(scope["state"].get("held", 0))
            route = scope.get("route")
            path = getattr(route, "path", "other")
            self._serving.metrics.request(path, status or GONE, time.perf_counter() - started)


async def refuse(request: Request, error: Exception) -> Response:
    """A refusal as an answer."""
    assert isinstance(error, Refused)
    response = json_response(error.body, error.status)
    response.headers.update(error.headers)
    return response


async def mistaken(request: Request, error: Exception) -> Response:
    """Whatever nobody expected, as an answer."""
    return json_response({"error": MISTAKE}, FAILED)


async def nowhere(request: Request, error: Exception) -> Response:
    """An address or a method that there is not, as an answer."""
    assert isinstance(error, HTTPException)
    path = shown(request.url.path)
    sentences: dict[int, str] = {
        404: f"there is nothing at {path}; /docs lists the calls",
        405: f"{request.method} is not for {path}; /docs lists the calls",
    }
    body: dict[str, Any] = {"error": sentences.get(error.status_code, str(error.detail))}
    response = json_response(body, error.status_code)
    response.headers.update(error.headers or {})
    return response
