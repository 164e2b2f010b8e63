"""Attention maps reduced to alignments and to what a class token saw."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from patchword.explain.attention import attention_rollout, read_attention, read_rollout, word_alignment
from patchword.models.evidence import Evidence, EvidenceMap
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig


def seen(name: str, *maps: Tensor, grid: tuple[int, int] | None = None, readers: Tensor | None = None) -> Evidence:
    return {name: EvidenceMap(("layer", "batch", "head", "query", "key"), torch.stack(maps), grid, readers)}


def test_word_alignment_averages_the_heads_and_the_layers() -> None:
    first = torch.tensor([[[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]]])
    second = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]]])
    evidence = seen("cross", first, second)
    assert_close(word_alignment(evidence), torch.tensor([[0.75, 0.25], [0.25, 0.75]]))
    assert_close(word_alignment(evidence, layer=0), torch.tensor([[0.5, 0.5], [0.5, 0.5]]))
    assert_close(word_alignment(evidence, layer=-1), torch.eye(2))


def test_rollout_equals_the_example_computed_by_hand() -> None:
    # Two heads whose mean is [[0.5, 0.5], [0, 1]]; with the residual [[0.75, 0.25], [0, 1]].
    first = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]])
    # One pattern in both heads, [[0, 1], [1, 0]]; with the residual [[0.5, 0.5], [0.5, 0.5]].
    second = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]]])
    # The later layer stands on the left: [[0.5, 0.5], [0.5, 0.5]] @ [[0.75, 0.25], [0, 1]].
    expected = torch.tensor([[[0.375, 0.625], [0.375, 0.625]]])
    assert_close(attention_rollout(seen("encoder", first, second)), expected)


def test_rows_of_a_rollout_sum_to_one_and_attention_to_oneself_alone_changes_nothing() -> None:
    maps = [torch.rand(2, 3, 5, 5).softmax(-1) for _ in range(4)]
    assert_close(attention_rollout(seen("encoder", *maps)).sum(-1), torch.ones(2, 5))
    still = torch.eye(5).expand(1, 3, 5, 5)
    assert_close(attention_rollout(seen("encoder", still, still)), torch.eye(5)[None])


def test_what_the_class_token_reads_has_the_patches_in_reading_order_and_passes_over_registers() -> None:
    # Tokens: class, one register, then a grid of 1 x 3.
    weights = torch.zeros(1, 1, 5, 5)
    weights[0, 0, 0] = torch.tensor([0.2, 0.3, 0.1, 0.4, 0.0])
    weights[0, 0, 1:, 1:] = torch.eye(4)
    evidence = seen("encoder", weights, grid=(1, 3), readers=torch.tensor([1.0, 0, 0, 0, 0]))
    assert_close(read_rollout(evidence), torch.tensor([[[0.2, 0.8, 0.0]]]))
    assert_close(read_attention(evidence), torch.tensor([[[[[0.1, 0.4, 0.0]]]]]))


def test_of_a_model_that_reads_the_patches_mean_all_rows_count_alike() -> None:
    weights = torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]])
    evidence = seen("encoder", weights, grid=(1, 2), readers=torch.tensor([0.5, 0.5]))
    assert_close(read_attention(evidence), torch.tensor([[[[[0.25, 0.75]]]]]))
    assert_close(read_rollout(evidence), torch.tensor([[[0.375, 0.625]]]))


@pytest.mark.parametrize("pool", ["class_token", "mean", "class_token_and_mean"])
def test_maps_of_a_vision_transformer_have_its_layers_heads_and_grid(pool: str) -> None:
    sizes = {"image_size": (8, 12), "d_model": 24, "num_heads": 3, "num_layers": 2, "pool": pool}
    config = VisionTransformerConfig.named("Ti/4", 5, **sizes, class_token=pool != "mean")
    evidence = VisionTransformer(config).eval().evidence(torch.rand(2, 3, 8, 12))
    assert read_rollout(evidence).shape == (2, 2, 3)
    assert_close(read_rollout(evidence).sum((1, 2)), torch.ones(2))
    assert read_attention(evidence).shape == (2, 2, 3, 2, 3)


def test_rollout_of_a_model_without_attention_says_what_it_needs() -> None:
    evidence = {"class_activation": EvidenceMap(("batch", "row", "column"), torch.rand(1, 2, 2))}
    with pytest.raises(ValueError, match="needs the encoder's attention, and the model has only: class_activation"):
        attention_rollout(evidence)
