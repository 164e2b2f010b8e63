"""The most memory that a computation's tensors take at one time."""

from typing import Any

import torch
from torch import Tensor, nn

from patchword.training.peak import peak_bytes


def test_the_peak_of_memory_counts_what_is_held_at_one_time() -> None:
    ones = torch.ones(1000)

    def compute() -> Tensor:
        first = ones + 1
        second = first * 2
        del first
        return second.view(10, 100) + 1

    assert peak_bytes(compute) == 2 * 4000


def test_what_a_backward_pass_is_to_find_again_is_held_until_then() -> None:
    layers = nn.Sequential(*(nn.Sequential(nn.Linear(64, 64, bias=False), nn.ReLU()) for _ in range(8)))
    x = torch.ones(1000, 64)
    map_bytes = 1000 * 64 * 4
    with torch.no_grad():
        assert peak_bytes(lambda: layers(x)) == 3 * map_bytes  # into a pair of layers, between and out of it
    assert 9 * map_bytes <= peak_bytes(lambda: layers(x).sum().backward()) <= 11 * map_bytes


def test_what_is_made_in_a_backward_pass_counts_too() -> None:
    class Large(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.sum()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
            return torch.ones(100, 1000).sum(0) * gradient

    weight = torch.ones(1000, requires_grad=True)
    loss: Any = Large.apply(weight)
    assert peak_bytes(loss.backward) >= 100 * 4000
