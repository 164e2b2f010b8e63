"""The packed RNN gives the reference's answers, whatever batch a sentence comes in."""

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import torch

from patchword.engine import native
from patchword.engine.choice import packed as chosen
from patchword.engine.recurrence import Steps
from patchword.engine.recurrent import PackedRecurrent
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.text.batches import pad
from patchword.text.hypothesis import Hypothesis
from patchword.text.search import SearchOptions, search

CONFIGS: dict[str, dict[str, Any]] = {
    "lstm": {},
    "gru": {"cell": "gru", "encoder_layers": 2},
    "additive": {"attention": "additive", "decoder_layers": 2, "output_bias": True},
    "dot": {"attention": "dot", "input_feeding": False, "share_embeddings": False, "tie_output": False},
    "odd sizes": {"cell": "gru", "attention": "additive", "embedding_size": 13, "hidden_size": 22},
}
SEARCHES = {
    "greedy": SearchOptions(method="greedy", max_extra=12),
    "beam": SearchOptions(max_extra=12),
    "n best": SearchOptions(beam=3, n_best=3, max_extra=12, length_penalty=1.0),
    "sample": SearchOptions(method="sample", n_best=2, max_extra=12),
}
VOCABULARY = 150  # not a multiple of the output's blocks


@cache
def reference(name: str) -> Recurrent:
    choice = {"embedding_size": 24, "hidden_size": 32, **CONFIGS[name]}
    torch.manual_seed(len(name))
    model = Recurrent(
        RecurrentConfig(source_vocab_size=VOCABULARY, target_vocab_size=VOCABULARY, **choice)  # type: ignore[arg-type]
    ).eval()
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape)
    return model


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    torch.set_num_threads(1)  # two only wait for each other on networks this small
    yield
    torch.set_num_threads(1)


@cache
def packed(name: str, precision: Any = "float32") -> PackedRecurrent:
    with torch.inference_mode():
        return PackedRecurrent(reference(name), precision)


def sentences(lengths: list[int]) -> list[list[int]]:
    generator = torch.Generator().manual_seed(sum(lengths))
    return [[*torch.randint(4, VOCABULARY, (n - 1,), generator=generator).tolist(), 3] for n in lengths]


def decode(model: Any, rows: list[list[int]], options: SearchOptions) -> list[list[Hypothesis]]:
    return search(model, pad(rows, 0), options)


@pytest.mark.parametrize("options", SEARCHES.values(), ids=SEARCHES)
@pytest.mark.parametrize("name", CONFIGS)
def test_it_finds_what_the_reference_finds(name: str, options: SearchOptions) -> None:
    rows = sentences([9, 2, 5, 5, 1, 7, 40, 3, 4])
    expected, found = decode(reference(name), rows, options), decode(packed(name), rows, options)
    for ours, theirs in zip(found, expected, strict=True):
        assert [h.tokens for h in ours] == [h.tokens for h in theirs]
        assert [h.score for h in ours] == pytest.approx([h.score for h in theirs], abs=1e-4)


def test_it_finds_what_the_reference_finds_in_every_instruction_set(variant: str) -> None:
    rows = sentences([9, 2, 5, 5, 1, 7, 30, 3, 4])
    with torch.inference_mode():
        model = PackedRecurrent(reference("additive"), "float32")
    for options in (SEARCHES["greedy"], SEARCHES["n best"]):
        for ours, theirs in zip(
            decode(model, rows, options), decode(reference("additive"), rows, options), strict=True
        ):
            assert [h.tokens for h in ours] == [h.tokens for h in theirs]


@pytest.mark.skipif(native.best() is None, reason="torch's products depend on the batch")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_sentence_has_the_same_bits_in_every_batch(name: str, precision: str, threads: int) -> None:
    model, generator = packed(name, precision), random.Random(0)
    rows = sentences([9, 2, 5, 5, 1, 7, 40, 3, 4, 11, 12, 6])
    for options in (SEARCHES["greedy"], SEARCHES["n best"]):
        torch.set_num_threads(1)
        alone = [decode(model, [row], options)[0] for row in rows]
        torch.set_num_threads(threads)
        for _ in range(6 if threads == 1 else 2):
            batch = generator.sample(range(len(rows)), generator.randint(2, len(rows)))
            found = decode(model, [rows[index] for index in batch], options)
            # Scores too are equal to the bit.
            assert found == [alone[index] for index in batch]


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
@pytest.mark.parametrize("name", CONFIGS)
@torch.inference_mode()
def test_rounded_weights_are_near_float32(name: str, precision: str) -> None:
    source, target = pad(sentences([9, 2, 7]), 0), torch.tensor([2, 2, 2])
    exact, near = (
        model.decode_step(target, model.start(model.encode(source), source))[0]
        for model in (packed(name), packed(name, precision))
    )
    assert 0 < (near - exact).norm() < 0.1 * exact.norm()


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_consumed_model_has_given_its_matrices_up(precision: Any) -> None:
    model = reference("lstm").adapted(reference("lstm").config)
    rows = sentences([4, 9])
    expected = decode(model.eval(), rows, SEARCHES["beam"])
    engine = chosen(model, precision, consume=True)
    assert isinstance(engine, PackedRecurrent)
    assert all(parameter.numel() == 0 for parameter in model.parameters())
    assert len(decode(engine, rows, SEARCHES["beam"])) == len(expected)


def test_steps_lie_one_after_another_longest_sentence_first() -> None:
    steps = Steps.of(torch.tensor([3, 2, 2, 1]))
    assert steps.starts == [0, 4, 7, 8]
    assert steps.places.tolist() == [[0, 4, 7], [1, 5, 1], [2, 6, 2], [3, 3, 3]]
    assert steps.reversal.tolist() == [7, 5, 6, 3, 4, 1, 2, 0]


def test_padding_before_a_token_is_refused_rather_than_read_otherwise_than_by_the_reference() -> None:
    model = PackedRecurrent(reference("lstm"), "float32")
    with pytest.raises(ValueError, match="padding stands before a token"):
        model.encode(torch.tensor([[5, 0, 6, 3]]))
    assert model.encode(torch.tensor([[5, 6, 3, 0]])) is not None
