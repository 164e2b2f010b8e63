"""Messages between the process that serves and the one that computes: a length, then a pickle of plain values.

Both ends are this program's, joined by a pair of sockets that nobody else can open.
"""

import asyncio
import pickle
import socket
import struct
import threading
from typing import Any

_LENGTH = struct.Struct("!Q")


def frame(message: Any) -> bytes:
    """A message as bytes, its length first."""
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


async def received(reader: asyncio.StreamReader) -> Any:
    """The next message.

    Raises:
        EOFError: if the other end is gone.
        OSError: the same, as the system says it.
    """
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return pickle.loads(await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        raise EOFError from None


class Wire:
    """The worker's end; any thread may send, one receives.

    Args:
        end: a connected socket.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(True)
        self._end = end
        self._file = end.makefile("rb")
        self._sending = threading.Lock()

    def send(self, *message: Any) -> None:
        """Send a message whole."""
        content = frame(message)
        with self._sending:
            self._end.sendall(content)

    def receive(self) -> Any:
        """The next message; waits for it.

        Raises:
            EOFError: if the other end is gone.
        """
        head = self._file.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            raise EOFError
        (length,) = _LENGTH.unpack(head)
        content = self._file.read(length)
        if len(content) < length:
            raise EOFError
        return pickle.loads(content)
