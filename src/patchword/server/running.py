"""Runs a server: signals, how it ends, and what it says on standard error."""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import uvicorn

from patchword.errors import RecipeError, reason
from patchword.server.app import application, serving_of
from patchword.server.crew import say
from patchword.server.refused import Refused
from patchword.server.serving import Serving
from patchword.server.settings import Settings

_QUIET = 0.5  # seconds after the last request in which clients hear that their connections close
_BACKLOG = 2048
_KEEP_ALIVE = 75  # seconds, longer than proxies keep a connection, so that it is they who close it


class _Server(uvicorn.Server):
    """uvicorn without its own signals, after which it would end by the signal instead of with 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(settings: Settings) -> None:
    """Serve until a signal: SIGTERM and SIGINT answer what was accepted and end; SIGHUP loads the models anew.

    Raises:
        RecipeError: if it cannot listen there, or a model cannot be loaded.
        DataError: if the keys cannot be read.
    """
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    serving = serving_of(settings)
    listening = _listening(settings)
    host, port = listening.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if not _is_loopback(host):
        say(f"{address} can be reached from other machines" + ("" if serving.keys.needed else ", without a key"))
    server = _Server(
        uvicorn.Config(
            application(serving),
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_level="critical",
            access_log=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE,
        )
    )
    serving.crew.start()
    ending = _handle_signals(server, serving)
    told = asyncio.ensure_future(_tell(address, server, serving))
    try:
        await server.serve([listening])
    finally:
        told.cancel()
        await serving.crew.end()
    if ending is not None and not ending.done():
        ending.cancel()
    if serving.crew.failure.done():
        raise RecipeError(serving.crew.failure.result())


def _listening(settings: Settings) -> socket.socket:
    place = f"{settings.host} port {settings.port}"
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, where = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(_BACKLOG)
    except OSError as error:
        raise RecipeError(f"cannot listen at {place}: {reason(error)}") from None
    return listening


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def _tell(address: str, server: Any, serving: Serving) -> None:
    """Say that the server serves, or end it if the models cannot be loaded."""
    say(f"{address} is open; loading the models")
    while not serving.crew.ready:
        if serving.crew.failure.done():
            server.should_exit = True
            return
        await asyncio.sleep(0.02)
    names = ", ".join(facts["name"] for facts in serving.crew.facts)
    say(f"serving {names} at {address}; Ctrl-C ends it")


def _handle_signals(server: Any, serving: Serving) -> "asyncio.Future[Any] | None":
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[Any]] = set()

    def run(work: Any) -> None:
        task = loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def end() -> None:
        if serving.draining:
            server.should_exit = server.force_exit = True  # a second signal waits for nobody
        else:
            run(_drain(server, serving))

    def reload() -> None:
        run(_reload(serving))

    for name, action in (("SIGTERM", end), ("SIGINT", end), ("SIGHUP", reload)):
        if hasattr(signal, name):
            try:
                loop.add_signal_handler(getattr(signal, name), action)
            except (NotImplementedError, RuntimeError):  # Windows; not the main thread
                if name == "SIGINT" or name == "SIGTERM":
                    with contextlib.suppress(ValueError):
                        signal.signal(getattr(signal, name), lambda *_: loop.call_soon_threadsafe(end))
    return None


async def _reload(serving: Serving) -> None:
    say("loading the models anew")
    try:
        await serving.crew.reload()
    except Refused as refused:
        say(f"the old models go on: {refused.sentence}")
    else:
        say("the new models are in place")


async def _drain(server: Any, serving: Serving) -> None:
    """Take no new connections, answer everything that comes on the open ones, and tell their clients to close them.

    A client may have sent a request that has not been read yet, so an idle connection is not closed at once: it is
    answered for a moment more, and then closed.
    """
    say("ending: answering what was accepted")
    serving.draining = True
    await asyncio.sleep(0)  # whoever is connected already is accepted by the loop before the sockets close
    for each in server.servers:
        each.close()
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < _QUIET:
        if server.server_state.tasks:
            quiet_since = time.monotonic()
        if not server.server_state.connections:
            break
        await asyncio.sleep(0.01)
    server.should_exit = True
