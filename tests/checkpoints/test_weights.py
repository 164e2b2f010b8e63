"""Weights that are left in their file until they are looked at are the file's."""

import gc
import mmap
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from patchword.checkpoints.weights import mapped_weights, read_weights
from patchword.memory import _MAPPED, give_back

LARGE, SMALL = (300, 400), (5, 7)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_file({"large": torch.randn(LARGE), "small": torch.randn(SMALL), "none": torch.empty(0, 3)}, path)
    return path


def test_they_are_what_reading_gives(file: Path) -> None:
    found, expected = mapped_weights(file), read_weights(file)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system may keep what was changed")
def test_a_change_stays_here_until_the_memory_is_given_back(file: Path) -> None:
    before, large = file.read_bytes(), mapped_weights(file)["large"]
    right = large.clone()
    large[10:200] = 7.0
    assert file.read_bytes() == before
    give_back(large)
    changed = large != right
    # The first and last page are shared with what lies beside the tensor, and stay.
    assert changed.sum() < 2 * mmap.PAGESIZE / 4
    assert not changed[len(large) // 2].any() or mmap.PAGESIZE > 65536


def test_other_memory_is_left_alone() -> None:
    other = torch.ones(LARGE)
    give_back(other)
    assert torch.equal(other, torch.ones(LARGE))


def test_small_tensors_are_their_own(file: Path) -> None:
    found = mapped_weights(file)
    assert len(_MAPPED) == 1
    del found["large"]
    gc.collect()
    assert not _MAPPED
    assert torch.equal(found["small"], read_weights(file)["small"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_other_types_are_read_as_ever(tmp_path: Path, dtype: torch.dtype) -> None:
    save_file({"large": torch.ones(LARGE, dtype=dtype)}, tmp_path / "half.safetensors")
    assert mapped_weights(tmp_path / "half.safetensors")["large"].dtype == dtype


def test_a_header_of_an_odd_length_is_read(file: Path) -> None:
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    odd = file.with_name("odd.safetensors")
    odd.write_bytes((size + 1).to_bytes(8, "little") + content[8 : 8 + size] + b" " + content[8 + size :])
    found, expected = mapped_weights(odd), read_weights(file)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
