"""Deletion and insertion, on a model of which it is known what it looks at."""

import pytest
import torch
from torch import Tensor

from patchword.explain.deletion import STEPS, Areas, areas, blurred, cells_of, on_cells, order_of

PIXELS = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
PLAIN = torch.tensor([128, 127, 126], dtype=torch.uint8)
CELLS = (8, 8)
LOOKED_AT = torch.zeros(CELLS)
LOOKED_AT[2:4, 1:5] = 1


def looking(pixels: Tensor) -> Tensor:
    """Probabilities of two classes: the second is the share of the cells looked at that show the image itself."""
    same = (pixels == PIXELS).all(1).float()
    shown = torch.nn.functional.adaptive_avg_pool2d(same[:, None], CELLS)[:, 0]
    share = (shown * LOOKED_AT).sum((1, 2)) / LOOKED_AT.sum()
    return torch.stack([1 - share, share], 1)


def found(*maps: Tensor, chosen: int = 1) -> Areas:
    generator = torch.Generator().manual_seed(3)
    orders = torch.stack([order_of(each, generator) for each in maps])
    return areas(looking, PIXELS, chosen, orders, PLAIN, CELLS)


def test_the_right_map_beats_a_random_one_and_the_reversed_map_loses() -> None:
    random = torch.rand(CELLS, generator=torch.Generator().manual_seed(5))
    deletion, insertion = found(LOOKED_AT, random, -LOOKED_AT)
    right, anything, wrong = deletion.tolist()
    assert right < anything - 0.2 < wrong - 0.4
    right, anything, wrong = insertion.tolist()
    assert right > anything + 0.2 > wrong + 0.4


def test_the_areas_of_the_right_map_are_those_of_straight_lines() -> None:
    # Eight of 64 cells are looked at: the probability falls to 0, or rises to 1, in the first of eight steps.
    deletion, insertion = found(LOOKED_AT)
    assert float(deletion) == pytest.approx(1 / 16)
    assert float(insertion) == pytest.approx(15 / 16, abs=0.01)  # a blurred pixel may be the same by chance
    other_deletion, other_insertion = found(LOOKED_AT, chosen=0)
    assert float(other_deletion) == pytest.approx(15 / 16)
    assert float(other_insertion) == pytest.approx(1 / 16, abs=0.01)


def test_cells_are_painted_over_in_the_image_and_put_into_the_blurred_one_step_by_step() -> None:
    seen: list[Tensor] = []

    def recording(pixels: Tensor) -> Tensor:
        seen.append(pixels)
        return torch.ones(len(pixels), 2)

    areas(recording, PIXELS, 0, order_of(LOOKED_AT, torch.Generator())[None], PLAIN, CELLS)
    assert [len(each) for each in seen] == [3, STEPS - 1, STEPS - 1]
    whole, emptied, begun = seen[0]
    assert torch.equal(whole, PIXELS)
    assert torch.equal(emptied, PLAIN[:, None, None].expand_as(PIXELS))
    assert torch.equal(begun, blurred(PIXELS))
    for number in range(1, STEPS):
        deleted, inserted = seen[1][number - 1], seen[2][number - 1]
        gone = (deleted != PIXELS).any(0)
        assert int(gone.sum()) == 8 * 16 * number
        assert torch.equal(deleted[:, gone], PLAIN[:, None].expand(3, int(gone.sum())))
        assert torch.equal(inserted, torch.where(gone, PIXELS, begun))
        assert bool(gone[8:16, 4:20].all())  # the cells looked at, in the first step


def test_equal_cells_have_their_turn_in_any_order_and_the_same_with_the_same_seed() -> None:
    orders = [order_of(torch.zeros(CELLS), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])
    assert orders[2].sort().values.tolist() == list(range(64))
    assert order_of(torch.tensor([[0.1, 0.4], [0.3, 0.2]]), torch.Generator()).tolist() == [1, 2, 3, 0]


def test_maps_of_any_size_come_onto_the_cells() -> None:
    fine = torch.rand(2, 16, 24)
    torch.testing.assert_close(on_cells(fine, (8, 8)), fine.view(2, 8, 2, 8, 3).mean((2, 4)))
    coarse = on_cells(torch.tensor([[[0.0, 1.0], [0.0, 1.0]]]), (8, 8))[0]
    assert torch.equal(coarse[0], coarse[-1])
    assert coarse[0].tolist() == sorted(coarse[0].tolist())
    assert on_cells(torch.rand(1, 14, 14), (8, 8)).shape == (1, 8, 8)
    assert on_cells(torch.rand(1, 4, 14), (8, 8)).shape == (1, 8, 8)


def test_an_image_of_few_pixels_has_as_many_cells_and_an_odd_one_cells_of_two_sizes() -> None:
    assert cells_of((3, 200)) == (3, 8)
    pixels = torch.randint(0, 256, (3, 3, 21), dtype=torch.uint8)
    orders = order_of(torch.rand(3, 8), torch.Generator())[None]
    found = areas(lambda batch: torch.ones(len(batch), 1), pixels, 0, orders, PLAIN, (3, 8))
    assert [float(each) for each in found] == [1.0, 1.0]
