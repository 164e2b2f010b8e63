"""Counted operations equal torch's own count, and chains are as long as the recurrence is."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from patchword.compare.claims import efficiency
from patchword.compare.counting import counted
from patchword.compare.measuring import seconds
from patchword.compare.networks import TOLERANCE, matched, parameters, without_numbers
from patchword.compare.sides import IMAGES, TEXT, image_side, reader_side, text_side, transformer
from patchword.compare.tasks.permutation import permutation_error


@pytest.mark.parametrize("side", TEXT)
def test_operations_of_a_training_step_are_those_that_torch_counts(side: str) -> None:
    reader = without_numbers(reader_side(side, 20, 16, 1, 4))
    ids, classes = torch.empty(2, 7, dtype=torch.long, device="meta"), torch.empty(2, dtype=torch.long, device="meta")

    def step() -> None:
        nn.functional.cross_entropy(reader(ids), classes).backward()

    with FlopCounterMode(display=False) as counter:
        step()
    assert counted(step, [ids]).operations == counter.get_total_flops() > 0


@pytest.mark.parametrize("side", IMAGES)
def test_operations_of_images_are_those_that_torch_counts(side: str) -> None:
    model = without_numbers(image_side(side, 10, 16, 3, patch=4, width=32, layers=2))
    images, classes = torch.empty(2, 3, 16, 16, device="meta"), torch.zeros(2, dtype=torch.long, device="meta")
    for compute in (lambda: model(images), lambda: nn.functional.cross_entropy(model(images), classes).backward()):
        with FlopCounterMode(display=False) as counter:
            compute()
        assert counted(compute, [images]).operations == counter.get_total_flops() > 0


def test_the_chain_grows_with_the_length_in_a_recurrence_alone() -> None:
    chains = {}
    for side in TEXT:
        reader = without_numbers(reader_side(side, 20, 16, 1, 4))
        for length in (4, 8):
            ids = torch.empty(2, length, dtype=torch.long, device="meta")
            chains[side, length] = counted(partial(reader, ids), [ids]).chain
    transformer, rnn = TEXT
    assert chains[transformer, 4] == chains[transformer, 8]
    assert chains[rnn, 8] == chains[rnn, 4] + 4


def test_products_of_two_activations_are_attentions() -> None:
    left, weight = torch.empty(3, 4, device="meta"), torch.empty(4, 5, device="meta")
    found = counted(lambda: (left @ weight) @ (left @ weight).T, [left])
    assert (found.operations, found.between, found.chain) == (2 * 2 * 60 + 90, 90, 2)


def test_both_sides_have_as_many_parameters() -> None:
    sizes = [(8, 1, 2, 32, 3), (24, 1, 4, 32, 3), (32, 3, 4, 128, 6), (256, 3, 16, 192, 4)]  # those of claims
    widths = [each for scale in efficiency.SIZES.values() for each in scale.values()]
    sizes += [(*images, *each) for images in ((8, 1, 2), (32, 3, 4)) for each in widths]
    for sides in (
        [without_numbers(text_side(side, 30, 32, 2)) for side in TEXT],
        *(
            [
                without_numbers(image_side(side, 10, size, channels, patch=patch, width=width, layers=layers))
                for side in IMAGES
            ]
            for size, channels, patch, width, layers in sizes
        ),
    ):
        first, second = map(parameters, sides)
        assert abs(first - second) <= TOLERANCE * first
    encoders = [parameters(without_numbers(reader_side(side, 30, 32, 2, 4)).model, "encoder") for side in TEXT]
    assert abs(encoders[0] - encoders[1]) <= TOLERANCE * encoders[0]


def test_a_size_that_no_width_has_is_an_error() -> None:
    with pytest.raises(ValueError, match="no width has 10 parameters within 5 %; the nearest, 4, has 20"):
        matched(lambda width: nn.Linear(width, width), 10, range(4, 8))


def test_a_time_is_that_of_one_call() -> None:
    torch.set_num_threads(1)
    calls = []
    assert 0 < seconds(lambda: calls.append(sum(range(100_000))), least=0.01, rounds=2) < 1
    assert len(calls) >= 3


@pytest.mark.parametrize(("positions", "seen"), [("none", False), ("sinusoidal", True), ("learned", True)])
def test_an_encoder_without_positions_is_equivariant_and_no_other_is(positions: str, seen: bool) -> None:
    model = transformer(20, 32, 2, positions=positions, max_positions=16).eval()
    error = permutation_error(model, torch.Generator().manual_seed(1))
    assert (error > 1e-4) if seen else (error < 1e-12)
