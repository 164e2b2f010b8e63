"""Connections whose clients read: who does not take what is sent is cut off, instead of being kept for ever."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_LONGEST = 60.0  # seconds between two looks
_SLOWEST = 1000  # bytes a second that a client must take while it keeps an answer waiting


def connections(patience: float) -> type[H11Protocol]:
    """uvicorn's connections, with an end to its patience.

    Args:
        patience: seconds between two looks at how much of what waits the client has taken; at most a minute.
    """
    patience = min(patience, _LONGEST)

    class Connection(H11Protocol):
        """One client's connection."""

        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            self._timer: asyncio.TimerHandle | None = None

        def pause_writing(self) -> None:
            """More waits to be sent than is held for one client."""
            super().pause_writing()
            self._look_again()

        def resume_writing(self) -> None:
            """The client has taken most of it."""
            super().resume_writing()
            self._forget()

        def connection_lost(self, exc: Exception | None) -> None:
            """The connection is closed."""
            self._forget()
            super().connection_lost(exc)

        def _look_again(self) -> None:
            self._timer = self.loop.call_later(patience, self._look, self.transport.get_write_buffer_size())

        def _look(self, before: int) -> None:
            if before - self.transport.get_write_buffer_size() < _SLOWEST * patience:
                self.transport.abort()
            else:
                self._look_again()

        def _forget(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Connection
