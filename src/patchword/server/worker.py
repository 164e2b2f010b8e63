"""The process that computes: it owns the models and the number of threads, and does one batch at a time."""

import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from patchword.errors import NotFiniteError, OutOfMemoryError, PatchwordError
from patchword.server.dispatcher import Batch, Dispatcher, Waiting
from patchword.server.jobs import Order
from patchword.server.refused import FAILED, MISTAKE, NOT_READY, WRONG
from patchword.server.wire import Wire


def main(end: socket.socket, settings: Mapping[str, Any]) -> None:
    """Load the models, say so, and compute what is asked until told to stop or the other end is gone.

    Messages out: ("ready", facts), or ("failed", sentence) and the end; ("began", numbers) before a batch;
    ("told", number, item, prefix); ("ended", number, status, value); ("computed", statistics) after a batch.
    In: ("order", order, lone), ("cancel", number), ("stop",).

    Args:
        end: a socket to the serving process.
        settings: fields of `Settings`.
    """
    # A terminal's Ctrl-C and a service manager's stop reach every process; the serving one says when this one ends.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    wire = Wire(end)
    try:
        from patchword import api
        from patchword.server.loaded import Loaded

        api.use_threads(settings["threads"])
        loaded = Loaded(settings["models"], settings["precision"], settings["device"])
    except PatchwordError as error:
        wire.send("failed", str(error))
        return
    except BaseException as error:
        traceback.print_exc()
        wire.send("failed", f"the models could not be loaded: {type(error).__name__}")
        return
    budgets = {"translate": settings["batch_tokens"], "classify": settings["batch_images"]}
    dispatcher = Dispatcher(settings["wait_ms"] / 1000, lambda call: budgets.get(call, 1), settings["batching"])
    wire.send("ready", loaded.facts())
    threading.Thread(target=_listen, args=(wire, dispatcher, loaded), daemon=True).start()
    worker = Worker(wire, dispatcher, loaded)
    while (batch := dispatcher.next()) is not None:
        worker.compute(batch)


def _listen(wire: Wire, dispatcher: Dispatcher, loaded: Any) -> None:
    from patchword.server.work import costs

    while True:
        try:
            kind, *rest = wire.receive()
        except (EOFError, OSError):
            os._exit(0)  # nobody is left to answer, whatever is being computed
        if kind == "order":
            order: Order = rest[0]
            try:
                found = costs(loaded, order.call, order.model, order.items)
            except Exception as error:  # whoever computes it will say what is wrong with it
                found = [1] * len(order.items)
                if not isinstance(error, PatchwordError):
                    traceback.print_exc()
            dispatcher.add(order, found, rest[1])
        elif kind == "cancel":
            dispatcher.cancel(rest[0])
        elif kind == "stop":
            dispatcher.stop()


class Worker:
    """Computes batches and sends what comes of them.

    Args:
        wire: to the serving process.
        dispatcher: that the batches come from.
        loaded: the models.
    """

    def __init__(self, wire: Any, dispatcher: Dispatcher, loaded: Any) -> None:
        self._wire, self._dispatcher, self._loaded = wire, dispatcher, loaded

    def compute(self, batch: Batch) -> None:
        """Compute a batch; if that fails, each of its orders alone, so that none suffers from another's fault."""
        self._wire.send("began", [waiting.order.number for waiting in batch.owners])
        started = time.perf_counter()
        answers, problem = self._tried(batch)
        for owner in batch.owners:
            mine = [index for waiting, index in batch.parts if waiting is owner]
            own = None if answers is None else [a for a, (w, _) in zip(answers, batch.parts, strict=True) if w is owner]
            if own is None and len(batch.owners) > 1 and owner.wanted:
                own, problem = self._tried(Batch(tuple((owner, index) for index in mine)))
            if own is None:
                self._end(owner, *(problem or (FAILED, MISTAKE)))
                continue
            owner.answers.update(zip(mine, own, strict=True))
            if len(owner.answers) == len(owner.order.items):
                self._end(owner, 200, [owner.answers[index] for index in range(len(owner.order.items))])
        statistics = {
            "call": batch.order.call,
            "items": len(batch.parts),
            "cost": sum(waiting.costs[index] for waiting, index in batch.parts),
            "seconds": time.perf_counter() - started,
        }
        self._wire.send("computed", statistics)

    def _tried(self, batch: Batch) -> tuple[list[Any] | None, tuple[int, str] | None]:
        """The items' answers, or a status and a sentence."""
        from patchword.server.work import CALLS

        order = batch.order
        try:
            found = CALLS[order.call](
                self._loaded, order.model, order.options, batch.items, Following(batch.parts, self._wire)
            )
            return found, None
        except OutOfMemoryError as error:
            return None, (NOT_READY, str(error))
        except NotFiniteError as error:
            return None, (FAILED, str(error))
        except PatchwordError as error:
            return None, (WRONG, str(error))
        except Exception:
            traceback.print_exc()
            return None, (FAILED, MISTAKE)

    def _end(self, waiting: Waiting, status: int, value: Any) -> None:
        self._dispatcher.ended(waiting)
        if waiting.wanted:
            waiting.wanted = False
            self._wire.send("ended", waiting.order.number, status, value)


class Following:
    """Says which items of a batch are wanted, and passes on how far they are; see `text.watch`.

    Args:
        parts: of the batch.
        wire: to the serving process.
    """

    def __init__(self, parts: Sequence[tuple[Waiting, int]], wire: Any) -> None:
        self._parts, self._wire = parts, wire

    def wanted(self, index: int) -> bool:
        """Whether anybody still waits for an item."""
        return self._parts[index][0].wanted

    def told(self, index: int, text: str) -> None:
        """Pass on how far an item is, if its client asked for that."""
        waiting, item = self._parts[index]
        if waiting.order.streamed and waiting.wanted:
            self._wire.send("told", waiting.order.number, item, text)
