"""A cell of every side of every claim runs, and its figures are those that the verdict and the plots read."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from patchword.compare.claim import Setup
from patchword.compare.claims import cost, efficiency, looks, parallel, shifts
from patchword.compare.looking import map_gains
from patchword.compare.registry import SLUGS, claim
from patchword.compare.results import Results
from patchword.compare.running import Job, compute
from patchword.compare.sides import IMAGES, TEXT
from patchword.compare.tasks import classes, pairs
from patchword.compare.tasks.images import digits
from patchword.compare.training import shuffled


@pytest.fixture(autouse=True)
def _two_steps_and_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    def two(count: int, size: int, steps: int, generator: torch.Generator) -> Iterator[Any]:
        return shuffled(count, size, min(steps, 2), generator)

    for module in (classes, pairs):
        monkeypatch.setattr(module, "shuffled", two)
    # Networks of two steps are looked at with few images.
    monkeypatch.setattr(looks, "map_gains", lambda model, split, draw: map_gains(model, split.first(8), draw))
    monkeypatch.setattr(shifts, "digits", lambda draw: replace(task := digits(draw), test=task.test.first(48)))
    for timing in (parallel, cost, efficiency):
        monkeypatch.setattr(timing, "seconds", lambda step, **_: (step(), 1e-3)[1])


@pytest.mark.parametrize("number", SLUGS)
def test_a_cell_of_every_side_gives_figures_for_the_verdict(number: str) -> None:
    each, setup = claim(number), Setup()
    by_side = {cell.settings[0]: cell for cell in reversed(each.cells(setup))}
    found = {side: compute(Job(each, cell), setup, 1e-3) for side, cell in by_side.items()}
    # A claim on text and on images has two sides of each.
    kinds = (IMAGES, TEXT) if {*IMAGES, *TEXT} <= set(found) else (found,)
    sizes = [[r.figures["parameters"] for s, r in found.items() if s in k and "parameters" in r.figures] for k in kinds]
    figures = {cell: found[cell.settings[0]].figures for cell in each.cells(setup)}
    results = Results(figures)
    assert each.verdict(results).why.en
    assert each.plots(results)
    if each.rates:
        assert all("validation" in record.figures for record in found.values())
    # The sides of a claim on cost have the sizes of their images in their positions.
    if not each.alone:
        for of_kind in filter(None, sizes):
            assert max(of_kind) <= 1.11 * min(of_kind), "each side is within 5 % of what it is matched with"
