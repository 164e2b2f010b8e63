"""Cells are tuned, kept, gone on with, and the same bits each time."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from patchword.compare.cell import Cell, find_cell
from patchword.compare.cells import Store
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged
from patchword.compare.page import page
from patchword.compare.plots import Plot, Series, by_number
from patchword.compare.report import find, write_report
from patchword.compare.results import Results
from patchword.compare.running import Job, jobs, run_alone, run_job
from patchword.compare.side_by_side import run_all
from patchword.compare.statistics import bootstrap, interval, slope
from patchword.compare.words import Text, both
from patchword.errors import RecipeError


class Toy(Claim):
    """Its best rate is 0.2, and its figure is drawn."""

    number, slug = "99", "toy"
    title = said = source = varied = equal = supports = contradicts = Text("a & b", "甲")
    controls: ClassVar[Sequence[Text]] = (both("none"),)
    minutes = Minutes(1, 1)
    rates = (0.1, 0.2, 0.3)
    runs: ClassVar[list[str]] = []
    broken: ClassVar[set[str]] = set()

    def cells(self, setup: Setup) -> list[Cell]:
        return [Cell((side, "1"), seed) for side in ("a", "b") for seed in setup.seeds()]

    def run(self, cell: Cell, work: Work) -> Figures:
        self.runs.append(str(cell))
        if str(cell) in self.broken:
            raise ValueError("no")
        return {"validation": -abs(work.rate - 0.2), "drawn": float(torch.rand(())), "seconds": 1.0}

    def verdict(self, results: Results) -> Verdict:
        return judged([results.difference("drawn", ("a", "1"), ("b", "1")).side()], both("<why>"), both("more"))

    def plots(self, results: Results) -> list[Plot]:
        return [by_number(results, "drawn", {"a": both("a"), "b": both("b")}, *[both("<t>")] * 3)]


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Toy:
    monkeypatch.setattr(Toy, "runs", [])
    monkeypatch.setattr(Toy, "broken", set())
    return Toy()


def ignore(_: object) -> None:
    pass


def test_a_cell_is_tuned_run_once_and_kept(toy: Toy, tmp_path: Path) -> None:
    setup, store = Setup(), Store(tmp_path)
    todo = jobs([toy], setup)
    assert run_all(todo, setup, store, 1, ignore) == []
    # Six cells, of which the first of each side is tuning's own, and three rates for each side.
    assert len(toy.runs) == 2 * 3 + 4
    assert find(toy, setup, store).records[3].rate == 0.2
    toy.runs.clear()
    assert run_all(todo, setup, store, 1, ignore) == []
    assert toy.runs == []


def test_what_was_killed_or_damaged_is_computed_again_and_nothing_else(toy: Toy, tmp_path: Path) -> None:
    setup, store = Setup(), Store(tmp_path)
    run_all(jobs([toy], setup), setup, store, 1, ignore)
    before = find(toy, setup, store).records
    store.path(toy, setup, Cell(("a", "1"), 2)).unlink()
    store.path(toy, setup, Cell(("b", "1"), 3)).write_text("{")
    toy.runs.clear()
    assert find(toy, setup, store).missing == 2
    run_all(jobs([toy], setup), setup, store, 1, ignore)
    assert toy.runs == ["a,1,seed2", "b,1,seed3"]
    assert [record.figures for record in find(toy, setup, store).records] == [record.figures for record in before]


def test_a_cell_alone_gives_the_same_bits_with_any_state_of_the_generator(toy: Toy, tmp_path: Path) -> None:
    setup, store = Setup(), Store(tmp_path)
    kept = [run_job(job, setup, store) for job in jobs([toy], setup)][-1]
    torch.manual_seed(5)
    alone = run_alone(toy, Cell(("b", "1"), 3), setup, Store(tmp_path / "other"))
    assert (alone.figures, alone.rate, alone.command) == (kept.figures, kept.rate, kept.command)
    assert kept.command == "patchword compare 99 --cell b,1,seed3"


def test_parts_of_a_run_are_all_of_it_and_each_cell_once(toy: Toy) -> None:
    whole = jobs([toy], Setup())
    parts = [jobs([toy], Setup(), (part, 2)) for part in (1, 2)]
    assert sorted(job.name for part in parts for job in part) == sorted(job.name for job in whole)


def test_a_cell_that_fails_is_told_and_the_others_are_run(toy: Toy, tmp_path: Path) -> None:
    toy.broken.add("a,1,rate0.3,seed1")
    setup, store = Setup(), Store(tmp_path)
    failed = run_all(jobs([toy], setup), setup, store, 1, ignore)
    assert failed[0] == "cell 99 a,1,rate0.3,seed1 failed: ValueError: no"
    finding = find(toy, setup, store)
    assert (finding.missing, finding.outcome.en) == (3, "unfinished")
    assert "3 cells are missing" in page([finding], setup)


def test_a_figure_that_is_no_number_fails_its_cell(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Toy, "run", lambda self, cell, work: {"validation": 0.0, "drawn": float("nan")})
    with pytest.raises(ValueError, match=r"claim 99, cell a,1,rate0.1,seed1: drawn is nan; expected a finite number"):
        run_job(jobs([toy], Setup())[0], Setup(), Store(tmp_path))


def test_another_seed_edition_or_size_is_another_cell(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    run_all(jobs([toy], Setup()), Setup(), store, 1, ignore)
    assert find(toy, Setup("full"), store).missing == 6
    monkeypatch.setattr(Toy, "edition", 2)
    assert find(toy, Setup(), store).missing == 6


def test_a_report_is_one_page_that_needs_nothing_else(toy: Toy, tmp_path: Path) -> None:
    setup, store = Setup(), Store(tmp_path / "cells")
    run_all(jobs([toy], setup), setup, store, 1, ignore)
    finding = find(toy, setup, store)
    write_report([finding], setup, tmp_path)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<why>" not in html
    assert "&lt;why&gt;" in html
    assert "src=" not in html
    assert "http" not in html
    assert "the verdict is the same in 40 of 40 draws" in html
    document = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert len(document["claims"][0]["cells"]) == 12
    assert document["claims"][0]["cells"][0]["command"] == "patchword compare 99 --cell a,1,rate0.1,seed1"
    assert "| 99 | a & b | " in (tmp_path / "table.md").read_text(encoding="utf-8")


def test_a_cell_is_found_by_its_text_with_any_seed() -> None:
    known = [Cell(("vit", "5%"), 1), Cell(("vit", "5%"), 1, 0.001)]
    assert find_cell("vit,5%,seed7", known) == Cell(("vit", "5%"), 7)
    assert find_cell("vit, 5%, rate0.001, seed1", known) == known[1]
    with pytest.raises(RecipeError, match="no cell 'vit,6%,seed1'; did you mean 'vit,5%,seed1'"):
        find_cell("vit,6%,seed1", known)


def test_intervals_are_students() -> None:
    found = interval([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.high - found.mean == pytest.approx(4.302653 / 3**0.5, rel=1e-5)
    assert (interval([1.0, 2.0]).side(1.4), found.side(-1), found.side(9)) == (0, 1, -1)
    assert bootstrap([0.0, 1.0] * 50).low < 0.5 < bootstrap([0.0, 1.0] * 50).high
    assert slope([1, 2, 4], [3, 12, 48]) == pytest.approx(2)


def test_a_series_leaves_out_what_its_side_does_not_have() -> None:
    results = Results({Cell((side, n), 1): {"x": 1.0} for side, n in (("a", "1"), ("a", "2"), ("b", "1"))})
    plot = by_number(results, "x", {"a": both("a"), "b": both("b")}, *[both("")] * 3)
    assert [len(series.points) for series in plot.series] == [2, 1]
    assert isinstance(plot.series[0], Series)


def test_a_job_says_its_claim_and_cell(toy: Toy) -> None:
    assert Job(toy, Cell(("a", "1"), 2)).name == "99 a,1,seed2"
