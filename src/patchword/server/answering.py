"""From a job to an answer: wait for it, notice a client that goes away, and stop at the time limit."""

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from patchword.server.crew import Crew
from patchword.server.jobs import Job
from patchword.server.refused import TIMED_OUT, Refused

GONE = 499  # of a request whose client is gone: nobody sees it but the metrics


def json_response(value: Any, status: int = 200) -> Response:
    """An answer in JSON, in any script."""
    content = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Response(content, status, media_type="application/json")


async def gone(request: Request) -> None:
    """Return when the client is gone; its body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def answers(request: Request, crew: Crew, job: Job, timeout: float) -> list[Any]:
    """A job's answers.

    Raises:
        Refused: if there is none in time, the job failed, or the client is gone.
    """
    crew.submit(job)
    watching = asyncio.ensure_future(gone(request))
    try:
        await asyncio.wait((job.outcome, watching), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        watching.cancel()
        if not job.outcome.done():
            crew.cancel(job)
    if not job.outcome.done():
        if watching.done() and not watching.cancelled():
            raise Refused(GONE, "the client went away")
        raise late(timeout)
    return answered(job)


def answered(job: Job) -> list[Any]:
    """The answers of a job that ended.

    Raises:
        Refused: if it failed.
    """
    outcome = job.outcome.result()
    if outcome.status != 200:
        raise Refused(outcome.status, outcome.value)
    found: list[Any] = outcome.value
    return found


def late(timeout: float) -> Refused:
    """The refusal of what takes too long."""
    return Refused(TIMED_OUT, f"there was no answer within {timeout:g} s; ask for less at once, or try again later")
