import pytest
import torch
from torch import Tensor

from patchword.nn.alignment import AdditiveAlignment, DotAlignment, GeneralAlignment, Score, alignment

MASK = torch.tensor([[True, True, True, False], [True, False, False, False]])
SCORES: list[Score] = ["additive", "dot", "general"]


def inputs(width: int = 5) -> tuple[Tensor, Tensor]:
    """Queries (batch, target, width), and annotations (batch, source, width)."""
    return torch.randn(2, 3, width, dtype=torch.float64), torch.randn(2, 4, width, dtype=torch.float64)


def assert_is(found: Tensor, score: object, query: Tensor, memory: Tensor) -> None:
    """Each score by itself: `score` is a function of one h_t and one h_s."""
    for batch in range(2):
        for t in range(3):
            for s in range(4):
                wanted = score(query[batch, t], memory[batch, s])  # type: ignore[operator]
                torch.testing.assert_close(found[batch, t, s], wanted)


def test_dot_is_the_product_of_the_two_states() -> None:
    (query, memory), dot = inputs(), DotAlignment()
    assert_is(dot.scores(query, dot.keys(memory)), lambda t, s: t @ s, query, memory)


def test_general_has_a_matrix_between_the_two_states() -> None:
    (query, memory), general = inputs(), GeneralAlignment(5).double()
    weight = general.key.weight
    assert_is(general.scores(query, general.keys(memory)), lambda t, s: t @ weight @ s, query, memory)


def test_additive_is_a_small_network_of_the_two_states() -> None:
    (query, memory), additive = inputs(), AdditiveAlignment(5).double()
    w, u, v = additive.query.weight, additive.key.weight, additive.vector
    found = additive.scores(query, additive.keys(memory))
    assert_is(found, lambda t, s: v @ torch.tanh(w @ t + u @ s), query, memory)


@pytest.mark.parametrize("score", SCORES)
def test_alignments_sum_to_one_over_real_tokens_and_the_context_is_their_mean(score: Score) -> None:
    (query, memory), module = inputs(), alignment(score, 5).double()
    context, weights = module(query, module.keys(memory), memory, MASK)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3).double())
    assert weights.masked_select(~MASK[:, None]).eq(0).all()
    scores = module.scores(query, module.keys(memory))[0, :, :3]
    torch.testing.assert_close(weights[0, :, :3], scores.exp() / scores.exp().sum(-1, keepdim=True))
    torch.testing.assert_close(context[0], weights[0] @ memory[0])
    torch.testing.assert_close(context[1], memory[1, :1].expand(3, -1))
