import pytest
import torch
from torch import Tensor, nn

from patchword.nn.recurrence import (
    BidirectionalLayer,
    Cell,
    RecurrentEncoder,
    RecurrentLayer,
    last_positions,
    reversed_positions,
)

CELLS: list[Cell] = ["lstm", "gru"]
every_cell = pytest.mark.parametrize("cell", CELLS)
LENGTHS = torch.tensor([6, 3, 1, 5])


@pytest.fixture(autouse=True)
def _one_thread(_repeatable: None) -> None:
    """Products as small as these are slower with two, which wait for each other at every step."""
    torch.set_num_threads(1)


def assert_near(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-6, rtol=0)


def torch_cell(layer: RecurrentLayer) -> nn.RNNCellBase:
    """torch's own cell with a layer's weights."""
    kind = nn.LSTMCell if layer.cell == "lstm" else nn.GRUCell
    cell = kind(layer.input_weight.size(1), layer.hidden_size)
    cell.weight_ih, cell.weight_hh = layer.input_weight, layer.hidden_weight
    cell.bias_ih, cell.bias_hh = layer.input_bias, layer.hidden_bias
    return cell


@every_cell
def test_a_step_equals_that_of_torchs_cell(cell: Cell) -> None:
    layer, x = RecurrentLayer(cell, 5, 7), torch.randn(4, 5)
    state = tuple(torch.randn(4, 7) for _ in layer.zero(1))
    found = layer.step(x, state)
    expected = torch_cell(layer)(x, state if cell == "lstm" else state[0])
    for actual, wanted in zip(found, expected if cell == "lstm" else (expected,), strict=True):
        assert_near(actual, wanted)


@every_cell
def test_a_whole_sequence_equals_its_steps(cell: Cell) -> None:
    layer, x = RecurrentLayer(cell, 5, 7), torch.randn(4, 6, 5)
    state = first = tuple(torch.randn(4, 7) for _ in layer.zero(1))
    outputs, last = layer(x, first)
    for position in range(6):
        state = layer.step(x[:, position], state)
        assert_near(outputs[:, position], state[0])
    for actual, wanted in zip(last, state, strict=True):
        assert_near(actual, wanted)


def test_an_lstm_cell_in_float64_is_its_equations() -> None:
    layer, x = RecurrentLayer("lstm", 3, 4).double(), torch.randn(2, 3).double()
    hidden, memory = torch.randn(2, 4).double(), torch.randn(2, 4).double()
    gates = x @ layer.input_weight.T + layer.input_bias + hidden @ layer.hidden_weight.T + layer.hidden_bias
    i, f, g, o = gates.split(4, dim=1)
    wanted = f.sigmoid() * memory + i.sigmoid() * g.tanh()
    found = layer.step(x, (hidden, memory))
    torch.testing.assert_close(found[1], wanted)
    torch.testing.assert_close(found[0], o.sigmoid() * wanted.tanh())


def test_a_gru_cell_in_float64_is_its_equations() -> None:
    layer, x, hidden = RecurrentLayer("gru", 3, 4).double(), torch.randn(2, 3).double(), torch.randn(2, 4).double()
    of_x = (x @ layer.input_weight.T + layer.input_bias).split(4, dim=1)
    of_h = (hidden @ layer.hidden_weight.T + layer.hidden_bias).split(4, dim=1)
    reset, update = (of_x[0] + of_h[0]).sigmoid(), (of_x[1] + of_h[1]).sigmoid()
    candidate = (of_x[2] + reset * of_h[2]).tanh()
    torch.testing.assert_close(layer.step(x, (hidden,))[0], (1 - update) * candidate + update * hidden)


def test_an_lstm_forgets_little_at_first_and_all_weights_are_within_their_bound() -> None:
    layer = RecurrentLayer("lstm", 5, 16)
    assert torch.equal((layer.input_bias + layer.hidden_bias)[16:32], torch.ones(16))
    for weight in (layer.input_weight, layer.hidden_weight):
        assert weight.abs().max() <= 0.25
        assert weight.std() > 0.1


@every_cell
def test_both_directions_equal_torchs_packed_sequences(cell: Cell) -> None:
    layer, x = BidirectionalLayer(cell, 5, 8), torch.randn(4, 6, 5)
    reference = (nn.LSTM if cell == "lstm" else nn.GRU)(5, 4, bidirectional=True, batch_first=True)
    for direction, suffix in ((layer.forwards, ""), (layer.backwards, "_reverse")):
        for name, ours in (("weight_ih", "input_weight"), ("weight_hh", "hidden_weight")):
            setattr(reference, f"{name}_l0{suffix}", getattr(direction, ours))
        reference.register_parameter(f"bias_ih_l0{suffix}", direction.input_bias)
        reference.register_parameter(f"bias_hh_l0{suffix}", direction.hidden_bias)
    packed = nn.utils.rnn.pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(reference(packed)[0], batch_first=True)
    found = layer(x, reversed_positions(LENGTHS, 6))
    for row, length in enumerate(LENGTHS.tolist()):
        assert_near(found[row, :length], expected[row, :length])


def test_a_sentence_read_backwards_keeps_its_padding_at_the_end() -> None:
    rows = reversed_positions(torch.tensor([3, 0, 4]), 4) - 4 * torch.arange(3)[:, None]
    assert rows.tolist() == [[2, 1, 0, 3], [0, 1, 2, 3], [3, 2, 1, 0]]


def test_a_sentence_ends_at_its_last_real_token() -> None:
    mask = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]).bool()
    assert last_positions(mask).tolist() == [2, 3, 0, 4]


@every_cell
@pytest.mark.parametrize("layers", [1, 3])
def test_what_stands_in_padding_reaches_no_annotation_and_no_gradient(cell: Cell, layers: int) -> None:
    encoder, x = RecurrentEncoder(layers, cell, 5, 8), torch.randn(4, 6, 5)
    real = torch.arange(6) < LENGTHS[:, None]
    results = []
    for padding in (x, torch.where(real[..., None], x, 100.0), torch.cat([x, torch.randn(4, 2, 5)], 1)):
        leaf = padding.clone().requires_grad_()
        annotations = encoder(leaf, LENGTHS)[:, :6]
        encoder.zero_grad()
        (annotations[real] * torch.linspace(-1, 1, 8)).sum().backward()
        assert leaf.grad is not None
        assert leaf.grad[:, :6][~real].eq(0).all()
        results.append([annotations[real], *(p.grad for p in encoder.parameters())])
    for other in results[1:]:
        for actual, wanted in zip(other, results[0], strict=True):
            assert wanted.abs().max() > 0
            torch.testing.assert_close(actual, wanted, atol=1e-5, rtol=1e-4)


@every_cell
def test_gradients_are_right_to_the_last_digit(cell: Cell) -> None:
    encoder = RecurrentEncoder(2, cell, 3, 4).double()
    x = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    weight = encoder.layers[0].backwards.hidden_weight  # type: ignore[union-attr]
    torch.autograd.gradcheck(lambda x, _: encoder(x, torch.tensor([4, 2]))[:, :2], (x, weight))


def test_dropout_acts_at_every_input_and_at_the_output_in_training_alone() -> None:
    encoder, x = RecurrentEncoder(2, "lstm", 4, 6, dropout=0.5), torch.randn(2, 5, 4)
    lengths = torch.tensor([5, 5])
    assert (encoder(x, lengths) == 0).float().mean() > 0.2
    encoder.eval()
    assert torch.equal(encoder(x, lengths), encoder(x, lengths))
    assert not (encoder(x, lengths) == 0).any()


def test_an_odd_width_for_two_directions_is_refused() -> None:
    with pytest.raises(ValueError, match="hidden_size 7 is odd"):
        RecurrentEncoder(1, "lstm", 4, 7)
