"""Text to tokens and back, exactly as transformers' MarianTokenizer does it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from patchword.converters.marian.vocabulary import read_vocabulary
from patchword.text.pairs import read_lines
from patchword.text.vocabulary import Vocabulary
from tests.converters.marian import reference as marian

pytestmark = pytest.mark.filterwarnings(marian.THEIR_WARNING)

ODD = [
    "",
    " ",
    "   ",
    "\t",
    "  two   spaces  ",
    "a\ttab",
    "emoji 🙂 and 👩‍👩‍👧",
    "一个男人骑自行车。",
    "ﬁ ligature, ½, e\u0301, \u00a0 no-break \u200b zero width",
    "▁ their own sign ▁▁x",
    ">>deu<< A man.",
    ">>deu<<A man.",
    ">>fra<<",
    ">>xyz<< no such code",
    ">> not a code",
    "not at the >>deu<< beginning",
    ">>a<< >>deu<< two",
    "<< reversed >>",
    "naïve Straße ÄÖÜß",
]


@pytest.fixture(scope="module", params=[False, True], ids=["shared", "separate"])
def both(
    request: pytest.FixtureRequest, tokenizers: dict[bool, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Vocabulary]:
    """Their tokenizer, and our vocabulary after a way through the model folder's files."""
    tokenizer = tokenizers[request.param]
    folder = tmp_path_factory.mktemp("vocabulary")
    tokenizer.save_pretrained(folder / "theirs")
    size = len(tokenizer.encoder)
    config = {"vocab_size": size, "decoder_vocab_size": size, "eos_token_id": 0}
    config |= {"pad_token_id": size - 1, "decoder_start_token_id": size - 1}
    files = read_vocabulary(folder / "theirs", config, {"separate_vocabs": request.param}).by_name()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return tokenizer, Vocabulary.load(folder)


def assert_same(both: tuple[Any, Vocabulary], texts: list[str]) -> None:
    tokenizer, vocabulary = both
    sources = tokenizer(texts)["input_ids"]
    targets = tokenizer(text_target=texts)["input_ids"]
    assert vocabulary.encode_source(texts) == sources
    assert vocabulary.encode_target(texts) == [[vocabulary.bos_id, *ids] for ids in targets]
    source_pieces = {index: piece for piece, index in tokenizer.encoder.items()}
    for ids in sources:
        assert vocabulary.source_pieces(ids) == [source_pieces[i] for i in ids]
    for ids in targets:
        assert vocabulary.target_pieces(ids) == tokenizer.convert_ids_to_tokens(ids)
        assert vocabulary.decode_target(ids) == tokenizer.decode(ids, skip_special_tokens=True)


def test_real_sentences_of_both_languages(both: tuple[Any, Vocabulary], multi30k: Path) -> None:
    assert_same(both, read_lines(multi30k / "val.en") + read_lines(multi30k / "val.de"))


@pytest.mark.parametrize("text", ODD)
def test_odd_texts(both: tuple[Any, Vocabulary], text: str) -> None:
    assert_same(both, [text])


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text(both: tuple[Any, Vocabulary], text: str) -> None:
    # There a text that spells a special token becomes that token; here it stays the text that somebody wrote.
    assume(not any(name in text for name in ("<unk>", "</s>", "<pad>")))
    assert_same(both, [text, f">>deu<< {text}"])


@given(ids=st.lists(st.integers(0, 399), max_size=30))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tokens_are_joined_alike(both: tuple[Any, Vocabulary], ids: list[int]) -> None:
    tokenizer, vocabulary = both
    assert vocabulary.decode_target(ids) == tokenizer.decode(ids, skip_special_tokens=True)


def test_special_ids_and_sizes_are_the_checkpoints(both: tuple[Any, Vocabulary]) -> None:
    tokenizer, vocabulary = both
    size = len(tokenizer.encoder)
    assert (vocabulary.eos_id, vocabulary.unknown_id) == (0, 1)
    assert vocabulary.pad_id == vocabulary.bos_id == size - 1
    assert vocabulary.source_size == vocabulary.target_size == size
    assert vocabulary.joint is not tokenizer.separate_vocabs


def test_a_special_token_written_out_is_text(both: tuple[Any, Vocabulary]) -> None:
    vocabulary = both[1]
    ids = vocabulary.encode_source(["a </s> b <pad>"])[0]
    assert vocabulary.eos_id not in ids[:-1]
    assert vocabulary.pad_id not in ids
