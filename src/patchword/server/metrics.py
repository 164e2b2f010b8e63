"""What `/metrics` shows, in Prometheus's text format."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Counts of one server; rates, such as tokens a second, are Prometheus's `rate()` of the totals."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        more: dict[str, Any] = {"registry": self.registry}
        self._requests = Counter("patchword_requests", "Requests answered.", ["path", "status"], **more)
        self._seconds = Histogram(
            "patchword_request_seconds",
            "From a request's head to its answer's end.",
            ["path"],
            buckets=_SECONDS,
            **more,
        )
        self._batch = Histogram(
            "patchword_batch_items", "Texts or images computed together.", ["call"], buckets=_SIZES, **more
        )
        self._computed = Histogram(
            "patchword_batch_seconds", "Time to compute a batch.", ["call"], buckets=_SECONDS, **more
        )
        self._tokens = Counter("patchword_source_tokens", "Source tokens translated.", **more)
        self._images = Counter("patchword_images", "Images classified.", **more)
        self.waiting = Gauge("patchword_queue_length", "Requests that wait for the worker.", **more)
        self.restarts = Gauge("patchword_worker_restarts", "Workers started anew because one died.", **more)
        self.ready = Gauge("patchword_ready", "1 if the models are loaded.", **more)

    def request(self, path: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def batch(self, statistics: Mapping[str, Any]) -> None:
        """A batch was computed; see `worker.main`."""
        call = statistics["call"]
        self._batch.labels(call).observe(statistics["items"])
        self._computed.labels(call).observe(statistics["seconds"])
        if call == "translate":
            self._tokens.inc(statistics["cost"])
        elif call == "classify":
            self._images.inc(statistics["items"])

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self.registry)
