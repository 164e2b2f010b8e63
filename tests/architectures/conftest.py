"""Data, and one tiny trained model of each architecture."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.architectures.kinds import KINDS, Kind, Refusals, Workshop, train


@pytest.fixture(scope="session", params=KINDS, ids=[kind.name for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 images of 16 x 16 pixels in three classes that differ by colour, a folder a class."""
    folder = tmp_path_factory.mktemp("colours")
    generator = np.random.default_rng(0)
    for channel, name in enumerate(("blue", "green", "red")):
        (folder / "three" / name).mkdir(parents=True)
        for index in range(12):
            pixels = generator.integers(0, 90, (16, 16, 3), dtype=np.uint8)
            pixels[:, :, 2 - channel] += 150
            Image.fromarray(pixels).save(folder / "three" / name / f"{index:02d}.png")
    for name in ("blue", "red"):
        shutil.copytree(folder / "three" / name, folder / "two" / name)
    return folder


@pytest.fixture(scope="session")
def text(phrases: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    for path in phrases:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / path.name).write_text("".join(lines[:120]), encoding="utf-8")
        (folder / f"other{path.suffix}").write_text("".join(lines[200:260]), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def shop(kind: Kind, colours: Path, text: Path) -> Workshop:
    if kind.translates:
        data, other = ((text / f"{name}.en", text / f"{name}.de") for name in ("p", "other"))
        return Workshop(kind, data, other, colours / "three" / "red" / "00.png")
    return Workshop(kind, (colours / "three",), (colours / "two",), colours / "three" / "red" / "00.png")


@pytest.fixture(scope="session")
def trained(shop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an architecture, with averages; nobody writes in it."""
    run = tmp_path_factory.mktemp(shop.kind.name) / "run"
    train(shop.values(), run)
    return run


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refusals:
    return Refusals(tmp_path, capsys, monkeypatch)
