"""Servers for tests: the application in a thread of this process, and the real command in a process of its own."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import torch
import uvicorn

from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.server.app import application, serving_of
from patchword.server.serving import Serving
from patchword.server.settings import Settings
from tests.tiny import tiny_translator

ROOT = Path(__file__).parents[2]
STARTS = 120.0  # seconds that a worker may take to load torch and the models on a busy machine


def tiny_models(folder: Path) -> list[str]:
    """A translator of English to German, "words", a classifier, "pictures", and a translator back, as folders."""
    for name, languages in (("words", ("en", "de")), ("back", ("de", "en"))):
        translator = tiny_translator()
        translator.languages = languages
        translator.save(folder / name)
    sizes = {"d_model": 16, "num_layers": 1, "num_heads": 2, "d_ff": 16, "patch_size": 8, "image_size": (16, 16)}
    model = VisionTransformer(VisionTransformerConfig.parse({**sizes, "num_classes": 3}, "test"))
    torch.nn.init.normal_(model.head.linear.weight)
    preprocessing = Preprocessing(image_size=(16, 16), resize="squash")
    ImageClassifier(model, preprocessing, ("blue", "green", "red")).save(folder / "pictures" / "best")
    return [str(folder / name) for name in ("words", "pictures", "back")]


def until(done: Callable[[], Any], seconds: float = STARTS) -> Any:
    """Wait for what becomes true."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


class Running:
    """The application in a thread, with a worker in a process of its own.

    Args:
        models: folders.
        settings: fields of `Settings` that differ from the usual.

    Attributes:
        address: such as "http://127.0.0.1:40000".
        serving: what its calls share.
    """

    def __init__(self, models: Sequence[str], **settings: Any) -> None:
        settings = {"threads": 1, **settings}
        self._settings = Settings.parse({**settings, "models": tuple(models), "port": 0}, "test")
        self._begun = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.address = ""
        self.serving: Serving

    async def _run(self) -> None:
        self.serving = serving_of(self._settings)
        config = uvicorn.Config(
            application(self.serving), port=0, http="h11", ws="none", loop="asyncio", lifespan="off", log_level="error"
        )
        self._server = uvicorn.Server(config)
        self._loop = asyncio.get_running_loop()
        self.serving.crew.start()
        await asyncio.gather(self._server.serve(), self._tell())
        await self.serving.crew.end()

    async def _tell(self) -> None:
        while not self._server.started:
            await asyncio.sleep(0.005)
        self.address = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        self._begun.set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._begun.wait(STARTS)
        until(lambda: self.serving.crew.ready)
        return self

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self._thread.join(STARTS)

    def client(self, **more: Any) -> httpx.Client:
        """A client of it."""
        return httpx.Client(base_url=self.address, timeout=60, trust_env=False, **more)


class Command:
    """`patchword serve` in a process of its own.

    Args:
        arguments: behind the verb; a free port is added.
        folder: where it runs.

    Attributes:
        address: once it is entered.
    """

    def __init__(self, *arguments: str, folder: Path | None = None) -> None:
        self._arguments, self._folder = arguments, folder
        self._lines: list[str] = []
        self.address = ""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "patchword.cli.main", "serve", *self._arguments, "--port", "0"]
        path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            command,
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.address = until(self._found)
        return self

    def ready(self) -> Self:
        """Wait until it has its models."""
        until(lambda: self.process.poll() is not None or "serving" in self.said)
        assert self.process.poll() is None, self.said
        return self

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.append(line)

    def _found(self) -> str | None:
        assert self.process.poll() is None or self._lines, "ended without a word"
        found = re.search(r"(http://\S+) is open", self.said)
        return found[1] if found else None

    @property
    def said(self) -> str:
        """Its standard error so far."""
        return "".join(self._lines)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self, seconds: float = 60) -> int:
        """Stop it as a service manager does, and say how it exited."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(seconds)

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        self._reading.join(10)
        if self.process.stderr is not None:
            self.process.stderr.close()

    def client(self, **more: Any) -> httpx.Client:
        """A client of it."""
        return httpx.Client(base_url=self.address, timeout=60, trust_env=False, **more)
