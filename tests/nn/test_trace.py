import math

import pytest
import torch
from torch import Tensor, nn

from patchword.nn.alignment import Score, alignment
from patchword.nn.attention import MultiHeadAttention
from patchword.nn.attentional_decoder import AttentionalDecoder
from patchword.nn.embeddings import TokenEmbedding
from patchword.nn.encoder import Encoder, LayerOptions
from patchword.nn.feed_forward import ACTIVATION_NAMES, FeedForward
from patchword.nn.heads import ClassificationHead
from patchword.nn.masks import padding_mask
from patchword.nn.patches import PatchEmbedding
from patchword.nn.positions import GridPositions, LearnedPositions, NoPositions, SinusoidalPositions
from patchword.nn.recurrence import Cell, RecurrentEncoder, RecurrentLayer
from patchword.nn.residual import ResidualNorm
from patchword.nn.residual_block import BlockOptions, ResidualBlock, Stem
from patchword.nn.trace import AttentionTrace, OverTime, Step, WalkTrace


def noted(trace: WalkTrace) -> dict[str, Tensor]:
    """Values by name; every name once."""
    steps = {step.name: step.values for step in trace.steps}
    assert len(steps) == len(trace.steps)
    return steps


def test_a_trace_keeps_layers_in_order_under_their_names():
    trace, maps = AttentionTrace(), [torch.rand(1, 2, 3, 3) for _ in range(3)]
    for name, weights in zip(["encoder", "cross", "encoder"], maps, strict=True):
        trace.record(name, weights)
    assert torch.equal(torch.stack(trace["encoder"]), torch.stack([maps[0], maps[2]]))
    assert torch.equal(trace["cross"][0], maps[1])


def test_a_name_that_was_never_recorded_is_an_error():
    with pytest.raises(KeyError, match="decoder"):
        AttentionTrace()["decoder"]


def test_maps_are_kept_whatever_part_of_the_network_they_are_of():
    trace = AttentionTrace()
    trace.within("encoder").within("0").record("encoder", torch.ones(1, 1, 2, 2))
    assert len(trace["encoder"]) == 1


def test_steps_are_named_from_the_outside_in_and_their_axes_as_the_outside_calls_them():
    trace = WalkTrace()
    outer = trace.within("decoder", {"position": "target", "memory": "source"})
    inner = outer.within("cross_attention", {"query": "position", "key": "memory"})
    inner.note("weights", ("batch", "head", "query", "key"), torch.rand(1, 1, 2, 3))
    assert trace.steps[0].name == "decoder.cross_attention.weights"
    assert trace.steps[0].axes == ("batch", "head", "target", "source")


def test_a_walk_keeps_of_each_step_what_it_is_told_to_keep_when_it_is_noted():
    trace = WalkTrace(lambda step: (step.name, step.values.sum().item()))
    values = torch.ones(1, 3)
    trace.note("first", ("batch", "channel"), values)
    values.zero_()
    assert trace.steps == [("first", 3.0)]


def test_what_positions_note_one_at_a_time_becomes_steps_of_all_positions():
    trace = WalkTrace()
    over_time = OverTime(trace)
    for place in range(3):
        over_time.note("hidden", ("batch", "channel"), torch.full((2, 4), float(place)))
        over_time.note("weights", ("batch", "position", "memory"), torch.full((2, 1, 5), float(place)))
    over_time.hand_on()
    assert [(step.name, step.axes) for step in trace.steps] == [
        ("hidden", ("batch", "position", "channel")),
        ("weights", ("batch", "position", "memory")),
    ]
    assert trace.steps[0].values[0, :, 0].tolist() == trace.steps[1].values[1, :, 4].tolist() == [0, 1, 2]


@pytest.mark.parametrize("hidden", ["nothing", "later positions", "padding"])
def test_equation_1_holds_between_the_noted_steps_of_attention(hidden: str):
    attention, x = MultiHeadAttention(8, 2), torch.randn(2, 5, 8)
    mask = padding_mask(torch.tensor([[1, 1, 1, 0, 0], [1] * 5]), 0) if hidden == "padding" else None
    causal = hidden == "later positions"
    trace = WalkTrace()
    output = attention(x, mask=mask, causal=causal, trace=trace)
    steps = noted(trace)
    query, key, value = steps["query"], steps["key"], steps["value"]
    scores = torch.einsum("bhqc,bhkc->bhqk", query, key) / math.sqrt(4)
    assert torch.allclose(steps["scores"], scores, atol=1e-6)
    if hidden == "nothing":
        assert "mask" not in steps
    else:
        scores = scores.masked_fill(steps["mask"] == 0, -math.inf)
        expected = torch.ones(5, 5).tril().bool() if causal else mask.expand(2, 2, 5, 5)
        assert torch.equal(steps["mask"], expected.expand(2, 2, 5, 5))
    assert torch.allclose(steps["weights"], scores.softmax(-1), atol=1e-6)
    assert torch.allclose(steps["weighted_values"], scores.softmax(-1) @ value, atol=1e-6)
    heads = torch.cat([steps["weighted_values"][:, head] for head in range(2)], dim=-1)
    assert torch.allclose(steps["output"], attention.output(heads), atol=1e-6)
    assert torch.equal(steps["output"], output)
    assert torch.allclose(output, attention(x, mask=mask, causal=causal), atol=1e-5)
    assert torch.allclose(query[0, 1, 2], attention.query_key_value(x)[0, 2, 4:8], atol=1e-6)


def test_a_mask_that_hides_nothing_is_no_step():
    trace = WalkTrace()
    MultiHeadAttention(8, 2)(torch.randn(1, 3, 8), mask=torch.ones(1, 1, 1, 3, dtype=torch.bool), trace=trace)
    assert "mask" not in noted(trace)


def test_post_ln_notes_the_sum_and_its_norm():
    residual, x, trace = ResidualNorm(8, 0.0, norm_first=False), torch.randn(1, 3, 8), WalkTrace()
    result = residual(x, lambda y: 2 * y, trace)
    steps = noted(trace)
    assert torch.equal(steps["sum"], x + 2 * x)
    assert torch.equal(steps["norm"], residual.norm(steps["sum"]))
    assert torch.equal(result, residual(x, lambda y: 2 * y))
    assert torch.equal(result, steps["norm"])


def test_pre_ln_notes_the_norm_and_the_sum_with_what_was_not_normed():
    residual, x, trace = ResidualNorm(8, 0.0, norm_first=True, layer_scale=0.5), torch.randn(1, 3, 8), WalkTrace()
    result = residual(x, lambda y: 2 * y, trace)
    steps = noted(trace)
    assert torch.equal(steps["norm_before"], residual.norm(x))
    assert torch.equal(steps["layer_scale"], 2 * steps["norm_before"] * 0.5)
    assert torch.equal(steps["sum_of_norm_before"], x + steps["layer_scale"])
    assert torch.equal(result, residual(x, lambda y: 2 * y))


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_equation_2_holds_between_the_noted_steps_of_the_feed_forward_network(activation: str):
    network, x, trace = FeedForward(8, 16, activation), torch.randn(1, 3, 8), WalkTrace()
    output = network(x, trace)
    steps = noted(trace)
    assert list(steps) == ["inner", activation, "output"]
    assert torch.equal(steps["inner"], network.inner(x))
    if activation == "relu":
        assert torch.equal(steps["relu"], steps["inner"].clamp(min=0))
    assert torch.equal(steps["output"], network.outer(steps[activation]))
    assert torch.equal(output, network(x))
    assert torch.equal(output, steps["output"])


def test_an_embedding_is_noted_before_and_after_its_factor():
    tokens, trace = torch.tensor([[1, 2]]), WalkTrace()
    embedding = TokenEmbedding(5, 16, 0)
    embedding(tokens, trace)
    steps = noted(trace)
    assert torch.equal(steps["embedding"][0, 1], embedding.weight[2])
    assert torch.equal(steps["scaled_embedding"], steps["embedding"] * 4)
    plain = WalkTrace()
    TokenEmbedding(5, 16, 0, scaled=False)(tokens, plain)
    assert list(noted(plain)) == ["embedding"]


def test_the_noted_table_has_the_sines_and_cosines_of_section_3_5():
    trace, x = WalkTrace(), torch.randn(1, 4, 6)
    SinusoidalPositions(6)(x, 2, trace)
    steps = noted(trace)
    for place, position in enumerate(range(2, 6)):
        for i in range(3):
            angle = position / 10000 ** (2 * i / 6)
            assert steps["sinusoids"][place, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert steps["sinusoids"][place, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)
    assert torch.equal(steps["positions_added"], x + steps["sinusoids"])


@pytest.mark.parametrize(
    ("positions", "names"),
    [
        (SinusoidalPositions(6, "halves"), ["sinusoids_in_halves", "positions_added"]),
        (LearnedPositions(9, 6), ["learned_positions", "positions_added"]),
        (NoPositions(), []),
    ],
)
def test_each_kind_of_positions_has_steps_of_its_own(positions: nn.Module, names: list[str]):
    trace, x = WalkTrace(), torch.randn(1, 4, 6)
    added = positions(x, trace=trace)
    assert list(noted(trace)) == names
    assert torch.equal(added, positions(x))


def test_vit_equation_1_holds_between_the_noted_steps_of_patches_and_positions():
    patches, positions, trace = PatchEmbedding(4, 3, 8), GridPositions((2, 3), 8), WalkTrace()
    images, class_token = torch.rand(1, 3, 8, 12), torch.randn(1, 1, 8)
    positions(torch.cat([class_token, patches(images, trace)], 1), trace)
    steps = noted(trace)
    assert torch.equal(steps["patches"][0, 1, 1], images[0, :, 4:8, 4:8])  # the second row's second
    embedded = steps["patches"].flatten(1, 2).flatten(2) @ patches.projection.weight.T + patches.projection.bias
    assert torch.allclose(steps["patch_embedding"], embedded, atol=1e-6)
    expected = torch.cat([class_token, steps["patch_embedding"]], 1) + steps["position_embedding"]
    assert torch.equal(steps["embedded_patches"], expected)


def test_a_head_notes_its_hidden_layer_and_its_logits_where_it_has_them():
    x = torch.randn(1, 8)
    for head, names in [
        (ClassificationHead(8, 3), ["logits"]),
        (ClassificationHead(8, 3, 5), ["hidden", "logits"]),
        (ClassificationHead(8, 0), []),
    ]:
        trace = WalkTrace()
        assert torch.equal(head(x, trace), head(x))
        assert list(noted(trace)) == names


@pytest.mark.parametrize("norm_first", [False, True])
def test_layers_are_told_apart_by_their_numbers(norm_first: bool):
    encoder = Encoder(2, LayerOptions(8, 2, 16, norm_first=norm_first))
    trace = WalkTrace()
    x = torch.randn(1, 3, 8)
    result = encoder(x, trace=trace)
    steps = noted(trace)
    last = "1.feed_forward.sum_of_norm_before" if norm_first else "1.feed_forward.norm"
    assert {name.split(".")[0] for name in steps} == ({"0", "1", "norm"} if norm_first else {"0", "1"})
    assert torch.equal(result, encoder.norm(steps[last]))
    assert torch.allclose(result, encoder(x), atol=1e-5)


def sigma(x: Tensor) -> Tensor:
    return 1 / (1 + (-x).exp())


def gates(layer: RecurrentLayer, x: Tensor, hidden: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """W x + b and U h + b', a gate each."""
    count = layer.input_weight.size(0) // layer.hidden_size
    ahead = (x @ layer.input_weight.T + layer.input_bias).chunk(count, -1)
    back = (hidden @ layer.hidden_weight.T + layer.hidden_bias).chunk(count, -1)
    return list(ahead), list(back)


def test_the_noted_gates_of_an_lstm_are_the_papers_and_lead_to_what_torch_computes():
    layer, x, trace = RecurrentLayer("lstm", 6, 4), torch.randn(2, 5, 6), WalkTrace()
    output, (hidden, cell) = layer(x, trace=trace)
    steps = noted(trace)
    h, c = torch.zeros(2, 4), torch.zeros(2, 4)
    for t in range(5):
        i, f, g, o = (a + b for a, b in zip(*gates(layer, x[:, t], h), strict=True))
        c = sigma(f) * c + sigma(i) * torch.tanh(g)
        h = sigma(o) * torch.tanh(c)
        for name, value in {
            "input_gate": sigma(i),
            "forget_gate": sigma(f),
            "candidate": torch.tanh(g),
            "output_gate": sigma(o),
            "cell": c,
            "hidden": h,
        }.items():
            assert torch.allclose(steps[f"lstm.{name}"][:, t], value, atol=1e-6), (name, t)
    fused, (last, memory) = layer(x)
    assert torch.allclose(output, fused, atol=1e-6)
    assert torch.equal(output, steps["lstm.hidden"])
    assert torch.allclose(hidden, last, atol=1e-6)
    assert torch.allclose(cell, memory, atol=1e-6)


def test_the_noted_gates_of_a_gru_are_the_papers_and_lead_to_what_torch_computes():
    layer, x, trace = RecurrentLayer("gru", 6, 4), torch.randn(2, 5, 6), WalkTrace()
    output, _ = layer(x, trace=trace)
    steps = noted(trace)
    h = torch.zeros(2, 4)
    for t in range(5):
        (r, z, n), (reset, update, candidate) = gates(layer, x[:, t], h)
        r, z = sigma(r + reset), sigma(z + update)
        n = torch.tanh(n + r * candidate)
        h = z * h + (1 - z) * n
        for name, value in {"reset_gate": r, "update_gate": z, "candidate": n, "hidden": h}.items():
            assert torch.allclose(steps[f"gru.{name}"][:, t], value, atol=1e-6), (name, t)
    assert torch.allclose(output, layer(x)[0], atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_both_directions_are_noted_in_the_order_of_the_sentence(cell: Cell):
    encoder, x, trace = RecurrentEncoder(2, cell, 6, 8), torch.randn(2, 5, 6), WalkTrace()
    lengths = torch.tensor([5, 3])
    annotations = encoder(x, lengths, trace)
    steps = noted(trace)
    for layer in "01":
        both = [steps[f"{layer}.{direction}.{cell}.hidden"] for direction in ("forwards", "backwards")]
        assert torch.equal(steps[f"{layer}.annotations"], torch.cat(both, -1))
    assert torch.equal(annotations, steps["1.annotations"])
    assert torch.allclose(annotations, encoder(x, lengths), atol=1e-6)


@pytest.mark.parametrize("score", ["additive", "dot", "general"])
@pytest.mark.parametrize("input_feeding", [False, True])
def test_alignments_and_contexts_of_the_decoder_follow_from_its_noted_scores(score: Score, input_feeding: bool):
    decoder = AttentionalDecoder(2, "lstm", 6, 8, score, input_feeding)
    x, memory, trace = torch.randn(2, 4, 6), torch.randn(2, 5, 8), WalkTrace()
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    states, weights = decoder(x, memory, mask, trace)
    steps = noted(trace)
    hidden, scores = steps["1.lstm.hidden"], steps[f"attention.{score}_scores"]
    assert torch.allclose(scores, decoder.alignment.scores(hidden, decoder.alignment.keys(memory)), atol=1e-6)
    assert torch.allclose(
        steps["attention.alignment"], scores.masked_fill(~mask[:, None], -math.inf).softmax(-1), atol=1e-6
    )
    assert torch.allclose(steps["attention.context"], steps["attention.alignment"] @ memory, atol=1e-6)
    both = torch.cat([steps["attention.context"], hidden], -1)
    assert torch.allclose(steps["attention.attentional_state"], decoder.combination(both).tanh(), atol=1e-6)
    assert torch.equal(weights, steps["attention.alignment"])
    plain, plain_weights = decoder(x, memory, mask)
    assert torch.allclose(states, plain, atol=1e-6)
    assert torch.allclose(weights, plain_weights, atol=1e-6)
    assert steps["0.initial_state"].shape == steps["1.initial_state"].shape == (2, 8)


def test_the_scores_of_an_alignment_have_the_name_of_their_kind():
    for score in ("additive", "dot", "general"):
        assert alignment(score, 4).name == f"{score}_scores"


@pytest.mark.parametrize(("inputs", "names"), [(8, ["branch", "block_output"]), (4, None)])
def test_resnet_equations_1_and_2_hold_between_the_noted_steps_of_a_block(inputs: int, names: list[str] | None):
    block = ResidualBlock(inputs, 8, 1, BlockOptions(zero_last_norm=False)).eval()
    x, trace = torch.randn(1, inputs, 6, 6), WalkTrace()
    output = block(x, trace)
    steps = noted(trace)
    assert list(steps) == (names or ["branch", "shortcut", "block_output"])
    shortcut = steps["shortcut"] if names is None else x
    assert torch.equal(steps["block_output"], (steps["branch"] + shortcut).relu())
    assert torch.equal(output, block(x))
    assert torch.equal(output, steps["block_output"])


def test_a_stem_notes_its_convolution_and_its_pooling_where_it_has_one():
    x = torch.randn(1, 3, 16, 16)
    for kind, names in (("imagenet", ["convolution", "pool"]), ("cifar", ["convolution"])):
        stem, trace = Stem(3, 4, kind, BlockOptions()).eval(), WalkTrace()
        assert torch.equal(stem(x, trace), stem(x))
        steps = noted(trace)
        assert list(steps) == names
        assert steps["convolution"].min() >= 0


def test_values_of_steps_have_no_graph():
    trace = WalkTrace()
    FeedForward(4, 4)(torch.randn(1, 2, 4), trace)
    assert not any(step.values.requires_grad for step in trace.steps)
    assert all(isinstance(step, Step) for step in trace.steps)
