"""Every claim can come out either way, says so in both languages, and keeps to the form of the others."""

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from patchword.compare import claims as folder
from patchword.compare.claim import Claim, Setup
from patchword.compare.drawing import svg
from patchword.compare.registry import SLUGS, claim
from patchword.compare.results import Results
from patchword.compare.words import Text

OUTCOMES = ("supported", "contradicted", "undecided")


@pytest.fixture(params=SLUGS)
def each(request: pytest.FixtureRequest) -> Claim:
    return claim(request.param)


def made_up(each: Claim) -> ModuleType:
    """A module of the claim's name with a function for each outcome, from a cell to its figures."""
    return importlib.import_module(f"tests.compare.claims.{each.slug}")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_made_up_figures_lead_to_every_verdict(each: Claim, outcome: str) -> None:
    for setup in (Setup(), Setup("full")):
        results = Results({cell: getattr(made_up(each), outcome)(cell) for cell in each.cells(setup)}, setup.full)
        verdict = each.verdict(results)
        assert verdict.outcome == outcome
        assert (verdict.needs is not None) == (outcome == "undecided"), "undecided says what it would take"
        for plot in each.plots(results):
            assert 1 <= len(plot.series) <= 6
            assert svg(plot)
        assert each.plots(results)


def test_a_claim_says_everything_in_both_languages(each: Claim) -> None:
    names = ("title", "said", "source", "varied", "equal", "supports", "contradicts")
    for text in (*(getattr(each, name) for name in names), *each.controls):
        assert isinstance(text, Text)
        assert text.en
        assert re.search(r"[\u4e00-\u9fff]", text.zh), text


def test_cells_differ_and_have_three_seeds_or_more(each: Claim) -> None:
    for setup in (Setup(), Setup("full", seed=7)):
        cells = each.cells(setup)
        assert len(set(map(str, cells))) == len(cells)
        assert all(cell.rate is None for cell in cells)
        assert min(cell.seed for cell in cells) == setup.seed
        if not each.alone:
            assert len({cell.seed for cell in cells}) >= 3


def test_a_claim_is_a_short_file_that_the_registry_names(each: Claim) -> None:
    assert SLUGS[each.number] == each.slug
    assert len(inspect.getsource(inspect.getmodule(each) or folder).splitlines()) <= 150


def test_every_file_of_a_claim_is_in_the_registry() -> None:
    found = {path.stem for path in Path(folder.__path__[0]).glob("*.py")} - {"__init__"}
    assert found == set(SLUGS.values())
