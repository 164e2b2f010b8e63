"""Starts the worker, hands it jobs, and starts another when it dies, hangs or is to have other models."""

import asyncio
import multiprocessing
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from patchword.errors import one_line
from patchword.server import wire, worker
from patchword.server.jobs import Job
from patchword.server.refused import FAILED, TOO_MANY, Refused
from patchword.server.settings import Settings

_LONGEST_PAUSE = 30.0  # seconds between two starts of a worker that dies at once
_CALM = 60.0  # seconds without a death after which deaths are forgotten
_TICK = 0.5

Listener = Callable[[dict[str, Any]], None]


def say(sentence: str) -> None:
    """Tell whoever runs the server."""
    print(f"patchword: {one_line(sentence)}", file=sys.stderr, flush=True)


class Member:
    """One worker process, as the serving process sees it.

    Attributes:
        facts: of its models, once it is ready.
        failure: why it could not load them.
        running: numbers of the jobs of the batch that it computes.
        since: when that batch began.
        jobs: what it has and has not answered, by number.
    """

    def __init__(self, settings: Settings) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._end = ours
        # Not forked: the child would have this process's event loop, sockets and locks.
        context = multiprocessing.get_context("spawn")
        values = settings.model_dump()
        self.process = context.Process(target=worker.main, args=(theirs, values), name="patchword", daemon=True)
        self.process.start()
        theirs.close()
        self.facts: list[dict[str, Any]] = []
        self.failure: str | None = None
        self.running: list[int] = []
        self.since = 0.0
        self.jobs: dict[int, Job] = {}
        self.retiring = False
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self) -> asyncio.StreamReader:
        """The stream of its messages."""
        reader, self._writer = await asyncio.open_connection(sock=self._end)
        return reader

    def send(self, *message: Any) -> None:
        """Send without waiting; what a dead process does not read is nobody's loss."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(wire.frame(message))

    def close(self) -> None:
        """Let it end, if it has not."""
        if self._writer is not None:
            self._writer.close()

    def kill(self) -> None:
        """End it now."""
        self.process.kill()


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
        """Jobs that nobody has begun."""
        return len(self._unbegun)

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
        member = await self._begun()
        if member.failure is not None:
            raise Refused(FAILED, member.failure)

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
        task.add_done_callback(self._tasks.discard)

    async def _started(self) -> None:
        """Start a worker; the first one's failure is the server's, later ones are tried again."""
        while not self._ending:
            member = await self._begun()
            if member.failure is None:
                return
            if not self.facts:
                if not self.failure.done():
                    self.failure.set_result(member.failure)
                return
            say(f"the worker could not start: {member.failure}")
            await asyncio.sleep(self._pause())

    async def _begun(self) -> Member:
        """A worker that has its models and takes the jobs, or has failed."""
        member = await asyncio.to_thread(Member, self._settings)
        self._all.add(member)
        reader = await member.connect()
        try:
            kind, value = await wire.received(reader)
        except (EOFError, OSError):
            kind, value = "failed", "the worker died while it loaded the models"
        if kind == "failed":
            member.failure = value
            self._all.discard(member)
            member.close()
            return member
        member.facts = self.facts = value
        if self._member is not None:
            self._member.retiring = True
            self._member.send("stop")
        self._member = member
        pending, self._pending = list(self._pending.values()), {}
        for job in pending:
            self._hand_out(job)
        self._run(self._followed(member, reader))
        return member

    async def _followed(self, member: Member, reader: asyncio.StreamReader) -> None:
        """Take a worker's messages until it is gone."""
        try:
            while True:
                kind, *rest = await wire.received(reader)
                if kind == "began":
                    member.running, member.since = rest[0], time.monotonic()
                    self._unbegun.difference_update(rest[0])
                elif kind == "told":
                    if (job := member.jobs.get(rest[0])) is not None:
                        job.told.put_nowait((rest[1], rest[2]))
                elif kind == "ended":
                    self._unbegun.discard(rest[0])
                    if (job := member.jobs.pop(rest[0], None)) is not None:
                        job.end(rest[1], rest[2])
                elif kind == "computed":
                    member.running = []
                    self._listener(rest[0])
        except (EOFError, OSError):
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
        """Kill a worker that computes longer than anybody waits: it hangs where nothing can be cancelled."""
        limit = self._settings.timeout + self._settings.grace
        while True:
            await asyncio.sleep(_TICK)
            for member in self._all:
                if member.running and time.monotonic() - member.since > limit:
                    print(
                        f"patchword: the worker gave no sign for {limit:g} s; killing it", file=sys.stderr, flush=True
                    )
                    member.kill()
