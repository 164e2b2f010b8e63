"""`patchword` in processes of their own, forked from one that has imported everything: a tenth of a new one's time."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# Forked by a server without threads of its own; systems without fork begin anew.
CONTEXT: Any = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")


def run(*arguments: object, stdin: str | bytes = "", timeout: float = 240) -> "subprocess.CompletedProcess[str]":
    """The command with some arguments; what it prints is decoded as UTF-8."""
    words = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / stream for stream in ("in", "out", "error")]
        paths[0].write_bytes(stdin if isinstance(stdin, bytes) else stdin.encode())
        if sys.platform != "win32":
            CONTEXT.set_forkserver_preload(["tests.training.several_preloaded"])
        process = CONTEXT.Process(target=_work, args=(words, *map(str, paths), str(Path.cwd()), dict(os.environ)))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(words, timeout)
        out, error = (path.read_bytes().decode() for path in paths[1:])
    return subprocess.CompletedProcess(words, process.exitcode, out, error)


def _work(words: list[str], given: str, out: str, error: str, folder: str, environment: dict[str, str]) -> None:
    for number, path in enumerate((given, out, error)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY), number)
    # The server's own streams are not these.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    import torch

    torch.set_num_threads(1)
    from patchword.cli.main import main

    sys.argv = ["patchword", *words]
    main()
