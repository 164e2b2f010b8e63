from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument
from torch import Tensor

from patchword.checkpoints.exportable import Exportable
from patchword.converters.exporting import export
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.search import SearchOptions, search
from tests.converters.onnx.models import OnnxModel, assert_graphs_are_described, randomised

SMALL = {"source_vocab_size": 23, "target_vocab_size": 23, "d_model": 16, "num_heads": 2, "d_ff": 24}
SMALL |= {"encoder_layers": 1, "decoder_layers": 1}
CONFIGS: dict[str, dict[str, object]] = {
    "as in the paper": {"decoder_layers": 2},
    "Pre-LN, learned positions, nothing shared": {
        "norm_first": True,
        "positions": "learned",
        "decoder_positions": "sinusoidal",
        "max_positions": 40,
        "source_vocab_size": 19,
        "share_embeddings": False,
        "tie_output": False,
        "scale_embeddings": False,
        "activation": "gelu",
        "dropout": 0.3,
        "attention_dropout": 0.3,
    },
    "as Marian": {
        "positions": "sinusoidal_halves",
        "activation": "silu",
        "output_bias": True,
        "pad_id": 22,
        "bos_id": 22,
        "eos_id": 0,
    },
}
LENGTHS = [9, 1, 4, 9, 6, 2, 8]


class Exported(NamedTuple):
    model: Transformer
    folder: Path
    onnx: OnnxModel


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys(), scope="module")
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    torch.manual_seed(2)
    model = randomised(Transformer(TransformerConfig.model_validate(SMALL | request.param)))
    assert isinstance(model, Transformer)
    out = tmp_path_factory.mktemp("onnx") / "out"
    export(Exportable(model, "translation", {"source_language": "en"}, {"vocabulary.model": b"\x00\x01"}), out, "onnx")
    return Exported(model, out, OnnxModel(out))


def sources(model: Transformer, lengths: list[int]) -> Tensor:
    """A sentence of each length, padded."""
    ids = torch.randint(4, 18, (len(lengths), max(lengths)))
    return ids.masked_fill(torch.arange(max(lengths)) >= torch.tensor(lengths)[:, None], model.config.pad_id)


@pytest.mark.parametrize("lengths", [[5], LENGTHS], ids=["batch 1", "batch 7"])
@torch.inference_mode()
def test_every_step_gives_our_logits(exported, lengths):
    model, _, onnx = exported
    source = sources(model, lengths)
    state = model.start(model.encode(source), source)
    memory, past = onnx.encode(source.numpy()), onnx.past(len(lengths))
    assert memory["source_mask"].tolist() == (source != model.config.pad_id).tolist()
    tokens = torch.full((len(lengths),), model.config.bos_id)
    for _ in range(12):
        expected, state = model.decode_step(tokens, state)
        found, past = onnx.step(tokens.numpy(), memory, past)
        torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=0)
        tokens = torch.randint(4, 18, tokens.shape)
    assert expected.std() > 0.1


def test_greedy_search_through_onnxruntime_gives_our_tokens(exported):
    model, _, onnx = exported
    source = sources(model, LENGTHS)
    expected = [best.tokens for (best,) in search(model, source, SearchOptions(method="greedy", max_extra=12))]
    assert len(set(expected)) > 3
    assert onnx.greedy(source.numpy(), torch.tensor(LENGTHS).numpy() + 12) == expected


def test_a_sentence_is_decoded_the_same_with_longer_neighbours(exported):
    model, _, onnx = exported
    source = sources(model, LENGTHS)
    alone, among = onnx.encode(source[2:3, :4].numpy()), onnx.encode(source.numpy())
    first = onnx.step(source[2:3, 0].numpy(), alone, onnx.past(1))[0]
    same = onnx.step(source[:, 0].numpy(), among, onnx.past(7))[0][2:3]
    torch.testing.assert_close(torch.from_numpy(first), torch.from_numpy(same), atol=1e-4, rtol=0)


@torch.inference_mode()
def test_the_longest_sentence_is_stated_and_a_longer_one_is_an_error(exported):
    model, _, onnx = exported
    limit = onnx.config["max_positions"]
    assert limit == (40 if model.config.positions == "learned" else 1024)
    source = torch.randint(4, 18, (1, limit + 1))
    expected = model.decoder.project_memory(model.encode(source[:, :limit]))[0].key
    memory = onnx.encode(source[:, :limit].numpy())
    torch.testing.assert_close(torch.from_numpy(memory["memory_key.0"]), expected, atol=1e-4, rtol=0)
    with pytest.raises((Fail, InvalidArgument)):
        onnx.encode(source.numpy())
    past = onnx.step(source[:, 0].numpy(), memory, onnx.past(1, limit - 1))[1]
    with pytest.raises((Fail, InvalidArgument)):
        onnx.step(source[:, 0].numpy(), memory, past)


def test_the_folder_says_all_that_a_program_must_know(exported):
    model, folder, onnx = exported
    assert {file.name for file in folder.iterdir()} == {
        "config.json",
        "encoder.onnx",
        "decoder_step.onnx",
        "vocabulary.model",
    }
    assert (folder / "vocabulary.model").read_bytes() == b"\x00\x01"
    ids = {"pad": model.config.pad_id, "start": model.config.bos_id, "end": model.config.eos_id}
    assert onnx.config["special_ids"] == ids
    assert (onnx.config["files"], onnx.config["source_language"]) == (["vocabulary.model"], "en")
    assert_graphs_are_described(onnx)
