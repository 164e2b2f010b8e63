"""`--to hf` of a Transformer: transformers loads it with no custom code, and it is the same translator there."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword import api
from patchword.converters.marian.channels import to_halves, to_interleaved
from patchword.errors import DataError, ExportError
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.normalisation import all_normalised
from patchword.text.pairs import read_lines
from patchword.text.search import SearchOptions
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig
from tests.converters.marian import reference as marian
from tests.converters.reference import randomise

pytestmark = [pytest.mark.filterwarnings(marian.THEIR_WARNING), pytest.mark.usefixtures("one_thread")]

AS_THEIRS = SearchOptions(
    length_penalty=1.0, length_normalisation="power", early_stopping=False, max_extra=None, max_length=24
)

MODELS: dict[str, dict[str, Any]] = {
    "shared, halves, silu": {"positions": "sinusoidal_halves", "activation": "silu", "output_bias": True},
    "shared, the paper's": {},
    "separate, tied": {"share_embeddings": False, "activation": "gelu", "max_positions": 96},
    "separate, untied": {
        "share_embeddings": False,
        "tie_output": False,
        "activation": "gelu_tanh",
        "scale_embeddings": False,
        "output_bias": True,
        "dropout": 0.25,
        "attention_dropout": 0.125,
        "activation_dropout": 0.0625,
    },
    "Pre-LN": {"norm_first": True},
    "Pre-LN, halves, untied": {
        "norm_first": True,
        "positions": "sinusoidal_halves",
        "activation": "gelu_tanh",
        "tie_output": False,
        "output_bias": True,
        "scale_embeddings": False,
        "dropout": 0.25,
    },
    "Pre-LN, learned positions": {"norm_first": True, "positions": "learned", "max_positions": 96},
    "Pre-LN, no positions": {"norm_first": True, "positions": "none", "activation": "silu"},
}


@pytest.fixture(scope="module")
def vocabularies(multi30k: Path) -> dict[bool, Vocabulary]:
    """By whether they are joint."""
    english, german = (read_lines(multi30k / f"train.{language}")[:2000] for language in ("en", "de"))
    config = VocabularyConfig(size=600)
    joint = Vocabulary.train(english, german, config)
    return {True: joint, False: Vocabulary.train(english, german, config.model_copy(update={"joint": False}))}


def made(vocabularies: dict[bool, Vocabulary], options: SearchOptions | None = AS_THEIRS, **changes: Any) -> Translator:
    vocabulary = vocabularies[changes.get("share_embeddings", True)]
    sizes = {"d_model": 64, "d_ff": 96, "num_heads": 4, "encoder_layers": 2, "decoder_layers": 2}
    config = TransformerConfig.named("tiny", vocabulary.source_size, vocabulary.target_size, **sizes, **changes)
    model = randomise(Transformer(config))
    # As in `marian_reference.GAINS`: so that translations differ.
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.mul_(0.3 if "cross_attention.output" in name else 2.0 if "feed_forward." in name else 1.0)
            weight.mul_(0.1 if "positions" in name else 1.0)
        model.decoder.layers[-1].feed_forward_residual.norm.weight.normal_(std=6.0)
    return Translator(model, vocabulary, ("en", "de"), options=options)


@pytest.fixture(params=MODELS)
def exported(
    request: pytest.FixtureRequest, vocabularies: dict[bool, Vocabulary], tmp_path: Path
) -> tuple[Translator, Path]:
    translator = made(vocabularies, **MODELS[request.param])
    translator.save(tmp_path / "ours")
    api.export(tmp_path / "ours", tmp_path / "theirs", "hf")
    return translator, tmp_path / "theirs"


def test_transformers_has_the_same_tokens_logits_and_translations(
    exported: tuple[Translator, Path], sentences: list[str]
) -> None:
    translator, folder = exported
    model, tokenizer = marian.load(folder)
    marian.assert_equal_logits(translator, model, tokenizer, sentences[:16])
    theirs = marian.generate(model, tokenizer, sentences[:50])
    ours = marian.translate(translator, sentences[:50], translator.options)
    marian.assert_equal_tokens(ours, theirs, model, tokenizer, sentences[:50])
    # Theirs strips every text, and leaves out the unknown token; one of fifty may be a tie.
    texts = [t.text.replace(" ⁇ ", "").strip() for t in translator.translate(sentences[:50])]
    assert sum(text != other.text for text, other in zip(texts, theirs, strict=True)) <= 1
    assert len({t.text for t in theirs}) > 2


def test_the_way_there_and_back_is_bit_identical(exported: tuple[Translator, Path], tmp_path: Path) -> None:
    translator, folder = exported
    again = marian.opened(folder, tmp_path / "again")
    assert again.model.config == translator.model.config
    assert again.languages == translator.languages
    assert again.options == translator.options
    assert again.vocabulary.encode_source(["A\u00a0d\u200bog"]) == translator.vocabulary.encode_source(["A dog"])
    before, after = translator.model.state_dict(), again.model.state_dict()
    assert before.keys() == after.keys()
    for name, weight in before.items():
        assert torch.equal(after[name], weight), name


def test_what_transformers_saves_again_is_still_the_same_model(
    exported: tuple[Translator, Path], sentences: list[str], tmp_path: Path
) -> None:
    translator, folder = exported
    model, tokenizer = marian.load(folder)
    model.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    again = marian.opened(tmp_path / "saved", tmp_path / "again")
    assert again.model.config.positions == translator.model.config.positions
    before, after = translator.translate(sentences[:8]), again.translate(sentences[:8])
    assert [(t.text, t.score) for t in after] == [(t.text.strip(), t.score) for t in before]


def test_our_own_vocabularies_are_read_alike(
    vocabularies: dict[bool, Vocabulary], multi30k: Path, tmp_path: Path
) -> None:
    # MarianTokenizer has no such form, which an export says.
    texts = tuple(all_normalised(read_lines(multi30k / f"val.{language}")) for language in ("en", "de"))
    for joint, vocabulary in vocabularies.items():
        assert vocabulary.normalisation == "plain"
        translator = made(vocabularies, share_embeddings=joint)
        translator.save(tmp_path / f"ours-{joint}")
        api.export(tmp_path / f"ours-{joint}", tmp_path / f"theirs-{joint}", "hf")
        _, tokenizer = marian.load(tmp_path / f"theirs-{joint}")
        assert tokenizer(texts[0])["input_ids"] == vocabulary.encode_source(texts[0])
        targets = vocabulary.encode_target([*texts[1], "bytes: 骑 🙂 ß"])
        assert tokenizer(text_target=[*texts[1], "bytes: 骑 🙂 ß"])["input_ids"] == [ids[1:] for ids in targets]
        for ids in targets:
            assert tokenizer.decode(ids[1:], skip_special_tokens=True) == vocabulary.decode_target(ids)


def test_an_imported_checkpoint_goes_back_as_it_came(tokenizers: dict[bool, Any], tmp_path: Path) -> None:
    for separate, tokenizer in tokenizers.items():
        first, ours, again = (tmp_path / f"{name}-{separate}" for name in ("first", "ours", "again"))
        model = marian.build(tokenizers, separate=separate)
        marian.save(model, tokenizer, first)
        marian.opened(first, ours)
        api.export(ours, again, "hf")
        for name in ("source.spm", "target.spm"):
            assert (again / name).read_bytes() == (first / name).read_bytes()
        assert json.loads((again / "vocab.json").read_text()) == tokenizer.encoder
        loaded, _ = marian.load(again)
        state, wanted = loaded.state_dict(), model.state_dict()
        assert state.keys() == wanted.keys()
        for key, weight in wanted.items():
            torch.testing.assert_close(state[key], weight, atol=0 if "embed_positions" not in key else 1e-6, rtol=0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"norm_first": True, "share_embeddings": False},
            "norm_first with share_embeddings = false; it has one vocabulary",
        ),
        ({"positions": "learned"}, "positions = 'learned'; it has sinusoids only"),
        ({"positions": "none"}, "positions = 'none'; it has sinusoids only"),
        (
            {"norm_first": True, "decoder_positions": "none"},
            "decoder_positions = 'none'; it has one kind of positions on both sides",
        ),
        ({"layer_norm_eps": 1e-6}, "layer_norm_eps = 1e-06; it has 1e-05 only"),
        ({"tie_output": False}, "share_embeddings without tie_output; it ties all three or none"),
    ],
)
def test_what_the_class_cannot_express_is_refused_by_name(
    vocabularies: dict[bool, Vocabulary], tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    made(vocabularies, **changes).save(tmp_path / "ours")
    with pytest.raises(ExportError) as caught:
        api.export(tmp_path / "ours", tmp_path / "theirs", "hf")
    name = "PegasusForConditionalGeneration" if "norm_first" in changes else "MarianMTModel"
    assert str(caught.value) == f"--to hf: {name} cannot express {reason}"
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]


def test_an_output_in_the_way_is_left_alone(vocabularies: dict[bool, Vocabulary], tmp_path: Path) -> None:
    made(vocabularies).save(tmp_path / "ours")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="exists already"):
        api.export(tmp_path / "ours", tmp_path / "theirs", "hf")
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["mine.txt"]


def test_the_papers_search_is_exported_as_near_as_theirs_comes(
    vocabularies: dict[bool, Vocabulary], tmp_path: Path
) -> None:
    made(vocabularies, options=None).save(tmp_path / "ours")
    api.export(tmp_path / "ours", tmp_path / "theirs", "hf")
    found = json.loads((tmp_path / "theirs" / "generation_config.json").read_text())
    assert (found["num_beams"], found["length_penalty"], found["early_stopping"]) == (4, 0.6, True)
    assert found["max_length"] == 1024
    assert found["bad_words_ids"] == [[0], [2]]
    paper = SearchOptions()  # what a folder of ours means that names no options
    assert (found["num_beams"], found["length_penalty"]) == (paper.beam, paper.length_penalty)
    assert found["renormalize_logits"] is paper.renormalise


def test_reordered_channels_compute_the_same(vocabularies: dict[bool, Vocabulary]) -> None:
    interleaved = made(vocabularies).model
    halves = Transformer(interleaved.config.model_copy(update={"positions": "sinusoidal_halves"})).eval()
    tensors = dict(interleaved.named_parameters())
    halves.load_state_dict(to_halves(tensors, 64), strict=False)
    source, target = torch.randint(4, 600, (3, 9)), torch.randint(4, 600, (3, 7))
    torch.testing.assert_close(halves(source, target), interleaved(source, target), atol=1e-4, rtol=0)
    back = to_interleaved(to_halves(tensors, 64), 64)
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())
