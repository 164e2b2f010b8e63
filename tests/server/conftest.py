"""Tiny models, and one server of them for all tests that leave it as it is."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.running import Running, tiny_models


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Folders of "words", which translates, and "pictures", which classifies."""
    return tiny_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def running(models: list[str]) -> Iterator[Running]:
    with Running(models) as server:
        yield server


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    with running.client() as found:
        yield found


@pytest.fixture(scope="session")
def red(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A picture as a file's content."""
    from PIL import Image

    path: Path = tmp_path_factory.mktemp("pictures") / "red.png"
    Image.new("RGB", (20, 30), (200, 10, 10)).save(path)
    return path.read_bytes()
