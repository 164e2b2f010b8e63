"""Server-sent events: prefixes of translations as they come, then the whole answer."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from patchword.server.answering import answered, gone, late
from patchword.server.crew import Crew
from patchword.server.jobs import Job
from patchword.server.refused import Refused

MEDIA_TYPE = "text/event-stream"
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
        """Send events until the job ends, its time is over or the client is gone."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        telling = asyncio.ensure_future(self._told(send))
        watching = asyncio.ensure_future(gone(self._request))
        try:
            await asyncio.wait((telling, watching), return_when=asyncio.FIRST_COMPLETED)
            if telling.done():
                await send({"type": "http.response.body", "body": telling.result(), "more_body": False})
        finally:
            watching.cancel()
            telling.cancel()
            if not self._job.outcome.done():
                self._crew.cancel(self._job)

    async def _told(self, send: Send) -> bytes:
        """Send prefixes as they come; the last event is left to send."""
        deadline = time.monotonic() + self._timeout
        longest: dict[int, int] = {}
        while True:
            left = deadline - time.monotonic()
            try:
                async with asyncio.timeout(max(0.0, min(left, _PING))):
                    told = await self._job.told.get()
            except TimeoutError:
                if left <= _PING:
                    refused = late(self._timeout)
                    return event("error", {**refused.body, "status": refused.status})
                await send({"type": "http.response.body", "body": b": still working\n\n", "more_body": True})
                continue
            if told is None:
                break
            index, text = told
            if len(text) > longest.get(index, 0):  # a job that is done again tells nothing twice
                longest[index] = len(text)
                prefix = event("prefix", {"index": index, "text": text})
                await send({"type": "http.response.body", "body": prefix, "more_body": True})
        try:
            return event("done", self._answer(answered(self._job)))
        except Refused as refused:
            return event("error", {**refused.body, "status": refused.status})
