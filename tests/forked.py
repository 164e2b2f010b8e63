"""Processes forked from one that has imported everything: a tenth of a new one's time.

How Python itself begins and ends, its streams and its locale, is not tried by them.
"""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

# Forked by a server without threads of its own; systems without fork begin anew.
FORKS = sys.platform != "win32"
CONTEXT: Any = multiprocessing.get_context("forkserver" if FORKS else "spawn")
STREAMS = ("in", "out", "error")
Words = Sequence[object]


class Forked:
    """A process at work, with what tests use of subprocess.Popen.

    Args:
        program: Python text; None for `patchword`.
        arguments: of it.
        stdin: what it is given.
        streams: files in place of "out" and "error".
        environment: all its variables; None for those of this process.
        change: called in it before it begins; a function of a module.
    """

    def __init__(
        self,
        program: str | None,
        arguments: Words,
        stdin: str | bytes = "",
        streams: Mapping[str, Path] | None = None,
        environment: Mapping[str, str] | None = None,
        change: Callable[[], None] | None = None,
    ) -> None:
        folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._streams = {name: folder / name for name in STREAMS} | dict(streams or {})
        for name in STREAMS[1:]:
            self._streams[name].write_bytes(b"")
        self._streams["in"].write_bytes(stdin if isinstance(stdin, bytes) else stdin.encode())
        if FORKS:
            CONTEXT.set_forkserver_preload(["tests.preloaded"])
        variables = dict(os.environ if environment is None else environment)
        words = [str(argument) for argument in arguments]
        place = (self._streams, str(Path.cwd()), variables, change)
        self.process = CONTEXT.Process(target=_work, args=(program, words, *place), daemon=True)
        self.process.start()

    @property
    def pid(self) -> int:
        """Its number."""
        return int(self.process.pid)

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it works."""
        code: int | None = self.process.exitcode
        return code

    def wait(self, timeout: float = 240) -> int:
        """Its exit code, once it has ended; what takes longer is ended."""
        self.process.join(timeout)
        code = self.poll()
        if code is None:
            self.kill()
            raise subprocess.TimeoutExpired(self.process.name, timeout, self.said(), self.said("error"))
        return code

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.join()

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def said(self, stream: str = "out") -> str:
        """What it has written so far, as UTF-8."""
        return self._streams[stream].read_bytes().decode()

    def wait_for(self, text: str, timeout: float = 60) -> None:
        """Wait until it has written something to its standard output."""
        end = time.monotonic() + timeout
        while text not in self.said():
            assert self.poll() is None, self.said("error")
            assert time.monotonic() < end, self.said("error")
            time.sleep(0.01)


def run(*arguments: object, **more: Any) -> "subprocess.CompletedProcess[str]":
    """`patchword` with some arguments, until it ends; the rest as of `Forked`, and `timeout`."""
    return _ended(None, arguments, **more)


def python(program: str, *arguments: object, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Python text with some arguments, until it ends; the rest as of `Forked`, and `timeout`."""
    return _ended(program, arguments, **more)


KILLED = """
import json, os, signal, sys
from patchword import api

out, step = sys.argv[1:]

def kill(event):
    if getattr(event, "text", "").startswith(f"step {step} "):
        os.kill(os.getpid(), signal.SIGKILL)

api.train(api.read_recipe(json.loads(sys.stdin.read()), "test"), out, listener=kill)
"""


def killed_training(values: dict[str, Any], out: Path, step: int) -> "subprocess.CompletedProcess[str]":
    """Train, and end it by kill -9 when it says that it has come to a step."""
    return python(KILLED, out, step, stdin=json.dumps(values))


def _ended(program: str | None, arguments: Words, timeout: float = 240, **more: Any) -> Any:
    process = Forked(program, arguments, **more)
    code = process.wait(timeout)
    return subprocess.CompletedProcess(list(arguments), code, process.said(), process.said("error"))


def _work(
    program: str | None,
    words: list[str],
    streams: dict[str, Path],
    folder: str,
    environment: dict[str, str],
    change: Callable[[], None] | None,
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams.values()):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND if number else os.O_RDONLY), number)
    # The server's own streams are not these.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    import torch

    torch.set_num_threads(int(environment.get("OMP_NUM_THREADS", "2")))
    sys.argv = ["patchword", *words]
    if change is not None:
        change()
    if program is not None:
        exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
        return
    from patchword.cli.main import main

    main()
