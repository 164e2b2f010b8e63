"""Gradient-weighted attention and class activation, against numbers worked out by hand."""

import torch
from torch.testing import assert_close

from patchword.nn.relevance import class_activation, relevance


def test_relevance_of_two_layers_and_two_tokens_equals_the_example_worked_out_by_hand() -> None:
    first = torch.tensor([[[[0.5, 0.5], [0.2, 0.8]]]])
    by_first = torch.tensor([[[[2.0, -4.0], [1.0, 0.5]]]])
    second = torch.tensor([[[[0.4, 0.6], [0.0, 1.0]]]])
    by_second = torch.tensor([[[[-1.0, 0.5], [0.0, 0.0]]]])
    # Abar of the layers is [[1, 0], [0.2, 0.4]] and [[0, 0.3], [0, 0]];
    # R = (1 + [[0, 0.3], [0, 0]]) (1 + [[1, 0], [0.2, 0.4]]) = [[1, 0.3], [0, 1]] [[2, 0], [0.2, 1.4]].
    whole = torch.tensor([[2.06, 0.42], [0.2, 1.4]])
    for token in (0, 1):
        readers = torch.eye(2)[token]
        assert_close(relevance([first, second], [by_first, by_second], readers), whole[None, token])
    assert_close(relevance([first, second], [by_first, by_second], torch.tensor([0.5, 0.5])), whole.mean(0)[None])


def test_heads_are_averaged_after_what_speaks_against_the_answer_is_left_out() -> None:
    weights = torch.full((1, 2, 2, 2), 0.5)
    gradients = torch.stack([torch.full((2, 2), 4.0), torch.full((2, 2), -4.0)])[None]
    # The heads' products are 2 and -2: their mean would be 0, that of what speaks for the answer is 1.
    assert_close(relevance([weights], [gradients], torch.tensor([1.0, 0.0])), torch.tensor([[2.0, 1.0]]))


def test_without_a_gradient_each_token_is_relevant_to_itself_alone() -> None:
    weights = [torch.rand(3, 2, 4, 4).softmax(-1) for _ in range(3)]
    nothing = [torch.zeros_like(each) for each in weights]
    readers = torch.tensor([0.25, 0.75, 0.0, 0.0])
    assert torch.equal(relevance(weights, nothing, readers), readers.expand(3, -1))


def test_relevance_of_a_linear_answer_is_what_each_token_adds_to_it() -> None:
    weights = torch.rand(1, 1, 3, 3).softmax(-1).requires_grad_()
    values = torch.tensor([2.0, 5.0, 1.0])
    answer = (weights[0, 0, 0] * values).sum()
    (gradient,) = torch.autograd.grad(answer, weights)
    found = relevance([weights.detach()], [gradient], torch.tensor([1.0, 0.0, 0.0]))[0]
    added = weights[0, 0, 0].detach() * values
    assert_close(found - torch.tensor([1.0, 0.0, 0.0]), added)
    assert_close(found.sum() - 1, answer.detach())


def test_class_activation_weighs_channels_by_their_mean_gradient_over_the_places() -> None:
    tokens = torch.tensor([[[9.0, 9.0], [1.0, 0.0], [0.0, 1.0], [3.0, 2.0]]])
    gradients = torch.tensor([[[7.0, 7.0], [3.0, 0.0], [0.0, -6.0], [0.0, 0.0]]])
    # The first token is no place; the channels' weights are 1 and -2.
    assert_close(class_activation(tokens, gradients, 1), torch.tensor([[1.0, 0.0, 0.0]]))
