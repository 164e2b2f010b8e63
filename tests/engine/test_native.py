"""The compiled kernels are there, can be chosen, and do not come with a fork."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patchword.engine import native
from patchword.errors import RecipeError


@pytest.mark.skipif(shutil.which("c++") is None and shutil.which("g++") is None, reason="no C++ compiler here")
def test_the_kernels_were_compiled() -> None:
    assert native.kernels("avx2") is not None or "avx2" not in cpu_flags()


def test_unknown_kernels_are_none() -> None:
    assert native.kernels("mmx") is None


def test_a_mistyped_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWORD_KERNELS", "avx22")
    native.variant.cache_clear()
    with pytest.raises(RecipeError, match="PATCHWORD_KERNELS"):
        native.variant()
    native.variant.cache_clear()


@pytest.mark.parametrize("name", ["avx2", "none"])
def test_the_environment_chooses_them(name: str) -> None:
    if native.kernels("avx2") is None and name == "avx2":
        pytest.skip("no avx2 kernels here")
    program = (
        "from patchword.engine.products import product; import torch; print(product(torch.ones(2, 2), None, 'int8'))"
    )
    environment = {**os.environ, "PATCHWORD_KERNELS": name}
    found = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ("PackedProduct()" if name == "avx2" else "PlainQuantisedProduct()")


FORKS = """
import os, torch
from patchword.engine.products import product

multiply, x = product(torch.randn(500, 64), None, "float32"), torch.randn(20, 64)
torch.set_num_threads(2)
before = multiply(x)
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(multiply(x), before) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_computes_too() -> None:
    subprocess.run([sys.executable, "-c", FORKS], check=True, timeout=60)


def cpu_flags() -> str:
    flags = Path("/proc/cpuinfo")
    return flags.read_text() if flags.exists() else ""
