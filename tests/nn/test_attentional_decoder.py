import pytest
import torch
from torch import Tensor

from patchword.nn.alignment import Score
from patchword.nn.attentional_decoder import AttentionalDecoder
from patchword.nn.recurrence import Cell

MASK = torch.tensor([[True] * 5, [True, True, False, False, False], [True, True, True, True, False]])


def decoder(cell: Cell = "lstm", score: Score = "general", feeding: bool = True, layers: int = 2) -> AttentionalDecoder:
    return AttentionalDecoder(layers, cell, 4, 6, score, feeding).eval()


def memory() -> Tensor:
    return torch.randn(3, 5, 6)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_first_state_is_a_tanh_of_both_directions_last_states(cell: Cell) -> None:
    module, annotations = decoder(cell), memory()
    state = module.start(annotations, MASK)
    last = torch.cat([torch.stack([annotations[0, 4, :3], annotations[1, 1, :3], annotations[2, 3, :3]]),
                      annotations[:, 0, 3:]], 1)  # fmt: skip
    for index, layer in enumerate(state.layers):
        before = (
            last @ module.bridge.weight[6 * index : 6 * index + 6].T + module.bridge.bias[6 * index : 6 * index + 6]
        )
        torch.testing.assert_close(layer[0], before.tanh())
        if cell == "lstm":
            torch.testing.assert_close(layer[1], before)


@pytest.mark.parametrize("feeding", [False, True])
def test_an_attentional_state_is_a_tanh_of_context_and_hidden_state(feeding: bool) -> None:
    module, annotations, x = decoder(feeding=feeding, layers=1), memory(), torch.randn(3, 4)
    state = module.start(annotations, MASK)
    (before,) = state.layers
    read = torch.cat([x, torch.zeros(3, 4)], 1) if feeding else x
    hidden = module.layers[0].step(read, before)[0]  # type: ignore[operator]
    found, weights = module.step(x, state)
    context = (weights[:, :, None] * annotations).sum(1)
    expected = (torch.cat([context, hidden], 1) @ module.combination.weight.T).tanh()
    torch.testing.assert_close(found, expected)
    assert (state.fed is not None) == feeding


def test_with_input_feeding_the_last_attentional_state_is_read_beside_the_token() -> None:
    module, annotations, x = decoder(layers=1), memory(), torch.randn(3, 2, 4)
    state = module.start(annotations, MASK)
    first, _ = module.step(x[:, 0], state)
    (before,) = state.layers
    hidden = module.layers[0].step(torch.cat([x[:, 1], first], 1), before)[0]  # type: ignore[operator]
    module.step(x[:, 1], state)
    torch.testing.assert_close(state.layers[0][0], hidden)


def test_hypotheses_share_their_sentences_memory() -> None:
    module, annotations = decoder(), memory()
    state = module.start(annotations, MASK)
    module.step(torch.randn(12, 4), state)
    assert state.memory.shape == (3, 5, 6)
    assert state.layers[0][0].shape == (12, 6)
    state.select(torch.tensor([1, 2]), torch.tensor([4, 4, 7, 11, 8, 8]))
    assert state.sentences == 2
    torch.testing.assert_close(state.memory, annotations[1:, :4])
    assert state.keys.shape == (2, 4, 6)
    assert state.layers[1][1].shape == (6, 6)


def test_keys_that_are_the_memory_stay_the_memory() -> None:
    state = decoder(score="dot").start(memory(), MASK)
    state.select(torch.tensor([1]), torch.tensor([1]))
    assert state.keys is state.memory
    assert state.memory.size(1) == 2
