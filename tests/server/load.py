"""Many clients at once, each on a connection that it keeps, which count what becomes of their requests."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

import httpx

Ask = Callable[[httpx.Client, int], httpx.Response]


def translate(client: httpx.Client, number: int) -> httpx.Response:
    """One short request."""
    words = ("one two three", "five six seven", "eight nine ten")
    return client.post("/v1/translate", json={"texts": f"{words[number % 3]} {number % 7}", "max_extra": 20})


class Load:
    """Clients that ask one request after the other until they are stopped or nobody listens.

    Args:
        address: of the server.
        clients: how many.
        ask: makes a request.

    Attributes:
        ends: how requests ended: statuses, "refused" for a connection that nobody took, or the name of what broke.
        answers: those with status 200, by number modulo 21.
    """

    def __init__(self, address: str, clients: int, ask: Ask = translate) -> None:
        self._address, self._ask = address, ask
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self.ends: Counter[Any] = Counter()
        self.answers: dict[int, set[str]] = {}
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(clients)]

    def _run(self, first: int) -> None:
        number = first
        with httpx.Client(base_url=self._address, timeout=60, trust_env=False) as client:
            while not self._stopped.is_set():
                try:
                    response = self._ask(client, number)
                    end: Any = response.status_code
                except httpx.ConnectError:
                    end = "refused"
                except httpx.HTTPError as error:
                    end = type(error).__name__
                with self._lock:
                    self.ends[end] += 1
                    if end == 200:
                        self.answers.setdefault(number % 21, set()).add(response.text)
                if end == "refused":
                    return
                number += 1

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def wait(self, answers: int, seconds: float = 60) -> None:
        """Until so many more requests are answered well."""
        wanted = self.ends[200] + answers
        deadline = time.monotonic() + seconds
        while self.ends[200] < wanted:
            assert time.monotonic() < deadline, f"waited in vain: {self.ends}"
            time.sleep(0.01)

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)
