"""The packed Transformer gives the reference's answers, whatever batch a sentence comes in."""

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patchword.engine import native
from patchword.engine.transformer import packed_transformer
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.batches import pad
from patchword.text.hypothesis import Hypothesis
from patchword.text.search import SearchOptions, search

CONFIGS: dict[str, dict[str, Any]] = {
    "post-norm": {},
    "pre-norm": {"norm_first": True, "activation": "gelu"},
    "marian": {"positions": "sinusoidal_halves", "activation": "silu", "output_bias": True},
    "separate": {"share_embeddings": False, "tie_output": False, "positions": "learned", "activation": "gelu_tanh"},
    "no positions": {"positions": "none", "scale_embeddings": False},
    "encoder's positions": {"decoder_positions": "none"},
}
SEARCHES = {
    "greedy": SearchOptions(method="greedy", max_extra=12),
    "beam": SearchOptions(max_extra=12),
    "n best": SearchOptions(beam=3, n_best=3, max_extra=12, length_penalty=1.0),
    "sample": SearchOptions(method="sample", n_best=2, max_extra=12),
}
VOCABULARY = 150  # not a multiple of the output's blocks


@cache
def reference(name: str) -> Transformer:
    config = {"source_vocab_size": VOCABULARY, "target_vocab_size": VOCABULARY, "d_model": 32, "num_heads": 4}
    layers = {"encoder_layers": 2, "decoder_layers": 2, "d_ff": 48}
    torch.manual_seed(len(name))
    model = Transformer(TransformerConfig.parse({**config, **layers, **CONFIGS[name]}, "test")).eval()
    for parameter in model.parameters():  # fresh biases are zero, and fresh norms do nothing
        parameter.data += 0.2 * torch.randn(parameter.shape)
    return model


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    torch.set_num_threads(1)  # two only wait for each other on networks this small
    yield
    torch.set_num_threads(1)


@cache
def packed(name: str, precision: Any = "float32") -> Any:
    return packed_transformer(reference(name), precision)


def sentences(lengths: list[int]) -> list[list[int]]:
    generator = torch.Generator().manual_seed(sum(lengths))
    return [[*torch.randint(4, VOCABULARY, (n - 1,), generator=generator).tolist(), 3] for n in lengths]


def decode(model: Any, rows: list[list[int]], options: SearchOptions) -> list[list[Hypothesis]]:
    return search(model, pad(rows, 0), options)


@pytest.mark.parametrize("options", SEARCHES.values(), ids=SEARCHES)
@pytest.mark.parametrize("name", CONFIGS)
def test_it_finds_what_the_reference_finds(name: str, options: SearchOptions) -> None:
    rows = sentences([9, 2, 5, 5, 1, 7, 12, 3, 4])
    expected, found = decode(reference(name), rows, options), decode(packed(name), rows, options)
    for ours, theirs in zip(found, expected, strict=True):
        assert [h.tokens for h in ours] == [h.tokens for h in theirs]
        assert [h.score for h in ours] == pytest.approx([h.score for h in theirs], abs=1e-4)


def test_it_finds_what_the_reference_finds_in_every_instruction_set(variant: str) -> None:
    rows = sentences([9, 2, 5, 5, 1, 7, 30, 3, 4])
    for options in (SEARCHES["greedy"], SEARCHES["n best"]):
        expected = decode(reference("marian"), rows, options)
        found = decode(packed_transformer(reference("marian"), "float32"), rows, options)
        assert [[h.tokens for h in ours] for ours in found] == [[h.tokens for h in theirs] for theirs in expected]


def test_a_row_of_padding_alone_is_translated_into_something(variant: str) -> None:
    found = search(packed_transformer(reference("marian"), "float32"), torch.tensor([[0, 0], [5, 3]]), SEARCHES["beam"])
    assert len(found) == 2


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_threads_change_no_translation(precision: Any) -> None:
    model, rows = packed("post-norm", precision), sentences([9, 2, 5, 5, 1, 7, 30, 3, 4, 11, 12])
    alone = decode(model, rows, SEARCHES["beam"])
    torch.set_num_threads(3)
    assert decode(model, rows, SEARCHES["beam"]) == alone


@given(
    lengths=st.lists(st.integers(1, 15), min_size=1, max_size=8),
    company=st.lists(st.integers(1, 15), max_size=8),
    name=st.sampled_from(sorted(CONFIGS)),
    search_name=st.sampled_from(["greedy", "beam", "n best"]),
    seed=st.integers(0, 999),
)
@settings(max_examples=60)
def test_a_translation_does_not_depend_on_its_batch_order_or_padding(
    lengths: list[int], company: list[int], name: str, search_name: str, seed: int
) -> None:
    model, options = packed(name), SEARCHES[search_name]
    rows = sentences(lengths)
    alone = [decode(model, [row], options)[0] for row in rows]
    batch = [(row, index) for index, row in enumerate(rows)] + [(row, -1) for row in sentences([*company, 14])]
    random.Random(seed).shuffle(batch)
    together = decode(model, [row for row, _ in batch], options)
    for (_, index), found in zip(batch, together, strict=True):
        if index >= 0:
            assert [h.tokens for h in found] == [h.tokens for h in alone[index]]
            scores = [h.score for h in alone[index]]
            # The kernels add a row's products in one order; torch's may change it with the number of rows.
            assert [h.score for h in found] == (scores if native.best() else pytest.approx(scores, abs=1e-5, rel=2e-6))


@pytest.mark.parametrize("options", [SEARCHES["greedy"], SEARCHES["beam"]], ids=["greedy", "beam"])
def test_a_long_translation_outgrows_every_store(options: SearchOptions) -> None:
    model = reference("marian")
    never_ends = {**model.state_dict(), "output.bias": model.output.bias.index_fill(0, torch.tensor(3), -1e4)}
    endless = Transformer(model.config).eval()
    endless.load_state_dict(never_ends)
    long = options.model_copy(update={"max_extra": 90})
    rows = sentences([4, 9, 2])
    expected, found = decode(endless, rows, long), decode(packed_transformer(endless, "float32"), rows, long)
    assert [h[0].tokens for h in found] == [h[0].tokens for h in expected]
    assert [len(h[0].tokens) for h in found] == [94, 99, 92]


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_rounded_logits_are_near_the_references(variant: str, precision: Any) -> None:
    source, tokens = pad(sentences([5, 3, 8]), 0), torch.tensor([2, 2, 2])
    with torch.inference_mode():
        logits = []
        for model in (reference("post-norm"), packed_transformer(reference("post-norm"), precision)):
            state: Any = model.start(model.encode(source), source)
            logits.append(model.decode_step(tokens, state)[0])
    error = (logits[0] - logits[1]).std() / logits[0].std()
    assert 0 < error < (0.1 if precision == "int8" else 0.02)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("d_model", [10, 48, 144])
@torch.inference_mode()
def test_what_is_remembered_through_reordered_beams_is_near_the_references(
    variant: str, precision: Any, d_model: int
) -> None:
    """Many positions, hypotheses that change places, sentences that end: the state grows and is packed meanwhile."""
    torch.manual_seed(1)
    sizes = {"d_model": d_model, "num_heads": 2, "encoder_layers": 2, "decoder_layers": 2, "d_ff": 32}
    config = TransformerConfig.parse({"source_vocab_size": VOCABULARY, "target_vocab_size": VOCABULARY, **sizes}, "t")
    right, draw, beam, left = Transformer(config).eval(), random.Random(1), 3, 4
    source = pad(sentences([5, 3, 8, 6]), 0)
    models = [right, packed_transformer(right, precision)]
    states: list[Any] = [model.start(model.encode(source), source) for model in models]
    errors = []
    for step in range(40):
        tokens = torch.tensor([draw.randrange(4, VOCABULARY) for _ in range(left * beam)])
        both = [model.decode_step(tokens, state) for model, state in zip(models, states, strict=True)]
        states = [state for _, state in both]
        errors.append(float((both[0][0] - both[1][0]).std() / both[0][0].std()))
        kept = torch.tensor([0, 2, 3][: left - 1]) if step in (7, 20) else None
        left = left if kept is None else len(kept)
        parents = torch.tensor([row * beam + draw.randrange(beam) for row in range(left) for _ in range(beam)])
        if kept is not None:
            parents = kept.repeat_interleave(beam) * beam + parents % beam
        for state in states:
            state.select(kept, parents)
    assert max(errors) < {"float32": 1e-5, "bfloat16": 0.02, "int8": 0.06}[precision]


def test_beams_of_another_width_are_refused_within_one_search() -> None:
    model = packed("post-norm")
    source = pad(sentences([5, 3]), 0)
    with torch.inference_mode():
        state = model.start(model.encode(source), source)
        model.decode_step(torch.tensor([2, 2]), state)
        with pytest.raises(ValueError, match="2 hypotheses a sentence after steps with 1"):
            model.decode_step(torch.tensor([2, 2, 2, 2]), state)


@pytest.mark.parametrize("name", ["marian", "separate"])
@pytest.mark.parametrize("options", [SEARCHES["greedy"], SEARCHES["n best"]], ids=["greedy", "n best"])
def test_padding_may_stand_anywhere(variant: str, name: str, options: SearchOptions) -> None:
    source = torch.tensor([[5, 0, 6, 3, 0], [0, 7, 8, 9, 3], [4, 3, 0, 0, 0], [9, 0, 0, 0, 3], [5, 6, 3, 0, 0]])
    expected = search(reference(name), source, options)
    found = search(packed_transformer(reference(name), "float32"), source, options)
    for ours, theirs in zip(found, expected, strict=True):
        assert [h.tokens for h in ours] == [h.tokens for h in theirs]
        assert [h.score for h in ours] == pytest.approx([h.score for h in theirs], abs=1e-4)
    with torch.inference_mode():
        rows, starts, _ = packed_transformer(reference(name), "float32").encode(source)
        right = reference(name).encode(source)[0, [0, 2, 3]]
    torch.testing.assert_close(torch.as_tensor(rows[starts[0] : starts[0] + 3]), right, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_weights_that_do_not_lie_in_one_piece_are_kept_apart(variant: str, precision: Any) -> None:
    model = Transformer(reference("separate").config).eval()
    model.load_state_dict(reference("separate").state_dict())
    expected = packed_transformer(model, precision)
    for module in (model.source_embedding, model.target_embedding, model.output):
        module.weight = torch.nn.Parameter(module.weight.detach().t().contiguous().t())
    rows = sentences([9, 2, 5])
    assert decode(packed_transformer(model, precision), rows, SEARCHES["beam"]) == decode(
        expected, rows, SEARCHES["beam"]
    )
