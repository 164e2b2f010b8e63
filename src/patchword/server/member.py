"""A worker process, as the serving process sees it."""

import asyncio
import multiprocessing
import socket
from typing import Any

from patchword.server import wire, worker
from patchword.server.jobs import Job
from patchword.server.settings import Settings


class Member:
    """One worker process.

    Attributes:
        running: numbers of the jobs of the batch that it computes.
        heard: when it gave its last sign of life.
        jobs: what it has and has not answered, by number.
        retiring: whether another has taken its place.

    Raises:
        OSError: if the system gives no process for it.
    """

    def __init__(self, settings: Settings) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._end = ours
        # Not forked: the child would have this process's event loop, sockets and locks.
        context = multiprocessing.get_context("spawn")
        values = settings.model_dump()
        self.process = context.Process(target=worker.main, args=(theirs, values), name="patchword", daemon=True)
        try:
            self.process.start()
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.running: list[int] = []
        self.heard = 0.0
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
