"""What all tests share: a fixed seed, two threads, and small real data."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image

# The same examples each time, and none is late because the machine is busy.
settings.register_profile("patchword", derandomize=True, deadline=None, database=None, max_examples=25)
settings.load_profile("patchword")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

# Files of a minute or more, which are begun first, so that none is at work alone in the end; those that start several
# processes take turns with those that start none.
LONG = (
    "training/test_together.py",
    "converters/marian/test_checkpoint.py",
    "shards/test_on_ray.py",
    "architectures/test_auto_size.py",
    "pages/test_front.py",
    "compare/test_cells_run.py",
    "server/test_process.py",
    "test_readme.py",
    "training/test_joining.py",
    "engine/test_threads.py",
    "pages/test_file.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.relative_to(tests).as_posix(), len(LONG)))


def pytest_collection_finish() -> None:
    # What is imported by now stays; looking through it for garbage again and again took a sixth of all tests' time.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.manual_seed(0)
    # On a machine that has other work, threads that wait for each other make tests many times slower.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))


@pytest.fixture
def two_threads() -> Iterator[None]:
    """For what depends on the number of threads, whatever it is for the other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def multi30k() -> Path:
    folder = SHARED / "multi30k"
    if not folder.is_dir():
        pytest.skip("needs Multi30k in ../shared/data/multi30k")
    return folder


@pytest.fixture(scope="session")
def cifar10() -> Path:
    folder = SHARED / "cifar10"
    if not folder.is_dir():
        pytest.skip("needs CIFAR-10 in ../shared/data/cifar10")
    return folder


@pytest.fixture(scope="session")
def phrases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """400 English and German phrases from CLDR as two aligned files."""
    from patchword.samples.phrases import phrase_pairs

    folder = tmp_path_factory.mktemp("phrases")
    pairs = phrase_pairs("en", "de", seed=3, train=1200, held_out=10).train[:400]
    (folder / "p.en").write_text("".join(f"{p.source}\n" for p in pairs), encoding="utf-8")
    (folder / "p.de").write_text("".join(f"{p.target}\n" for p in pairs), encoding="utf-8")
    return folder / "p.en", folder / "p.de"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """60 images of 16 x 16 pixels in three classes that differ by colour, a folder a class."""
    generator = np.random.default_rng(0)
    for channel, name in enumerate(("blue", "green", "red")):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for index in range(20):
            pixels = generator.integers(0, 90, (16, 16, 3), dtype=np.uint8)
            pixels[:, :, 2 - channel] += 150
            Image.fromarray(pixels).save(folder / f"{index:02d}.png")
    return tmp_path / "photos"
