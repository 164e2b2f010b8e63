"""What Bahdanau et al. 2015 says, equation by equation; in float64."""

import pytest
import torch
from torch import Tensor

from patchword.nn.alignment import AdditiveAlignment
from patchword.nn.attentional_decoder import AttentionalDecoder
from patchword.nn.recurrence import BidirectionalLayer, RecurrentLayer, reversed_positions


@pytest.fixture(autouse=True)
def _double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_equation_5_the_context_is_the_expected_annotation() -> None:
    alignment, state, annotations = AdditiveAlignment(4), torch.randn(1, 1, 4), torch.randn(1, 6, 4)
    context, alpha = alignment(state, alignment.keys(annotations), annotations, torch.ones(1, 6).bool())
    torch.testing.assert_close(context[0, 0], sum(alpha[0, 0, j] * annotations[0, j] for j in range(6)))


def test_equation_6_alignments_are_a_softmax_of_their_energies() -> None:
    alignment, state, annotations = AdditiveAlignment(4), torch.randn(1, 1, 4), torch.randn(1, 6, 4)
    _, alpha = alignment(state, alignment.keys(annotations), annotations, torch.ones(1, 6).bool())
    energy = alignment.scores(state, alignment.keys(annotations))[0, 0]
    for j in range(6):
        torch.testing.assert_close(alpha[0, 0, j], energy[j].exp() / sum(energy[k].exp() for k in range(6)))


def test_section_a_1_2_the_energy_is_v_tanh_of_the_projected_states() -> None:
    alignment, state, annotations = AdditiveAlignment(4), torch.randn(1, 1, 4), torch.randn(1, 6, 4)
    energy = alignment.scores(state, alignment.keys(annotations))
    for j in range(6):
        inner = alignment.query.weight @ state[0, 0] + alignment.key.weight @ annotations[0, j]
        torch.testing.assert_close(energy[0, 0, j], sum(alignment.vector[n] * inner[n].tanh() for n in range(4)))


def test_equation_7_annotations_are_of_both_directions() -> None:
    layer, x = BidirectionalLayer("gru", 3, 8), torch.randn(1, 5, 3)

    def read(direction: RecurrentLayer, order: list[int]) -> dict[int, Tensor]:
        state, found = direction.zero(1), {}
        for j in order:
            state = direction.step(x[:, j], state)
            found[j] = state[0][0]
        return found

    forwards, backwards = read(layer.forwards, [0, 1, 2, 3, 4]), read(layer.backwards, [4, 3, 2, 1, 0])
    annotations = layer(x, reversed_positions(torch.tensor([5]), 5))[0]
    for j in range(5):
        torch.testing.assert_close(annotations[j], torch.cat([forwards[j], backwards[j]]))


def test_section_a_2_2_the_first_state_is_a_tanh_of_what_the_encoder_read_last() -> None:
    decoder, annotations = AttentionalDecoder(1, "gru", 3, 8, "additive"), torch.randn(1, 5, 8)
    ((first,),) = decoder.start(annotations, torch.ones(1, 5).bool()).layers
    weight = decoder.bridge.weight
    expected = (weight[:, :4] @ annotations[0, 4, :4] + weight[:, 4:] @ annotations[0, 0, 4:]).tanh()
    torch.testing.assert_close(first[0], expected)
