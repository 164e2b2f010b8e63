"""What docs/claims.md says of claims at full size is what their recorded cells say, by today's rule."""

from pathlib import Path

import pytest

from patchword.compare.cells import Store
from patchword.compare.claim import Setup
from patchword.compare.registry import claim
from patchword.compare.report import Finding, find, table

DOCS = Path(__file__).parents[2] / "docs"
STORE = Store(DOCS / "claims")
RECORDED = sorted(folder.name for folder in STORE.folder.iterdir())


def found(number: str, data: Path) -> Finding:
    """From the records alone: the data that a record names are folders that need not hold anything."""
    for corpus in claim(number).corpora:
        (data / corpus).mkdir(parents=True)
    return find(claim(number), Setup("full", data=data), STORE)


@pytest.mark.parametrize("number", RECORDED)
def test_the_tables_row_is_what_the_recorded_cells_say(number: str, tmp_path: Path) -> None:
    finding = found(number, tmp_path)
    assert STORE.damaged == set()
    row = table([finding]).splitlines()[-1]
    rows = (DOCS / "claims.md").read_text(encoding="utf-8").partition("## In hours")[2].splitlines()
    assert (row in rows) == (finding.verdict is not None)


@pytest.mark.parametrize("number", RECORDED)
def test_records_hold_the_command_that_repeats_them_and_the_time_it_took(number: str, tmp_path: Path) -> None:
    for record in found(number, tmp_path).records:
        assert record.command.startswith(f"patchword compare {number} --cell {record.cell} --full")
        assert record.seconds > 0
        assert record.versions["torch"]
