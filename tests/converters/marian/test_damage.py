"""What is wrong with a Marian folder is said in one sentence, and nothing is written."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from patchword import api
from patchword.errors import CheckpointError
from patchword.nn.positions import sinusoidal_table
from tests.converters.marian import reference as marian

pytestmark = [pytest.mark.filterwarnings(marian.THEIR_WARNING), pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def saved(tokenizers: dict[bool, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    folder = tmp_path_factory.mktemp("saved")
    for separate, tokenizer in tokenizers.items():
        marian.save(marian.build(tokenizers, separate=separate), tokenizer, folder / str(separate))
    return {separate: folder / str(separate) for separate in tokenizers}


def refusal(saved: Path, tmp_path: Path, damage: Callable[[Path], object]) -> str:
    """The sentence, without the folder that it begins with."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(saved, folder)
    damage(folder)
    with pytest.raises(CheckpointError) as caught:
        api.import_checkpoint(folder, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(str(folder))
    return text.removeprefix(str(folder)).lstrip("/").removeprefix(": ")


def edited(name: str, **changes: Any) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        values = json.loads((folder / name).read_text()) | changes
        (folder / name).write_text(json.dumps({k: v for k, v in values.items() if v is not None}))

    return edit


def with_tensors(**changes: torch.Tensor | None) -> Callable[[Path], object]:
    """Tensors by their names with "__" for "."; None takes one away."""

    def edit(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors") | {k.replace("__", "."): v for k, v in changes.items()}
        save_file({k: v for k, v in tensors.items() if v is not None}, folder / "model.safetensors")

    return edit


def truncated(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-50])


class _Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.remove, ("this must never run",)


def with_code(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with (folder / "pytorch_model.bin").open("wb") as file:
        pickle.dump({"model.shared.weight": _Evil()}, file, protocol=2)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (truncated("model.safetensors"), "truncated or not a safetensors file"),
        (with_code, "it wants to run code when it is opened, which is refused"),
        (with_tensors(model__decoder__layers__1__fc1__bias=None), "missing tensors [model.decoder.layers.1.fc1.bias]"),
        (with_tensors(model__shared__weight=None), "missing tensors [model.shared.weight]"),
        (with_tensors(model__adapter__weight=torch.ones(2)), "unexpected tensors [model.adapter.weight]"),
        (
            with_tensors(model__decoder__layers__1__fc1__bias=torch.ones(5)),
            "model.decoder.layers.1.fc1.bias is (5,) of torch.float32, which does not make "
            "decoder.layers.1.feed_forward.inner.bias (96,)",
        ),
        (
            with_tensors(model__encoder__embed_positions__weight=torch.ones(128, 64)),
            "embed_positions.weight is no table of sinusoids; only those are supported",
        ),
        (edited("config.json", d_model=63), "config.json: d_model 63 is not a multiple of num_heads 4"),
        (edited("config.json", model_type="bart"), "config.json: model_type 'bart' is another architecture"),
        (edited("config.json", activation_function="mish"), "config.json: unknown activation 'mish'; valid: gelu"),
        (edited("config.json", normalize_before=True), "normalize_before = True; only False is supported"),
        (edited("config.json", normalize_embedding=True), "normalize_embedding = True; only False is supported"),
        (
            edited("config.json", decoder_ffn_dim=48),
            "config.json: encoder_ffn_dim = 96, but decoder_ffn_dim = 48; only equal ones are supported",
        ),
        (
            edited("config.json", decoder_attention_heads=2),
            "encoder_attention_heads = 4, but decoder_attention_heads = 2; only equal ones are supported",
        ),
        (edited("config.json", eos_token_id=[0, 5]), "vocab.json has 0 for the eos token, config.json [0, 5]"),
        (edited("config.json", pad_token_id=3), "vocab.json has 699 for the pad token, config.json 3"),
        (edited("config.json", vocab_size=600), "vocab.json: piece"),
        (edited("config.json", decoder_vocab_size=650), "decoder_vocab_size = 650 is not vocab_size = 700"),
        (lambda f: (f / "source.spm").unlink(), "the vocabulary is not whole: source.spm missing"),
        (lambda f: (f / "vocab.json").unlink(), "the vocabulary is not whole: vocab.json missing"),
        (
            edited("tokenizer_config.json", separate_vocabs=True),
            "the vocabulary is not whole: target_vocab.json missing",
        ),
        (lambda f: (f / "target.spm").write_bytes(b"\x00no"), "target.spm: truncated or not a SentencePiece model"),
        (truncated("vocab.json"), "vocab.json: cannot be read as JSON"),
        (lambda f: (f / "vocab.json").write_text("[]"), "vocab.json: expected a JSON object, found a list"),
        (edited("vocab.json", **{"<unk>": None}), "vocab.json has no '<unk>', the unk token"),
        (edited("vocab.json", again=5), "vocab.json: two pieces have the same id"),
        (edited("vocab.json", text="x"), "vocab.json: piece 'text' has the id 'x'; expected a number below 700"),
        (truncated("generation_config.json"), "generation_config.json: cannot be read as JSON"),
    ],
)
def test_damage_is_named(
    saved: dict[bool, Path], tmp_path: Path, damage: Callable[[Path], object], sentence: str
) -> None:
    assert sentence in refusal(saved[False], tmp_path, damage)


def test_special_tokens_of_two_vocabularies_must_agree(saved: dict[bool, Path], tmp_path: Path) -> None:
    ids = json.loads((saved[True] / "target_vocab.json").read_text())
    other = next(piece for piece, index in ids.items() if index == 7)
    damage = edited("target_vocab.json", **{"</s>": 7, other: 0})
    assert "target_vocab.json: its eos_token has another id than in vocab.json" in refusal(
        saved[True], tmp_path, damage
    )


@pytest.mark.parametrize(("layout", "kind"), [("halves", "sinusoidal_halves"), ("interleaved", "sinusoidal")])
def test_tables_of_sinusoids_in_the_file_decide_the_layout(
    saved: dict[bool, Path], tmp_path: Path, layout: str, kind: str
) -> None:
    folder = tmp_path / "checkpoint"
    shutil.copytree(saved[False], folder)
    table = sinusoidal_table(128, 64, layout)
    with_tensors(
        model__encoder__embed_positions__weight=table.half(), model__decoder__embed_positions__weight=table.clone()
    )(folder)
    assert marian.opened(folder, tmp_path / "ours").model.config.positions == kind
