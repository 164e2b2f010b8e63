"""What Luong et al. 2015 says, equation by equation; in float64."""

import pytest
import torch

from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.nn.alignment import AdditiveAlignment, DotAlignment, GeneralAlignment
from patchword.nn.attentional_decoder import AttentionalDecoder


@pytest.fixture(autouse=True)
def _double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_equation_5_the_attentional_state_is_a_tanh_of_context_and_hidden_state() -> None:
    decoder, memory = AttentionalDecoder(1, "lstm", 3, 6, "dot", input_feeding=False), torch.randn(1, 4, 6)
    x, mask = torch.randn(1, 1, 3), torch.ones(1, 4).bool()
    attentional, alignment = decoder(x, memory, mask)
    hidden = decoder.layers[0].step(x[:, 0], decoder.start(memory, mask).layers[0])[0][0]
    context = alignment[0, 0] @ memory[0]
    expected = (decoder.combination.weight @ torch.cat([context, hidden])).tanh()
    torch.testing.assert_close(attentional[0, 0], expected)


def test_equation_6_the_next_token_is_a_softmax_of_the_attentional_state() -> None:
    config = RecurrentConfig(source_vocab_size=9, target_vocab_size=9, embedding_size=4, hidden_size=6)
    model, source, target = Recurrent(config).eval(), torch.tensor([[5, 3]]), torch.tensor([[2, 4]])
    attentional = model.decode(target, model.encode(source), source)
    weight, bias = model.projection()
    assert bias is None
    torch.testing.assert_close(model(source, target).softmax(-1), (attentional @ weight.T).softmax(-1))


def test_equation_7_the_alignment_is_a_softmax_over_the_source() -> None:
    dot, hidden, memory = DotAlignment(), torch.randn(1, 1, 6), torch.randn(1, 4, 6)
    _, alignment = dot(hidden, dot.keys(memory), memory, torch.tensor([[True, True, True, False]]))
    scores = [(hidden[0, 0] @ memory[0, s]).exp() for s in range(3)]
    for s in range(3):
        torch.testing.assert_close(alignment[0, 0, s], scores[s] / sum(scores))
    assert alignment[0, 0, 3] == 0


def test_equation_8_dot_general_and_concat() -> None:
    hidden, memory = torch.randn(1, 1, 6), torch.randn(1, 4, 6)
    dot, general, concat = DotAlignment(), GeneralAlignment(6), AdditiveAlignment(6)
    joined = torch.cat([concat.query.weight, concat.key.weight], 1)
    for s in range(4):
        h_t, h_s = hidden[0, 0], memory[0, s]
        torch.testing.assert_close(dot.scores(hidden, dot.keys(memory))[0, 0, s], h_t @ h_s)
        torch.testing.assert_close(
            general.scores(hidden, general.keys(memory))[0, 0, s], h_t @ general.key.weight @ h_s
        )
        energy = concat.vector @ (joined @ torch.cat([h_t, h_s])).tanh()
        torch.testing.assert_close(concat.scores(hidden, concat.keys(memory))[0, 0, s], energy)


def test_section_3_3_input_feeding_reads_the_last_attentional_state() -> None:
    decoder, memory = AttentionalDecoder(1, "lstm", 3, 6, "general", input_feeding=True), torch.randn(1, 4, 6)
    x, mask = torch.randn(1, 3, 3), torch.ones(1, 4).bool()
    attentional, _ = decoder(x, memory, mask)
    state, fed = decoder.start(memory, mask).layers[0], torch.zeros(1, 3)
    for t in range(3):
        state = decoder.layers[0].step(torch.cat([x[:, t], fed], 1), state)
        scores = state[0][0] @ decoder.alignment.key.weight @ memory[0].T
        context = scores.softmax(-1) @ memory[0]
        fed = (decoder.combination.weight @ torch.cat([context, state[0][0]])).tanh()[None]
        torch.testing.assert_close(attentional[:, t], fed)
