import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patchword.nn.positions import (
    GridPositions,
    LearnedPositions,
    NoPositions,
    SinusoidalPositions,
    sinusoidal_table,
    text_positions,
)


def angle(position: int, pair: int, d_model: int) -> float:
    return position / 10000 ** (2 * pair / d_model)


@pytest.mark.parametrize("d_model", [2, 6, 64])
def test_the_interleaved_table_alternates_sine_and_cosine(d_model):
    table = sinusoidal_table(600, d_model)
    expected = [
        [(math.cos if channel % 2 else math.sin)(angle(position, channel // 2, d_model)) for channel in range(d_model)]
        for position in range(600)
    ]
    torch.testing.assert_close(table, torch.tensor(expected), atol=1e-6, rtol=0)


@pytest.mark.parametrize("d_model", [2, 6, 64])
def test_the_table_of_halves_has_all_sines_first(d_model):
    table, half = sinusoidal_table(600, d_model, "halves"), d_model // 2
    expected = [
        [math.sin(angle(position, pair, d_model)) for pair in range(half)]
        + [math.cos(angle(position, pair, d_model)) for pair in range(half)]
        for position in range(600)
    ]
    torch.testing.assert_close(table, torch.tensor(expected), atol=1e-6, rtol=0)


@pytest.mark.parametrize("layout", ["interleaved", "halves"])
def test_sinusoidal_positions_grow_past_the_first_table(layout):
    positions = SinusoidalPositions(8, layout)
    x = torch.randn(2, 1300, 8)
    torch.testing.assert_close(positions(x), x + sinusoidal_table(1300, 8, layout), atol=1e-6, rtol=0)
    assert positions.table.dtype == torch.float32


def test_sinusoidal_positions_built_without_memory_still_add_the_table():
    with torch.device("meta"):
        positions = SinusoidalPositions(8)
    x = torch.randn(2, 3, 8)
    assert torch.equal(positions(x), x + sinusoidal_table(3, 8))


def test_a_table_made_in_inference_mode_serves_training():
    positions = SinusoidalPositions(8)
    with torch.inference_mode():
        positions(torch.zeros(1, 3, 8))
    assert not positions.table.is_inference()


def test_the_table_has_the_type_of_what_it_is_added_to():
    assert SinusoidalPositions(8)(torch.zeros(1, 3, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16


@given(st.integers(0, 1100), st.integers(1, 5))
def test_an_offset_continues_where_a_prefix_ended(offset, length):
    positions = SinusoidalPositions(4)
    added = positions(torch.zeros(1, length, 4), offset)
    assert torch.equal(added[0], sinusoidal_table(offset + length, 4)[offset:])


def test_the_table_is_no_weight():
    positions = SinusoidalPositions(8)
    assert not list(positions.parameters())
    assert not positions.state_dict()


def test_sinusoidal_positions_need_an_even_width():
    with pytest.raises(ValueError, match="even d_model, not 7"):
        SinusoidalPositions(7)


def test_learned_positions_add_the_vector_of_each_position():
    positions, x = LearnedPositions(6, 4), torch.randn(2, 3, 4)
    assert torch.equal(positions(x, offset=2), x + positions.embedding[2:5])


def test_learned_positions_end_where_learning_did():
    positions = LearnedPositions(6, 4)
    with pytest.raises(ValueError, match="7 positions asked for, but only 6 were learned"):
        positions(torch.zeros(1, 1, 4), offset=6)


def test_no_positions_add_nothing():
    x = torch.randn(2, 3, 4)
    assert NoPositions()(x, offset=9) is x


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sinusoidal", SinusoidalPositions),
        ("sinusoidal_halves", SinusoidalPositions),
        ("learned", LearnedPositions),
        ("none", NoPositions),
    ],
)
def test_positions_have_names(kind, expected):
    made = text_positions(kind, 8, 16)
    assert isinstance(made, expected)
    if expected is SinusoidalPositions:
        assert made.layout == ("halves" if kind.endswith("halves") else "interleaved")


@pytest.mark.parametrize("prefix", [0, 1])
def test_a_grid_adds_one_vector_a_patch_and_prefix(prefix):
    positions = GridPositions((2, 3), 4, prefix)
    x = torch.randn(5, prefix + 6, 4)
    assert torch.equal(positions(x), x + positions.embedding)


@pytest.mark.parametrize("prefix", [0, 1])
@pytest.mark.parametrize("grid", [(28, 28), (7, 7), (3, 11), (14, 2)], ids=str)
def test_a_grid_resizes_to_any_shape_and_keeps_its_prefix(prefix, grid):
    positions = GridPositions((14, 14), 8, prefix)
    resized = positions.resized(grid)
    assert resized.shape == (prefix + grid[0] * grid[1], 8)
    assert torch.equal(resized[:prefix], positions.embedding[:prefix])


def test_a_grid_of_the_same_shape_is_untouched():
    positions = GridPositions((3, 5), 8)
    assert torch.equal(positions.resized((3, 5)), positions.embedding)


def test_resizing_keeps_rows_and_columns_apart():
    positions = GridPositions((4, 6), 2, prefix=1)
    with torch.no_grad():
        patches = positions.embedding[1:].view(4, 6, 2)
        patches[..., 0] = torch.arange(4.0)[:, None]
        patches[..., 1] = torch.arange(6.0)
    resized = positions.resized((8, 3))[1:].view(8, 3, 2)
    assert torch.allclose(resized[..., 0], resized[:, :1, 0].expand(8, 3), atol=1e-5)
    assert torch.allclose(resized[..., 1], resized[:1, :, 1].expand(8, 3), atol=1e-5)
    assert (resized[1:, 0, 0] > resized[:-1, 0, 0] - 1e-2).all()
    assert resized[0, :, 1].tolist() == pytest.approx([0.5, 2.5, 4.5], abs=0.2)
