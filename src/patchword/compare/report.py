"""What a run says: a verdict for every claim, as a page, as a file with every number, and as a table."""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from patchword.compare.cell import Cell
from patchword.compare.cells import Record, Store
from patchword.compare.claim import Claim, Setup, Verdict
from patchword.compare.results import Results
from patchword.compare.running import Job, done
from patchword.compare.words import Text
from patchword.files import write_text

MEASURED = ("seconds", "bytes")  # how the names of figures begin that differ from run to run
DRAWS = 40

OUTCOMES = {
    "supported": Text("supported", "支持"),
    "contradicted": Text("contradicted", "不支持"),
    "undecided": Text("undecided", "未定"),
    "unfinished": Text("unfinished", "未完成"),
}


@dataclass(frozen=True)
class Finding:
    """A claim with what its cells say.

    Attributes:
        claim: which.
        records: of its cells, those of tuning too, in order.
        missing: cells that were not computed yet.
        results: the figures of all cells; None while some are missing.
        verdict: likewise.
        sure: how sure it can be.
    """

    claim: Claim
    records: Sequence[Record]
    missing: int
    results: Results | None = None
    verdict: Verdict | None = None
    sure: Text | None = None

    @property
    def outcome(self) -> Text:
        """The verdict in a word."""
        return OUTCOMES["unfinished" if self.verdict is None else self.verdict.outcome]

    @property
    def seconds(self) -> float:
        """That its cells took."""
        return sum(record.seconds for record in self.records)


def find(claim: Claim, setup: Setup, store: Store) -> Finding:
    """What the kept cells say of a claim."""
    cells = claim.cells(setup)
    figures: dict[Cell, Any] = {}
    records: dict[str, Record] = {}
    for cell in cells:
        for each in [*claim.tuning(cell, setup), cell]:
            record = None if str(each) in records else done(Job(claim, each), setup, store)
            if record is not None:
                records[str(each)] = record
                if each.rate is None:
                    figures[each] = record.figures
    missing = len(cells) - len(figures)
    if missing:
        return Finding(claim, list(records.values()), missing)
    results = Results(figures, setup.full)
    verdict = claim.verdict(results)
    return Finding(claim, list(records.values()), 0, results, verdict, _sure(claim, setup, results, verdict))


def _sure(claim: Claim, setup: Setup, results: Results, verdict: Verdict) -> Text:
    """How many seeds there are, and whether the verdict stands if measured figures are a tenth off."""
    seeds = len({cell.seed for cell in results.figures})
    said = (
        Text(f"Full size, {seeds} seeds.", f"完整规模，{seeds} 个种子。")
        if setup.full
        else Text(
            f"Quick size, {seeds} seeds: small networks on small data, which may differ from large ones.",
            f"快速规模，{seeds} 个种子：小网络、小数据，大规模下可能不同。",
        )
    )
    if not any(name.startswith(MEASURED) for values in results.figures.values() for name in values):
        return said
    same = sum(claim.verdict(_disturbed(results, draw)).outcome == verdict.outcome for draw in range(DRAWS))
    return said + Text(
        f"With every measured time and size up to 10 % off, the verdict is the same in {same} of {DRAWS} draws.",
        f"若每个测得的时间和内存随机偏差至多 10 %，{DRAWS} 次中有 {same} 次判定相同。",
    )


def _disturbed(results: Results, seed: int) -> Results:
    generator = random.Random(seed)
    figures = {
        cell: {
            name: value * generator.uniform(0.9, 1.1) if name.startswith(MEASURED) else value
            for name, value in values.items()
        }
        for cell, values in results.figures.items()
    }
    return Results(figures, results.full)


def write_report(findings: Sequence[Finding], setup: Setup, out: Path) -> None:
    """Write `index.html`, `results.json` and `table.md`.

    Raises:
        OutputError: if one cannot be written.
    """
    from patchword.compare.page import page

    write_text(out / "results.json", json.dumps(document(findings, setup), indent=1, ensure_ascii=False) + "\n")
    write_text(out / "table.md", table(findings))
    write_text(out / "index.html", page(findings, setup))


def document(findings: Sequence[Finding], setup: Setup) -> dict[str, Any]:
    """Every number, seed, command and version."""
    return {
        "format": 1,
        "scale": setup.scale,
        "seed": setup.seed,
        "claims": [
            {
                "number": finding.claim.number,
                "slug": finding.claim.slug,
                "title": finding.claim.title._asdict(),
                "verdict": finding.outcome.en,
                "why": None if finding.verdict is None else finding.verdict.why._asdict(),
                "needs": None
                if finding.verdict is None or not finding.verdict.needs
                else finding.verdict.needs._asdict(),
                "sure": None if finding.sure is None else finding.sure._asdict(),
                "missing": finding.missing,
                "cells": [asdict(record) for record in finding.records],
            }
            for finding in findings
        ],
    }


def table(findings: Sequence[Finding]) -> str:
    """The verdicts as a table in Markdown, for a README."""
    lines = ["| # | claim | verdict | figures |", "|---|---|---|---|"]
    for finding in findings:
        why = "" if finding.verdict is None else finding.verdict.why.en
        claim = finding.claim
        lines.append(f"| {claim.number} | {claim.title.en} | {finding.outcome.en} | {why.replace('|', '/')} |")
    return "\n".join(lines) + "\n"
