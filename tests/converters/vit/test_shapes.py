"""Shapes that a file claims tell sizes of the network, and none makes the import fall over or take what it likes."""

import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from patchword.converters.imported import ImportOptions
from patchword.converters.importing import convert
from patchword.errors import CheckpointError
from tests.converters.test_assumptions import bare


def big_vision(side: int = 8, width: int = 8, **more: Any) -> dict[str, Any]:
    """A network without positions under big_vision's names, as far as its sizes are read."""
    block = "params/Transformer/encoderblock_0"
    shapes = {"params/embedding/kernel": (side, side, 3, width), "params/head/bias": (3,)}
    shapes |= {f"{block}/MultiHeadDotProductAttention_0/query/kernel": (width, 2, width // 2)}
    shapes |= {f"{block}/MlpBlock_0/Dense_0/kernel": (width, 12)}
    return {name: np.ones(shape, "float32") for name, shape in shapes.items()} | more


def refusal(path: Path, values: Any, **options: Any) -> str:
    np.savez_compressed(path, **values) if path.suffix == ".npz" else torch.save(values, path)
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError) as caught:
        convert(path, ImportOptions(**options))
    assert time.monotonic() - begin < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("size", [(20000, 20000), (4096, 4096), (10**9, 1), (1, 10**9), (300, 60000)])
@pytest.mark.parametrize("side", [1, 8])
def test_positions_are_not_made_for_sizes_that_no_network_takes(
    tmp_path: Path, size: tuple[int, int], side: int
) -> None:
    text = refusal(tmp_path / "w.npz", big_vision(side), image_size=size)
    assert text.startswith(("an image of", "512 x 512 patches", "4096 x 4096 patches"))


@pytest.mark.parametrize("width", [2, 4, 6, 10])
def test_widths_that_have_no_sines_are_said(tmp_path: Path, width: int) -> None:
    assert f"has no positions, and a width of {width}" in refusal(tmp_path / "w.npz", big_vision(width=width))


@pytest.mark.parametrize("layers", [1001, 10**6, 10**12])
def test_layers_in_one_tensor_are_counted_before_they_are_taken_apart(tmp_path: Path, layers: int) -> None:
    scanned = {"params/Transformer/encoderblock/x": np.zeros((layers, 0), "float32")}
    text = refusal(tmp_path / "w.npz", big_vision(**scanned))
    assert text == f"Transformer/encoderblock/x is of {layers:,} layers; expected at most 1,000"


@pytest.mark.parametrize("size", [None, (32, 32)])
def test_patches_without_a_pixel_are_named(tmp_path: Path, size: Any) -> None:
    text = refusal(tmp_path / "w.npz", big_vision(0), image_size=size)
    assert text == "embedding/kernel has the shape (0, 0, 3, 8); expected 4 axes, none of length 0"
    tensors = bare(4, 4) | {"patch_embed.proj.weight": torch.ones(64, 3, 0, 0)}
    assert refusal(tmp_path / "w.pth", tensors, image_size=size).startswith("patch_embed.proj.weight has the shape")


@pytest.mark.parametrize("name", ["patch_embed.proj.weight", "blocks.0.mlp.fc1.weight", "pos_embed"])
def test_another_number_of_axes_is_named(tmp_path: Path, name: str) -> None:
    tensors = bare(4, 4)
    for tensor in (tensors[name][0], tensors[name][..., None], tensors[name].sum()):
        assert f"{name} has the shape {tuple(tensor.shape)}; expected" in refusal(
            tmp_path / "w.pth", tensors | {name: tensor}
        )


def test_a_layer_of_thousands_of_digits_is_beyond_the_range(tmp_path: Path) -> None:
    tensors = bare(4, 4) | {f"blocks.{'9' * 5000}.norm1.weight": torch.ones(64)}
    assert "num_layers = " in refusal(tmp_path / "w.pth", tensors)
