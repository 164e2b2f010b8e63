"""Answers that come in parts, and clients that do not read theirs."""

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from patchword.server import running as runs
from patchword.server.jobs import Job
from tests.server.running import Running, until

MOST = 0.4  # seconds that a request may take


@pytest.fixture
def bare() -> Iterator[Running]:
    """A server without a worker."""
    with Running(timeout=MOST, grace=0.4) as found:
        yield found


def asks(server: Running, path: str, **body: Any) -> socket.socket:
    """The connection of a client that asks and does not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", int(server.address.rpartition(":")[2])))
    content = json.dumps(body).encode()
    kind = f"Content-Type: application/json\r\nContent-Length: {len(content)}"
    client.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n\r\n".encode() + content)
    return client


def job_of(server: Running) -> Job:
    job: Job = until(lambda: list(server.serving.crew._pending.values()))[0]
    return job


async def told(job: Job) -> None:
    """As a worker tells, each time a little more, until more waits to be sent than the system holds."""
    text = "word " * 40_000
    for length in range(1, len(text), 1000):
        job.tell(0, text[:length])
        await asyncio.sleep(0.0005)


def connections(server: Running) -> int:
    return len(server.server.server_state.connections)


def test_a_stream_that_nobody_reads_ends_in_time_and_is_cut_off(bare: Running) -> None:
    with asks(bare, "/v1/translate", texts="a", stream=True):
        bare.does(told(job_of(bare)))
        assert connections(bare) == 1
        until(lambda: not bare.server.server_state.tasks, 5 * MOST)
        assert bare.serving.crew.waiting == 0
        until(lambda: not connections(bare), 5)


def test_an_answer_that_nobody_reads_is_cut_off(bare: Running) -> None:
    with asks(bare, "/v1/explain", text="a"):
        job, content = job_of(bare), b"{" + b" " * 9_000_000 + b"}"
        bare.loop.call_soon_threadsafe(job.end, 200, [{"json": content}])
        until(lambda: job.outcome.done())
        until(lambda: not connections(bare), 5)


def test_a_server_ends_though_clients_do_not_read() -> None:
    with Running(timeout=1.0, grace=0.4) as server, asks(server, "/v1/translate", texts="a", stream=True):
        job = job_of(server)
        server.does(told(job))
        server.does(runs._drain(server.server, server.serving), 5)
        server._thread.join(5)
        assert not server._thread.is_alive()


def test_of_what_is_told_the_newest_is_kept() -> None:
    async def use() -> None:
        job = Job.of("translate", "m", ["a", "b"])
        for length in range(1, 5):
            job.tell(0, "word"[:length])
        job.tell(1, "b")
        assert await job.told() == {0: "word", 1: "b"}
        job.tell(0, "wo")  # it is done again
        job.tell(1, "bc")
        assert await job.told() == {1: "bc"}
        job.tell(1, "bcd")
        job.end(200, [])
        assert [await job.told() for _ in range(2)] == [{1: "bcd"}, {}]

    asyncio.run(use())


def test_a_stream_is_counted_by_how_it_ends(bare: Running) -> None:
    with bare.client() as client:
        assert '"status": 504' in client.post("/v1/translate", json={"texts": "a", "stream": True}).text
        counts = until(lambda: "patchword_requests_total" in (text := client.get("/metrics").text) and text)
    assert 'patchword_requests_total{path="/v1/translate",status="504"} 1.0' in counts
    assert 'path="/v1/translate",status="200"' not in counts
