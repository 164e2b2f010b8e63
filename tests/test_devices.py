"""Where networks compute, by name."""

import pytest
import torch

from patchword.devices import find_device


@pytest.mark.parametrize("has_cuda", [True, False])
def test_auto_is_cuda_or_the_processor_and_never_mps(monkeypatch: pytest.MonkeyPatch, has_cuda: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert find_device("auto") == torch.device("cuda" if has_cuda else "cpu")
    assert find_device("mps") == torch.device("mps")
