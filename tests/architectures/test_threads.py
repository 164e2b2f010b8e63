"""Eight Python threads at once on one model of any architecture: the same answers as alone."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from patchword import api
from tests.architectures.kinds import SENTENCES, Workshop
from tests.forked import python

CALLERS = 8


def questions(shop: Workshop) -> list[Any]:
    """Another one for each caller, so that batches differ."""
    if shop.kind.translates:
        return [[*SENTENCES[i % 4 :], *SENTENCES[: i % 3]] for i in range(CALLERS)]
    images = sorted(shop.data[0].rglob("*.png"))
    return [images[i : i + 1 + i % 3] for i in range(CALLERS)]


def asked(shop: Workshop, system: Any, question: Any) -> Any:
    return system.translate(question) if shop.kind.translates else system.classify(question, top=3)


def test_callers_get_what_they_would_get_alone(shop: Workshop, trained: Path) -> None:
    system = api.load(trained)
    wanted = [asked(shop, system, question) for question in questions(shop)]
    with ThreadPoolExecutor(CALLERS) as pool:
        for _ in range(6):
            assert list(pool.map(lambda question: asked(shop, system, question), questions(shop))) == wanted


def test_a_model_that_nobody_has_packed_yet_is_packed_once_for_all(shop: Workshop, trained: Path) -> None:
    wanted = asked(shop, api.load(trained), questions(shop)[0])
    system = api.load(trained)
    assert system.model is not None  # read again, so the next call packs
    with ThreadPoolExecutor(CALLERS) as pool:
        found = list(pool.map(lambda _: asked(shop, system, questions(shop)[0]), range(CALLERS)))
    assert found == [wanted] * CALLERS


PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from patchword import api
model, *items = sys.argv[1:]
system = api.load(model)

def answers(part):
    return system.translate(part) if system.task == "translation" else system.classify(part, top=3)

parts = [items[i % 3:] for i in range(8)]
wanted = [answers(part) for part in parts]
with ThreadPoolExecutor(8) as pool:
    for _ in range(4):
        assert list(pool.map(answers, parts)) == wanted
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_so_they_do_without_kernels(shop: Workshop, trained: Path, threads: int) -> None:
    images = [str(path) for path in sorted(shop.data[0].rglob("*.png"))[:5]] if not shop.kind.translates else []
    environment = {**os.environ, "PATCHWORD_KERNELS": "none", "OMP_NUM_THREADS": str(threads)}
    items = images or [text for text in SENTENCES if text]
    done = python(PROGRAM, trained, *items, environment=environment, timeout=200)
    assert done.returncode == 0, done.stderr
