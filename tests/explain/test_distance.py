"""Figure 7 of the ViT paper: how far attention reaches, and which positions are alike."""

import pytest
import torch
from torch.testing import assert_close

from patchword.explain.distance import attention_distance
from patchword.explain.position_similarity import position_similarity
from patchword.models.evidence import EvidenceMap

AXES = ("layer", "batch", "head", "query", "key")


def test_attention_to_oneself_reaches_nowhere_and_to_the_neighbour_one_patch() -> None:
    still, swapped = torch.eye(2), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    found = EvidenceMap(AXES, torch.stack([still, swapped])[None, None], (1, 2))
    assert_close(attention_distance(found, (8, 32)), torch.tensor([[[0.0, 16.0]]]))
    tall = EvidenceMap(AXES, torch.stack([still, swapped])[None, None], (2, 1))
    assert_close(attention_distance(tall, (8, 32)), torch.tensor([[[0.0, 4.0]]]))


def test_attention_to_all_alike_reaches_the_mean_distance_in_pixels() -> None:
    # 2 x 2 patches of 3 x 4 pixels: 0, 3, 4 and the diagonal 5 from each.
    found = EvidenceMap(AXES, torch.full((1, 1, 1, 4, 4), 0.25), (2, 2))
    assert float(attention_distance(found, (6, 8))) == pytest.approx(3.0)


def test_what_goes_to_the_class_token_and_to_registers_does_not_count() -> None:
    values = torch.zeros(1, 1, 1, 4, 4)
    values[..., 0, 1] = 1.0  # the class token has no place either
    values[..., 2, :] = torch.tensor([0.5, 0.3, 0.0, 0.2])
    values[..., 3, :] = torch.tensor([0.0, 0.9, 0.1, 0.0])
    assert float(attention_distance(EvidenceMap(AXES, values, (1, 2)), (8, 16))) == pytest.approx(8.0)


def test_a_patch_that_attends_to_no_patch_is_no_division_by_zero() -> None:
    values = torch.zeros(1, 1, 1, 3, 3)
    values[..., 0] = 1.0
    assert float(attention_distance(EvidenceMap(AXES, values, (1, 2)), (8, 16))) == 0.0


def test_position_similarity_is_the_cosine_of_every_two_positions() -> None:
    embedding = torch.tensor([[[1.0, 0.0], [3.0, 3.0], [0.0, -2.0]]])
    half = 0.5**0.5
    expected = torch.tensor([[1.0, half, 0.0], [half, 1.0, -half], [0.0, -half, 1.0]])
    assert_close(position_similarity(embedding), expected.view(1, 3, 1, 3))


def test_of_a_large_grid_every_second_position_is_shown_and_zeros_are_like_nothing() -> None:
    embedding = torch.randn(5, 3, 8)
    found = position_similarity(embedding, most=4)
    assert_close(found, position_similarity(embedding[::2, ::2]))
    assert found.shape == (3, 2, 3, 2)
    assert not position_similarity(torch.zeros(2, 2, 8)).any()
