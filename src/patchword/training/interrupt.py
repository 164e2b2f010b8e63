"""Ctrl-C and SIGTERM as a wish to stop after the current step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Set once somebody asks the run to stop; `signal` is then the signal's number."""

    signal: int | None = None


@contextmanager
def stop_on_signals(patient: bool = False) -> Iterator[StopRequest]:
    """Catch SIGINT and SIGTERM inside the block; a second one acts at once, as it would have.

    Args:
        patient: a second one does nothing, nor does one while an error from the block is told: torchrun sends every
            signal on to processes that may have had it already, and ends by itself what takes too long.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request  # only the main thread may set handlers
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, _frame: FrameType | None) -> None:
        request.signal = request.signal or number
        if not patient:
            for each, handler in previous.items():
                signal.signal(each, handler)

    for number in previous:
        signal.signal(number, ask)
    told = False
    try:
        yield request
        told = True
    finally:
        if told or not patient:
            for number, handler in previous.items():
                signal.signal(number, handler)
