"""The instruction sets that the engine's tests run in."""

from typing import Any

import pytest

from patchword.engine import native


@pytest.fixture(params=[*native.VARIANTS, "none"])
def variant(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Packs and runs everything with one set of kernels, or with none of them."""
    name: str = request.param
    found: Any = None if name == "none" else native.kernels(name)
    if found is None and name != "none":
        pytest.skip(f"no {name} kernels on this processor, or they were not compiled")
    monkeypatch.setattr(native, "best", lambda: found)
    return name


@pytest.fixture
def kernel_set(variant: str) -> str:
    """`variant`, for what there is with kernels alone."""
    if variant == "none":
        pytest.skip("it is the kernels' own")
    return variant
