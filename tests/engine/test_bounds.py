"""What is handed to the kernels by address is checked before."""

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import nn

from patchword.engine import native
from patchword.engine.attention import attend
from patchword.engine.layers import PackedNorm
from patchword.engine.module_weights import ModuleWeights
from patchword.engine.native_layers import NativeDecoder
from patchword.engine.output import PackedOutput
from patchword.engine.products import product
from patchword.engine.transformer import packed_transformer
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.batches import pad
from patchword.text.search import SearchOptions, search

SLOTS, QUERIES, HEADS, ENTRIES, SIZE = 2, 3, 4, 9, 16

pytestmark = pytest.mark.skipif(native.best() is None, reason="torch checks its own arguments")


def queries() -> torch.Tensor:
    return torch.randn(SLOTS, QUERIES, HEADS, SIZE)


def entries() -> torch.Tensor:
    return torch.randn(SLOTS, HEADS, ENTRIES, SIZE)


WRONG: dict[str, Any] = {
    "queries of other slots": lambda: (torch.randn(3, QUERIES, HEADS, SIZE), entries(), entries(), 9),
    "heads apart": lambda: (torch.randn(SLOTS, QUERIES, HEADS, 2 * SIZE)[..., :SIZE], entries(), entries(), 9),
    "slots apart": lambda: (torch.randn(SLOTS, QUERIES + 1, HEADS, SIZE)[:, :QUERIES], entries(), entries(), 9),
    "values of other strides": lambda: (
        queries(), entries(), torch.randn(SLOTS, ENTRIES, HEADS, SIZE).transpose(1, 2), 9,
    ),
    "fewer values": lambda: (queries(), entries(), entries()[:, :, :4], 4),
    "another type": lambda: (queries(), entries().double(), entries().double(), 9),
    "half of float": lambda: (queries(), entries().half(), entries().half(), 9),
    "bytes": lambda: (queries(), entries().to(torch.int8), entries().to(torch.int8), 9),
    "values of another type": lambda: (queries(), entries(), entries().bfloat16(), 9),
    "more entries than there are": lambda: (queries(), entries(), entries(), 10),
    "more positions than there are": lambda: (
        queries(), entries(), entries(), 4, None, torch.zeros(SLOTS * QUERIES, 4, dtype=torch.long),
    ),
    "a count too large": lambda: (queries(), entries(), entries(), 9, torch.tensor([3, 10])),
    "a negative count": lambda: (queries(), entries(), entries(), 9, torch.tensor([3, -1])),
    "counts of another type": lambda: (queries(), entries(), entries(), 9, torch.tensor([3, 3], dtype=torch.int32)),
    "too few counts": lambda: (queries(), entries(), entries(), 9, torch.tensor([3])),
    "a past of too few": lambda: (
        queries(), entries(), entries(), 3, None, torch.zeros(SLOTS * QUERIES - 1, 3, dtype=torch.long),
    ),
    "a past of others": lambda: (
        queries(), entries(), entries(), 3, None, torch.full((SLOTS * QUERIES, 3), QUERIES),
    ),
}  # fmt: skip


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_attention_reads_nothing_but_its_entries(arguments: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        attend(*arguments())


def test_the_likeliest_tokens_are_of_the_vocabulary() -> None:
    output, hidden = PackedOutput(torch.randn(10, 4), None, "float32"), torch.randn(2, 4)
    for count, never in ((0, ()), (11, ()), (1, (10,)), (1, (0, -1))):
        with pytest.raises(ValueError, match="tokens"):
            output.likeliest(hidden, count, never)
    assert output.likeliest(hidden, 10, (0, 9)).token.shape == (2, 10)


def test_arrays_that_a_network_hands_over_are_checked() -> None:
    transformer = packed_transformer(model_of_widths(), "float32").native
    logits = numpy.zeros((2, 30), numpy.float32)
    for wrong in (logits.astype(numpy.float64), logits[:, :4], numpy.zeros((2, 31), numpy.float32), logits[:, ::-1]):
        with pytest.raises(ValueError, match="in one piece"):
            transformer.likeliest_of(wrong, 1, ())
    for wrong in (numpy.zeros((3, 16)), numpy.zeros((3, 8), numpy.float32)):
        with pytest.raises(ValueError, match="in one piece"):
            transformer._encoder.run(wrong, [(0, 1, 3)])
        with pytest.raises(ValueError, match="in one piece"):
            transformer._vocabulary.output.likeliest(wrong, 1, ())
    for group in ((0, 2, 4), (-1, 1, 3), (5, 1, 3)):
        with pytest.raises(ValueError, match="groups"):
            transformer._encoder.run(numpy.zeros((7, 16), numpy.float32), [group])
    source = numpy.array([[5, 7, 3], [9, 3, 0]])
    for change in (
        {"counts": numpy.array([3, 2], numpy.int32)},
        {"counts": numpy.array([3])},
        {"source": numpy.zeros((2, 2, 2, 2, 3, 8))},
        {"source": numpy.zeros((2, 2, 2, 3, 2, 8), numpy.float32).swapaxes(3, 4)},
        {"target": [numpy.zeros((2, 2, 2, 9, 8)) for _ in range(2)]},
    ):
        state = transformer.start(transformer.encode(source))
        vars(state).update(change)
        with pytest.raises(ValueError, match="in one piece"):
            transformer.logits(numpy.array([2, 2]), state)
    for token in (30, -1):
        with pytest.raises(IndexError):
            transformer.encode(numpy.array([[5, token]]))


def test_norms_and_biases_have_their_size() -> None:
    norm = PackedNorm(nn.LayerNorm(16))
    for x, added in ((torch.randn(3, 8), None), (torch.randn(3, 16), torch.randn(2, 16))):
        with pytest.raises(ValueError, match=r"features|in one piece"):
            norm(x, added)
    with pytest.raises(ValueError, match="in one piece"):
        norm.added(torch.randn(3, 16), torch.randn(2, 16))
    for bias in (torch.randn(5), torch.randn(4, 1), torch.randn(4).double()):
        with pytest.raises(ValueError, match=r"a bias|the engine reads"):
            product(torch.randn(4, 8), bias, "float32")
    every_second = torch.randn(8)[::2]
    zeros = product(torch.zeros(4, 8), every_second, "float32")(torch.randn(1, 8))
    assert torch.equal(zeros[0], every_second)


def model_of_widths() -> Transformer:
    torch.manual_seed(1)
    sizes = {"d_model": 16, "num_heads": 2, "encoder_layers": 2, "decoder_layers": 2, "d_ff": 16}
    model = Transformer(TransformerConfig.parse({"source_vocab_size": 30, "target_vocab_size": 30, **sizes}, "t"))
    for stack in (model.encoder, model.decoder):
        layer: Any = stack.layers[1]
        layer.feed_forward.inner, layer.feed_forward.outer = nn.Linear(16, 4000), nn.Linear(4000, 16)
    return model.eval()


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_layers_may_differ_in_width(variant: str, precision: Any) -> None:
    model, source = model_of_widths(), pad([[5, 7, 3], [9, 3]], 0)
    engine = packed_transformer(model, precision)
    options = SearchOptions(max_extra=5)
    found, right = search(engine, source, options), search(model, source, options)
    if precision == "float32":
        assert [h[0].tokens for h in found] == [h[0].tokens for h in right]


def test_a_source_is_of_the_rows_that_there_are(kernel_set: str) -> None:
    model = model_of_widths()
    decoder = NativeDecoder(ModuleWeights(model, consume=False), model.config, "float32")
    rows = numpy.zeros((7, 16), numpy.float32)
    for starts, counts in (([0, 4], [4, 4]), ([-1, 0], [2, 2]), ([0, 0], [3, -1])):
        with pytest.raises(ValueError, match="of 7 rows"):
            decoder.start(rows, numpy.array(starts), numpy.array(counts))
    with pytest.raises(ValueError, match="in one piece"):
        decoder.start(rows, numpy.array([0, 1, 2]), numpy.array([2, 2]))


NO_MEMORY = """
import resource, torch
from patchword.engine.products import product
torch.set_num_threads({threads})
multiply = product(torch.randn(8, 513), None, "{precision}")
x = torch.randn(300_000, 513)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 16_000_000, -1))
try:
    multiply(x)
except MemoryError as error:
    print(error)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="a sanitizer needs more memory than the limit allows")
@pytest.mark.parametrize(("precision", "threads"), [("float32", 1), ("int8", 2)])
def test_memory_that_cannot_be_had_is_an_error(precision: str, threads: int) -> None:
    assert resource.RLIMIT_AS is not None
    program = NO_MEMORY.format(precision=precision, threads=threads)
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout == "the engine's kernels had no memory to work in; try smaller batches\n"
