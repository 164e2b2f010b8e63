"""A server under load: speed and latency, memory over many requests, and its end under load.

usage: serving_load.py [MODEL] [--seconds N] [--clients N ...] [--only PART ...] [--requests N] [--ends N] [--threads N]

MODEL is a translator's folder; without it, the demo's. Parts:

    batching   `patchword serve MODEL`: clients at once, each on a connection that it keeps, one text a request
    single     the same with --no-batching
    plain      the same model behind a threaded HTTP server with a lock, one request at a time, as LibreTranslate serves
    memory     resident memory of all of the server's processes over many requests
    ends       SIGTERM under load, many times: requests that were sent and not answered, and exit codes

One process of coroutines makes all requests; it needs about a tenth of a millisecond for each. Every server starts anew
for its part, and each number of clients has its own run after a short one that is not counted.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import quantiles
from typing import Any

PARTS = ("batching", "single", "plain", "memory", "ends")
TEXTS = (
    "Monday, June 12, 2017",
    "Switzerland, Japan, and Peru",
    "A man rides a bike.",
    "Two dogs are playing in the snow.",
    "Wednesday, December 31, 1997 at 10:15",
    "in 3 days",
    "Three children in red shirts are sitting on a bench in the park.",
    "French, Italian, or Portuguese",
)
WARM = 2.0  # seconds, or less if the run itself is shorter
REFUSED, LOST = "refused", "lost"


@dataclass
class Ended:
    """How the requests of a run ended, a status, "refused" or "lost" (no answer), and how long answers took."""

    seconds: float = 0.0
    ends: Counter[Any] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)

    def row(self) -> str:
        """Answers a second, two quantiles of their times in milliseconds, and what else there was."""
        cuts = quantiles(self.times, n=100) if len(self.times) > 1 else [0.0] * 99
        others = {end: count for end, count in self.ends.items() if end != 200}
        speed = self.ends[200] / self.seconds
        return f"{speed:12.1f}{1000 * cuts[49]:10.1f}{1000 * cuts[98]:10.1f}   {others or 'nothing else'}"


class Clients:
    """Clients that ask one request after the other.

    Args:
        port: of the server.
        count: how many.
        most: requests of all together.
    """

    def __init__(self, port: int, count: int, most: int = sys.maxsize) -> None:
        self._port, self._count, self._left = port, count, most
        self.found = Ended()
        self.stopped = False

    async def run(self, seconds: float) -> Ended:
        """Ask for so long, or until there is nobody to ask or all was asked."""
        started = time.perf_counter()
        asyncio.get_running_loop().call_later(seconds, self.stop)
        await asyncio.gather(*(self._client(number) for number in range(self._count)))
        self.found.seconds = time.perf_counter() - started
        return self.found

    def stop(self) -> None:
        """Ask nothing more."""
        self.stopped = True

    async def _client(self, number: int) -> None:
        while not self.stopped and self._left > 0:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                self.found.ends[REFUSED] += 1
                return
            open_ = True
            while open_ and not self.stopped and self._left > 0:
                self._left -= 1
                number += 1
                open_ = await self._request(reader, writer, TEXTS[number % len(TEXTS)])
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> bool:
        """One request; whether the connection stays."""
        body = json.dumps({"texts": text}).encode()
        head = "POST /v1/translate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        began = time.perf_counter()
        try:
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"content-length: (\d+)", answer)
            assert length is not None, answer
            await reader.readexactly(int(length[1]))
        except (OSError, asyncio.IncompleteReadError):
            self.found.ends[LOST] += 1
            return False
        self.found.ends[int(answer.split(b" ", 2)[1])] += 1
        self.found.times.append(time.perf_counter() - began)
        return b"connection: close" not in answer


@dataclass
class Server:
    """A server in a process of its own, at a port of this machine."""

    process: "subprocess.Popen[str]"
    port: int

    def memory(self) -> float:
        """Resident memory of it and of all processes that it started, in MB."""
        pages, found = 0, [self.process.pid]
        for pid in found:
            try:
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += map(int, (task / "children").read_text().split())
            except OSError:
                continue  # it ended
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def serving(part: str, model: str, threads: int) -> Iterator[Server]:
    """A server that has its model."""
    if part == "plain":
        command = [sys.executable, __file__, model, "--threads", str(threads), "--as-plain"]
    else:
        command = [sys.executable, "-m", "patchword.cli.main", "serve", model, "--port", "0", "--threads", str(threads)]
        command += ["--no-batching"] if part == "single" else []
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said = process.stderr
    assert said is not None
    try:
        for line in said:
            if found := re.search(r"serving .*:(\d+);", line):
                break
        else:
            raise SystemExit(f"the server did not start: {command}")
        threading.Thread(target=said.read, daemon=True).start()
        yield Server(process, int(found[1]))
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def plain(model: str, threads: int) -> None:
    """Serve a model one request at a time, as simply as that can be done; does not return."""
    from patchword import api

    api.use_threads(threads)
    translator: Any = api.load(model)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                found = translator.translate(asked["texts"])
            content = json.dumps({"translatedText": found.text}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: object) -> None:
            pass

    class Threads(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    Handler.wbufsize = -1  # head and body in one packet, or the client would wait for its own acknowledgement
    server = Threads(("127.0.0.1", 0), Handler)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(f"serving {model} at 127.0.0.1:{server.server_address[1]}; plainly", file=sys.stderr, flush=True)
    server.serve_forever()


def measure_speed(part: str, options: argparse.Namespace) -> None:
    """A row for each number of clients."""
    with serving(part, options.model, options.threads) as server:
        asyncio.run(Clients(server.port, max(options.clients)).run(min(WARM, options.seconds)))
        for clients in options.clients:
            found = asyncio.run(Clients(server.port, clients).run(options.seconds))
            print(f"{part:10}{clients:8}{found.row()}", flush=True)


def measure_memory(options: argparse.Namespace) -> None:
    """Memory after the first fortieth of the requests, in the middle and at the end."""
    clients = max(options.clients)
    print(f"\nmemory of all processes over {options.requests:,} requests of {clients} clients, MB")
    done = 0
    with serving("batching", options.model, options.threads) as server:
        for share in (1 / 40, 1 / 2, 1):
            asyncio.run(Clients(server.port, clients, int(options.requests * share) - done).run(3600))
            done = int(options.requests * share)
            print(f"after {done:8,} {server.memory():10.1f}", flush=True)


def measure_ends(options: argparse.Namespace) -> int:
    """How many ends were clean."""
    print(f"\nSIGTERM under the load of {max(options.clients)} clients, {options.ends} times")
    clean = 0
    for _ in range(options.ends):
        with serving("batching", options.model, options.threads) as server:
            found, code = asyncio.run(_ended(server, Clients(server.port, max(options.clients))))
        good = code == 0 and found.ends.keys() <= {200, 429, REFUSED}
        clean += good
        print(f"exit code {code}, {dict(found.ends)}: {'clean' if good else 'NOT CLEAN'}", flush=True)
    print(f"{clean} of {options.ends} clean")
    return clean


async def _ended(server: Server, clients: Clients) -> tuple[Ended, int]:
    running = asyncio.ensure_future(clients.run(60))
    while clients.found.ends[200] < 200 and not running.done():
        await asyncio.sleep(0.01)
    server.process.send_signal(signal.SIGTERM)
    found = await running
    return found, await asyncio.to_thread(server.process.wait, 60)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if an end was not clean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="demo/translator")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--ends", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--as-plain", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.as_plain:
        plain(options.model, options.threads)
    speeds = [part for part in PARTS[:3] if part in options.only]
    if speeds:
        print(f"{options.model}, {options.threads} threads, {options.seconds:g} s each")
        print(f"{'server':10}{'clients':>8}{'answers/s':>12}{'p50 ms':>10}{'p99 ms':>10}   other ends")
    for part in speeds:
        measure_speed(part, options)
    if "memory" in options.only:
        measure_memory(options)
    return int("ends" in options.only and measure_ends(options) < options.ends)


if __name__ == "__main__":
    sys.exit(main())
