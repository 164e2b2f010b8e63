"""MarianMTModel of transformers itself: imported, it has the same logits and finds the same tokens as `generate`."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword import api
from patchword.text.pairs import read_lines
from patchword.text.recipe import TranslationRecipe
from patchword.text.translator import Translator
from tests.converters.marian import reference as marian

pytestmark = [pytest.mark.filterwarnings(marian.THEIR_WARNING), pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module", params=["shared, safetensors", "separate, pickled"])
def both(
    request: pytest.FixtureRequest, tokenizers: dict[bool, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Any, Translator]:
    """Their model, their tokenizer, and our translator made from their folder."""
    separate = request.param == "separate, pickled"
    folder = tmp_path_factory.mktemp("marian")
    model = marian.build(tokenizers, separate=separate)
    marian.save(model, tokenizers[separate], folder / "theirs", pickled=separate)
    return *marian.load(folder / "theirs"), marian.opened(folder / "theirs", folder / "ours")


def test_logits_are_theirs(both: tuple[Any, Any, Translator], sentences: list[str]) -> None:
    model, tokenizer, translator = both
    marian.assert_equal_logits(translator, model, tokenizer, sentences[:32])


def test_greedy_search_finds_their_tokens(both: tuple[Any, Any, Translator], sentences: list[str]) -> None:
    model, tokenizer, translator = both
    theirs = marian.generate(model, tokenizer, sentences, num_beams=1)
    ours = marian.translate(translator, sentences, translator.options.changed({"method": "greedy"}, "test"))
    marian.assert_equal_tokens(ours, theirs, model, tokenizer, sentences)
    assert 40 < sum(len(t.tokens) < 23 for t in theirs) < 160  # some end, others reach the limit
    assert len({t.text for t in theirs}) > 80


def test_beam_search_finds_their_tokens_and_scores(both: tuple[Any, Any, Translator], sentences: list[str]) -> None:
    model, tokenizer, translator = both
    theirs = marian.generate(model, tokenizer, sentences)
    assert translator.options.beam == 4
    ours = marian.translate(translator, sentences, translator.options)
    marian.assert_equal_tokens(ours, theirs, model, tokenizer, sentences)
    assert 30 < sum(len(t.tokens) < 23 for t in theirs) < 170
    assert len({t.text for t in theirs}) > 60


def test_languages_that_are_given_are_the_models(both: tuple[Any, Any, Translator], tmp_path: Path) -> None:
    model, tokenizer, _ = both
    marian.save(model, tokenizer, tmp_path / "theirs")
    api.import_checkpoint(
        tmp_path / "theirs", tmp_path / "ours", api.ImportOptions(source_language="fr", target_language="zh")
    )
    assert Translator.load(tmp_path / "ours").languages == ("fr", "zh")


@pytest.mark.parametrize(
    "settings",
    [
        {"early_stopping": True, "num_beams": 3},
        {"renormalize_logits": True, "length_penalty": 0.6},
        {"length_penalty": 2.0, "num_beams": 5},
        {"forced_eos_token_id": None, "max_length": 12},
        {"num_beams": 1},
        {"length_penalty": 0.0},
    ],
    ids=str,
)
def test_the_checkpoints_own_settings_are_the_default_search(
    tokenizers: dict[bool, Any], sentences: list[str], tmp_path: Path, settings: dict[str, Any]
) -> None:
    model, tokenizer = marian.build(tokenizers), tokenizers[False]
    marian.save(model, tokenizer, tmp_path / "theirs", **settings)
    translator = marian.opened(tmp_path / "theirs", tmp_path / "ours")
    model, tokenizer = marian.load(tmp_path / "theirs")
    theirs = marian.generate(model, tokenizer, sentences[:50])
    ours = marian.translate(translator, sentences[:50], translator.options)
    marian.assert_equal_tokens(ours, theirs, model, tokenizer, sentences[:50])
    texts = [t.text for t in translator.translate(sentences[:50])]
    assert texts == [t.text for t in theirs]


@pytest.mark.parametrize(
    "changes",
    [
        {"activation_function": "gelu"},
        {"activation_function": "gelu_new"},
        {"activation_function": "relu", "scale_embedding": False},
        {"tie_word_embeddings": False},
        {"separate": True, "tie_word_embeddings": False},
        {"separate": True, "dtype": torch.float16},
    ],
    ids=str,
)
def test_every_choice_of_the_config_is_kept(
    tokenizers: dict[bool, Any], sentences: list[str], tmp_path: Path, changes: dict[str, Any]
) -> None:
    dtype, separate = changes.pop("dtype", torch.float32), changes.get("separate", False)
    model = marian.build(tokenizers, **changes).to(dtype)
    marian.save(model, tokenizers[separate], tmp_path / "theirs")
    translator = marian.opened(tmp_path / "theirs", tmp_path / "ours")
    model, tokenizer = marian.load(tmp_path / "theirs")
    # In double precision: gelu_new is written out there and one operation here, and random networks amplify rounding.
    translator.model.double()
    marian.assert_equal_logits(translator, model.double(), tokenizer, sentences[:16])


def test_settings_that_search_lacks_are_told(tokenizers: dict[bool, Any], tmp_path: Path) -> None:
    model = marian.build(tokenizers)
    marian.save(model, tokenizers[False], tmp_path / "theirs", repetition_penalty=1.3)
    imported = api.import_checkpoint(tmp_path / "theirs", tmp_path / "ours")
    assert imported.notes == (
        "repetition_penalty = 1.3, an option of generate, is left out: this search does not have it",
    )
    assert imported.details.source_language == "en"
    assert imported.details.target_language == "de"


def test_a_model_of_opus_mt_size(tokenizers: dict[bool, Any], sentences: list[str], tmp_path: Path) -> None:
    base = {"d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "max_position_embeddings": 512}
    for side in ("encoder", "decoder"):
        base |= {f"{side}_ffn_dim": 2048, f"{side}_attention_heads": 8}
    marian.save(
        marian.make_model(58101, end_bias=37.0, **base), marian.stretched(tokenizers[False], 58101), tmp_path / "theirs"
    )
    translator = marian.opened(tmp_path / "theirs", tmp_path / "ours")
    assert sum(p.numel() for p in translator.model.parameters()) == 73_944_309
    model, tokenizer = marian.load(tmp_path / "theirs")
    few = sentences[:3]
    marian.assert_equal_logits(translator, model, tokenizer, few)
    for changes, theirs in (({"method": "greedy"}, {"num_beams": 1}), ({}, {})):
        found = marian.generate(model, tokenizer, few, **theirs)
        ours = marian.translate(translator, few, translator.options.changed(changes, "test"))
        marian.assert_equal_tokens(ours, found, model, tokenizer, few)
        assert len({t.text for t in found}) > 1


def test_fine_tuning_keeps_the_vocabulary_and_the_search(
    both: tuple[Any, Any, Translator], multi30k: Path, tmp_path: Path
) -> None:
    translator = both[2]
    translator.save(tmp_path / "init")
    for language in ("en", "de"):
        (tmp_path / f"a.{language}").write_text("\n".join(read_lines(multi30k / f"train.{language}")[:60]))
    values = {
        "init": str(tmp_path / "init"),
        "data": {"folder": str(tmp_path), "train": ["a.en", "a.de"]},
        "training": {"max_steps": 3, "validate_every": 1},
        "optimizer": {"learning_rate": 1e-3},
    }
    api.train(TranslationRecipe.parse(values, "test"), tmp_path / "run", show=False)
    tuned = Translator.load(tmp_path / "run")
    assert tuned.options == translator.options
    assert tuned.vocabulary.files() == translator.vocabulary.files()
    assert not torch.equal(tuned.model.output.weight, translator.model.output.weight)
    shutil.rmtree(tmp_path / "init")
    resumed = TranslationRecipe.parse({**values, "training": {"max_steps": 4, "validate_every": 1}}, "test")
    api.train(resumed, tmp_path / "run", resume=True, show=False)
    assert Translator.load(tmp_path / "run").options == translator.options
