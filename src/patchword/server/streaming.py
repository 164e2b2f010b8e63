"""Server-sent events: prefixes of translations as they come, then the whole answer."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from patchword.server.answering import GONE, STATUS, answered, gone, late
from patchword.server.crew import Crew
from patchword.server.jobs import Job
from patchword.server.refused import Refused

MEDIA_TYPE = "text/event-stream"
_LAST = 1.0  # seconds that a client has to read that its time is over
_PING = 15.0  # seconds of silence after which a comment keeps proxies from closing the connection


def event(name: str, data: Any) -> bytes:
    """One event; JSON has no line ends of its own."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, allow_nan=False)}\n\n".encode()


class Streamed(Response):
    """A job's events: "prefix" with an item's index and text so far, then "done" with the answer, or "error".

    Args:
        request: whose client may go away, which ends the job.
        crew: that does it.
        job: submitted already.
        answer: makes the answer of what the job gave.
        timeout: seconds for the whole job.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self, request: Request, crew: Crew, job: Job, answer: Callable[[list[Any]], Any], timeout: float
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._request, self._crew, self._job, self._answer = request, crew, job, answer
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the job ends, its time is over, whether or not the client reads, or the client is gone."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        sending = asyncio.ensure_future(self._send(send))
        watching = asyncio.ensure_future(gone(self._request))
        try:
            await asyncio.wait((sending, watching), timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
            status = GONE
            if sending.done():
                status = sending.result()
            elif not watching.done():
                sending.cancel()
                refused = late(self._timeout)
                status = refused.status
                with contextlib.suppress(TimeoutError):  # it may be late because nobody reads
                    async with asyncio.timeout(_LAST):
                        await _last(send, _error(refused))
        finally:
            watching.cancel()
            sending.cancel()
            if not self._job.outcome.done():
                self._crew.cancel(self._job)
        scope["state"][STATUS] = status

    async def _send(self, send: Send) -> int:
        """Send prefixes as they come, and how it ends; the status that an answer which is no stream would have."""
        while True:
            try:
                async with asyncio.timeout(_PING):
                    told = await self._job.told()
            except TimeoutError:
                await send({"type": "http.response.body", "body": b": still working\n\n", "more_body": True})
                continue
            if not told:
                break
            prefixes = b"".join(event("prefix", {"index": index, "text": text}) for index, text in told.items())
            await send({"type": "http.response.body", "body": prefixes, "more_body": True})
        try:
            end, status = event("done", self._answer(answered(self._job))), 200
        except Refused as refused:
            end, status = _error(refused), refused.status
        await _last(send, end)
        return status


def _error(refused: Refused) -> bytes:
    return event("error", {**refused.body, "status": refused.status})


async def _last(send: Send, content: bytes) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": False})
