"""Starting a translator from another: vocabulary, architecture, languages, special ids, frozen parts, resuming."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from patchword import api
from patchword.errors import ModelFolderError, RecipeError
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.pairs import Pair
from patchword.text.presets import choose_fine_tuning
from patchword.text.recipe import TranslationRecipe
from patchword.text.task import TranslationTask
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig
from patchword.training.freezing import freeze, train_mode
from patchword.training.metrics import read_metrics

SIZES = {"d_model": 16, "num_heads": 2, "encoder_layers": 2, "decoder_layers": 1, "d_ff": 16}


def save_translator(folder: Path, phrases: tuple[Path, Path], *, joint: bool = True, **changes: Any) -> Path:
    texts = [path.read_text(encoding="utf-8").splitlines() for path in phrases]
    vocabulary = Vocabulary.train(*texts, VocabularyConfig(size=400, joint=joint))
    fields = {"source_vocab_size": 400, "target_vocab_size": 400, **SIZES, "share_embeddings": joint, **changes}
    Translator(Transformer(TransformerConfig.model_validate(fields)), vocabulary, ("en", "de")).save(folder)
    return folder


@pytest.fixture
def init(phrases: tuple[Path, Path], tmp_path: Path) -> Path:
    return save_translator(tmp_path / "init", phrases, dropout=0.25, output_bias=True)


def recipe(init: Path, phrases: tuple[Path, Path], **changes: Any) -> TranslationRecipe:
    values: dict[str, Any] = {
        "init": str(init),
        "data": {"train": [str(path) for path in phrases], "hold_out": 30},
        "batch_tokens": 400,
        "optimizer": {"learning_rate": 1e-3, "layer_decay": 0.8, "clip_norm": 1.0},
        "training": {"max_steps": 8, "validate_every": 4, "ema_decay": 0.9},
    }
    return TranslationRecipe.parse({**values, **changes}, "recipe.toml")


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "best" / "model.safetensors")


def losses(run: Path) -> list[Any]:
    rows = read_metrics(run / "metrics.jsonl")
    return [{key: row[key] for key in row if "second" not in key} for row in rows]


def test_weights_vocabulary_languages_and_architecture_are_taken_over(
    init: Path, phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    task = TranslationTask.prepare(recipe(init, phrases, model={"attention_dropout": 0.5}), tmp_path / "run")
    old = Translator.load(init)
    assert task.vocabulary.files() == old.vocabulary.files()
    assert all(torch.equal(old.model.state_dict()[name], w) for name, w in task.model.state_dict().items())
    assert task.model.config == old.model.config.model_copy(update={"attention_dropout": 0.5})
    data = task.recipe.data
    assert (data.source_language, data.target_language) == ("en", "de")
    assert task.notes[0] == (f"starting from {init}, en to de, with its vocabulary of 400 tokens, training all of it")


def test_languages_can_be_given(init: Path, phrases: tuple[Path, Path], tmp_path: Path) -> None:
    data = {"train": [str(path) for path in phrases], "target_language": "de-AT"}
    task = TranslationTask.prepare(recipe(init, phrases, data=data), tmp_path / "run")
    task.save(task.model, tmp_path / "model", {})
    assert Translator.load(tmp_path / "model").languages == ("en", "de-AT")


def test_json_lines_are_read_by_the_init_models_languages(
    init: Path, phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    rows = "".join(f'{{"en": "{i} days", "de": "{i} Tage"}}\n' for i in range(40))
    (tmp_path / "pairs.jsonl").write_text(rows)
    data = {"train": [str(tmp_path / "pairs.jsonl")]}
    assert "36 training pairs" in TranslationTask.prepare(recipe(init, phrases, data=data), tmp_path / "run").notes[1]


def test_padding_and_loss_follow_the_models_own_special_ids(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    # As in Marian: padding is an ordinary id at the end of the vocabulary, and decoding starts from it.
    init = save_translator(tmp_path / "init", phrases, pad_id=399, bos_id=399, eos_id=3)
    task = TranslationTask.prepare(recipe(init, phrases), tmp_path / "run")
    batch = task.load([0, 1, 2, 3], torch.device("cpu"))
    lengths = [len(task._targets[i]) for i in range(4)]
    assert min(lengths) < max(lengths)
    for row, length in zip(batch.target, lengths, strict=True):
        assert (row[length:] == 399).all()
        assert (row[1:length] != 399).all()
    assert task.loss(task.model, batch).count == sum(lengths) - 4


def test_a_run_goes_on_bit_for_bit_where_its_init_model_has_moved(
    init: Path, phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    api.train(recipe(init, phrases, freeze="encoder"), tmp_path / "whole", show=False)
    part = {"max_steps": 4, "validate_every": 4, "ema_decay": 0.9}
    api.train(recipe(init, phrases, freeze="encoder", training=part), tmp_path / "parts", show=False)
    init.rename(tmp_path / "moved")
    resumed = api.resumed_recipe(tmp_path / "parts", ["training.max_steps=8"])
    assert api.train(resumed, tmp_path / "parts", resume=True, show=False).step == 8
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    wanted, found = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    assert sorted(path.name for path in (tmp_path / "parts" / "state").iterdir()) == [
        "config.json",
        "latest.pt",
        "previous.pt",
    ]
    assert api.load(tmp_path / "parts").languages == ("en", "de")


@pytest.mark.parametrize(
    ("part", "joint", "still"),
    [
        ("embeddings", True, {"source_embedding"}),
        ("embeddings", False, {"source_embedding", "target_embedding"}),
        ("encoder", True, {"source_embedding", "encoder"}),
        ("encoder", False, {"source_embedding", "encoder"}),
    ],
)
def test_frozen_parts_stay_bit_for_bit_and_the_others_move(
    phrases: tuple[Path, Path], tmp_path: Path, part: str, joint: bool, still: set[str]
) -> None:
    init = save_translator(tmp_path / "init", phrases, joint=joint)
    api.train(recipe(init, phrases, freeze=part), tmp_path / "run", show=False)
    before = load_file(init / "model.safetensors")
    state = torch.load(tmp_path / "run" / "state" / "latest.pt", weights_only=True)
    moved: dict[bool, set[str]] = defaultdict(set)
    for name, weight in before.items():
        moved[not torch.equal(weight, state["model"][name])].add(name.split(".")[0])
    assert moved[False] == still
    assert moved[True] == {name.split(".")[0] for name in before} - still
    assert len(state["optimizer"]["state"]) == sum(name.split(".")[0] not in still for name in before)


def test_a_frozen_encoders_memory_has_neither_graph_nor_dropout(
    init: Path, phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    task = TranslationTask.prepare(recipe(init, phrases, freeze="encoder", model={"dropout": 0.5}), tmp_path / "run")
    assert isinstance(task.model, Transformer)
    freeze(task.model, task.frozen)
    train_mode(task.model, task.frozen)
    source = task.load([0, 1], torch.device("cpu")).source
    memory = task.model.encode(source)
    assert not memory.requires_grad
    assert task.model.dropout.training
    assert torch.equal(memory, task.model.eval().encode(source))


def test_distances_count_the_layers_on_the_shortest_way_to_the_output() -> None:
    fields = {"source_vocab_size": 9, "target_vocab_size": 9, **SIZES, "decoder_layers": 2, "norm_first": True}
    config = TransformerConfig.model_validate({**fields, "output_bias": True, "positions": "learned"})
    model = Transformer(config)
    found = {name: model.depth(name) for name, _ in model.named_parameters()}
    assert {found[name] for name in found if name.startswith("decoder.layers.1.")} == {1}
    assert {found[name] for name in found if name.startswith("decoder.layers.0.")} == {2}
    assert {found[name] for name in found if name.startswith("encoder.layers.1.")} == {2}
    assert {found[name] for name in found if name.startswith("encoder.layers.0.")} == {3}
    assert (found["encoder.norm.weight"], found["decoder.norm.weight"], found["output.bias"]) == (1, 0, 0)
    embeddings = {name for name in found if name.startswith(("source_", "target_"))}
    assert {found[name] for name in embeddings} == {4}


def test_without_freezing_no_part_is_frozen() -> None:
    assert Transformer(TransformerConfig.named("tiny", 9, 9)).frozen(None) == []


def test_what_the_init_model_decides_cannot_be_set(init: Path, phrases: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(init, phrases, vocabulary={"size": 500})
    assert str(caught.value) == ("recipe.toml: vocabulary.size cannot be set together with init, whose model has it")
    with pytest.raises(RecipeError, match=r"model\.norm_first cannot be set together with init"):
        recipe(init, phrases, model={"norm_first": True})
    with pytest.raises(RecipeError, match=r"freeze = 'backbone': input should be 'embeddings' or 'encoder'"):
        recipe(init, phrases, freeze="backbone")
    with pytest.raises(RecipeError, match="freeze = 'encoder' needs init"):
        TranslationRecipe.parse({"data": {"train": ["x"]}, "freeze": "encoder"}, "recipe.toml")


def test_more_tokens_than_learned_positions_are_refused_at_once(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    init = save_translator(tmp_path / "init", phrases, positions="learned", max_positions=100)
    with pytest.raises(RecipeError, match=r"data\.max_tokens = 128 is more than the 100 positions"):
        TranslationTask.prepare(recipe(init, phrases), tmp_path / "run")


def test_an_init_that_is_no_translator_is_named(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="nothing: no such model folder"):
        TranslationTask.prepare(recipe(tmp_path / "nothing", phrases), tmp_path / "run")


@pytest.mark.parametrize(("count", "d_model", "epochs", "rate"), [(400, 128, 10, 3e-4), (29_000, 512, 5, 1e-4)])
def test_rates_and_epochs_are_picked_for_fine_tuning_and_said(
    count: int, d_model: int, epochs: int, rate: float
) -> None:
    values, notes = choose_fine_tuning([Pair("a", "b", 1)] * count, d_model)
    picked = TranslationRecipe.parse({**values, "init": "x", "data": {"train": ["x.tsv"]}}, "picked")
    assert (picked.training.max_epochs, picked.optimizer.learning_rate) == (epochs, rate)
    assert picked.optimizer.layer_decay < 1
    assert f"picked a learning rate of {rate:g} for the output" in notes[0]
    assert f"at most {epochs} epochs for {count:,} pairs" in notes[1]
