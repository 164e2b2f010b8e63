"""Starts the worker, hands it jobs, and starts another when it dies, hangs or is to have other models."""

import asyncio
import contextlib
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from patchword.errors import one_line, reason
from patchword.server import wire
from patchword.server.jobs import Job
from patchword.server.member import Member
from patchword.server.refused import FAILED, TOO_MANY, Refused
from patchword.server.settings import Settings

_LONGEST_PAUSE = 30.0  # seconds between two starts of a worker that dies at once
_CALM = 60.0  # seconds without a death after which deaths are forgotten
_TICK = 0.5
_REAPED = 5.0  # seconds in which a process whose socket is closed is gone

Listener = Callable[[dict[str, Any]], None]


def say(sentence: str) -> None:
    """Tell whoever runs the server, if anybody still reads: what ends or replaces a worker must not fail by that."""
    with contextlib.suppress(OSError, ValueError):  # a pipe whose reader is gone, a closed file
        print(f"patchword: {one_line(sentence)}", file=sys.stderr, flush=True)


class Crew:
    """The worker that computes, and those that finish or begin beside it while models are exchanged.

    Args:
        settings: of the server.
        listener: is told the statistics of each batch.
    """

    def __init__(self, settings: Settings, listener: Listener = lambda statistics: None) -> None:
        self._settings, self._listener = settings, listener
        self._member: Member | None = None
        self._all: set[Member] = set()
        self._pending: dict[int, Job] = {}  # not handed to any worker yet
        self._unbegun: set[int] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._deaths: list[float] = []
        self._ending = False
        self.facts: list[dict[str, Any]] = []
        self.failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.restarts = 0

    @property
    def ready(self) -> bool:
        """Whether a worker has its models."""
        return self._member is not None

    @property
    def waiting(self) -> int:
        """Jobs of which not all has been begun."""
        return len(self._unbegun)

    @property
    def computing(self) -> int:
        """Jobs that are computed now."""
        return sum(len(member.running) for member in self._all)

    @property
    def process_ids(self) -> list[int]:
        """Of the workers that live."""
        return [member.process.pid for member in self._all if member.process.pid is not None]

    def start(self) -> None:
        """Begin to start a worker; `ready` says when it is, `failure` that its models cannot be loaded."""
        self._run(self._started())
        self._run(self._watched())

    def submit(self, job: Job) -> None:
        """Let a job wait for the worker.

        Raises:
            Refused: if too many wait already.
        """
        if len(self._unbegun) >= self._settings.queue:
            raise Refused(
                TOO_MANY,
                f"{len(self._unbegun):,} requests are waiting already, as many as may; try again in a second",
                {"Retry-After": "1"},
            )
        self._unbegun.add(job.order.number)
        self._hand_out(job)

    def cancel(self, job: Job) -> None:
        """Nobody waits for a job any more: it is not begun, or ends within a step."""
        number = job.order.number
        self._unbegun.discard(number)
        self._pending.pop(number, None)
        for member in self._all:
            if member.jobs.pop(number, None) is not None:
                member.send("cancel", number)

    async def reload(self) -> None:
        """Load the models anew in another worker, and let it take over when it is ready.

        Raises:
            Refused: if they cannot be loaded; the old worker goes on.
        """
        failure = await self._begun()
        if failure is not None:
            raise Refused(FAILED, failure)

    async def end(self) -> None:
        """End the workers; what they had is not answered."""
        self._ending = True
        for member in list(self._all):
            member.close()
        for task in self._tasks:
            task.cancel()
        deadline = time.monotonic() + 2
        for member in list(self._all):
            while member.process.is_alive() and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            if member.process.is_alive():
                member.kill()

    def _hand_out(self, job: Job) -> None:
        if self._member is None:
            self._pending[job.order.number] = job
        else:
            self._member.jobs[job.order.number] = job
            self._member.send("order", job.order, job.lone)

    def _run(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            traceback.print_exception(error, file=sys.stderr)

    async def _started(self) -> None:
        """Start a worker; the first one's failure is the server's, later ones are tried again."""
        while not self._ending:
            failure = await self._begun()
            if failure is None:
                return
            if not self.facts:
                if not self.failure.done():
                    self.failure.set_result(failure)
                return
            say(f"the worker could not start: {failure}")
            await asyncio.sleep(self._pause())

    async def _begun(self) -> str | None:
        """Start a worker that has its models and takes the jobs; or say why there is none."""
        try:
            member = await asyncio.to_thread(Member, self._settings)
        except OSError as error:  # too many processes or files, no memory: it may be otherwise in a moment
            return f"no process can be started: {reason(error)}"
        self._all.add(member)
        try:
            reader = await member.connect()
            kind, value = await wire.received(reader)
        except (EOFError, OSError):
            kind, value = "failed", "the worker died while it loaded the models"
        if kind == "failed":
            self._all.discard(member)
            member.close()
            return str(value)
        self.facts = value
        if self._member is not None:
            self._member.retiring = True
            self._member.send("stop")
        self._member = member
        pending, self._pending = list(self._pending.values()), {}
        for job in pending:
            self._hand_out(job)
        self._run(self._followed(member, reader))
        return None

    async def _followed(self, member: Member, reader: asyncio.StreamReader) -> None:
        """Take a worker's messages until it is gone."""
        try:
            while True:
                kind, *rest = await wire.received(reader)
                member.heard = time.monotonic()
                if kind == "began":
                    member.running, whole = rest
                    self._unbegun.difference_update(whole)
                elif kind == "told":
                    if (job := member.jobs.get(rest[0])) is not None:
                        job.tell(rest[1], rest[2])
                elif kind == "ended":
                    self._unbegun.discard(rest[0])
                    if (job := member.jobs.pop(rest[0], None)) is not None:
                        job.end(rest[1], rest[2])
                elif kind == "computed":
                    member.running = []
                    self._listener(rest[0])
        except (EOFError, OSError):
            await asyncio.to_thread(member.process.join, _REAPED)
            self._gone(member)

    def _gone(self, member: Member) -> None:
        """A worker ended: answer what it died of, and let the rest wait for another."""
        self._all.discard(member)
        member.close()
        if self._ending or (member.retiring and not member.jobs):
            return
        died_of = [number for number in member.running if number in member.jobs]
        # In a batch of several nobody knows whose fault it was, so each is tried once more, by itself.
        alone = len(member.running) == 1
        if self._member is member:
            self._member = None
        for number, job in list(member.jobs.items()):
            if number in died_of and (alone or job.lone):
                job.end(FAILED, "the worker died while it computed this")
            else:
                job.lone = job.lone or number in died_of
                self._unbegun.add(number)
                self._hand_out(job)
        member.jobs.clear()
        if self._member is None:
            self.restarts += 1
            say(f"the worker died (exit code {member.process.exitcode}); starting another")
            self._run(self._again())

    async def _again(self) -> None:
        await asyncio.sleep(self._pause())
        if self._member is None:
            await self._started()

    def _pause(self) -> float:
        """Seconds before the next start; longer after each death of the last minute."""
        now = time.monotonic()
        self._deaths = [when for when in self._deaths if now - when < _CALM] + [now]
        return float(min(_LONGEST_PAUSE, 0.1 * 2 ** (len(self._deaths) - 1)))

    async def _watched(self) -> None:
        """Kill a worker that gives no sign of life for longer than anybody waits: it hangs where nothing ends it."""
        limit = self._settings.timeout + self._settings.grace
        while True:
            await asyncio.sleep(_TICK)
            for member in self._all:
                if member.running and time.monotonic() - member.heard > limit:
                    say(f"the worker gave no sign for {limit:g} s; killing it")
                    member.kill()
