"""Random networks give every row the same bits in every batch, with every number of threads and callers."""

import runpy
from pathlib import Path

import pytest

from patchword.engine import native

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "random_batches.py"


@pytest.mark.parametrize("variant", native.VARIANTS, indirect=True)
def test_random_batches_have_the_same_bits(variant: str) -> None:
    differences = runpy.run_path(str(SCRIPT))["differences"]
    assert native.best() is not None
    assert [line for seed in range(30) for line in differences(seed)] == []
