from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchword.errors import ModelFolderError, RecipeError
from patchword.text.pairs import read_lines
from patchword.text.vocabulary import Vocabulary, VocabularyConfig


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def vocabulary(request: pytest.FixtureRequest, phrases: tuple[Path, Path]) -> Vocabulary:
    config = VocabularyConfig(size=420, kind=request.param, split_digits=True, normalisation="none")
    return Vocabulary.train(read_lines(phrases[0]), read_lines(phrases[1]), config)


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
@settings(max_examples=100, deadline=None)
def test_no_character_is_ever_lost(vocabulary: Vocabulary, text: str) -> None:
    text = text.strip(" ").replace("▁", "")  # SentencePiece's own sign for a space, and spaces at the ends
    ids = vocabulary.encode_target([text])[0]
    assert vocabulary.unknown_id not in ids
    assert (ids[0], ids[-1]) == (vocabulary.bos_id, vocabulary.eos_id)
    assert vocabulary.decode_target(ids).strip(" ") == text


def test_numbers_are_cut_into_digits(vocabulary: Vocabulary) -> None:
    pieces = vocabulary.source_pieces(vocabulary.encode_source(["1234"])[0])
    assert [piece for piece in pieces if piece.isdigit()] == ["1", "2", "3", "4"]


def test_joint_and_separate_vocabularies_survive_their_files(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    sources, targets = (read_lines(path) for path in phrases)
    for joint in (True, False):
        vocabulary = Vocabulary.train(sources, targets, VocabularyConfig(size=350, joint=joint))
        folder = tmp_path / str(joint)
        folder.mkdir()
        for name, content in vocabulary.files().items():
            (folder / name).write_bytes(content)
        again = Vocabulary.load(folder)
        assert again.joint is joint
        assert again.encode_source(sources) == vocabulary.encode_source(sources)
        assert again.encode_target(targets) == vocabulary.encode_target(targets)


def test_a_size_that_the_text_cannot_fill_is_refused_with_the_largest_that_fits() -> None:
    texts = ["a dog and a cat", "a cat and a dog"]
    with pytest.raises(RecipeError, match=r"vocabulary\.size = 5000 is too large for this text; at most \d+") as caught:
        Vocabulary.train(texts, texts, VocabularyConfig(size=5000))
    largest = int(str(caught.value).split("at most ")[1].split()[0])
    shrunk = Vocabulary.train(texts, texts, VocabularyConfig(size=5000, shrink=True))
    assert shrunk.source_size == largest


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"vocabulary\.model is missing"):
        Vocabulary.load(tmp_path)
    (tmp_path / "vocabulary.model").write_bytes(b"no model")
    with pytest.raises(ModelFolderError, match="the vocabulary is damaged"):
        Vocabulary.load(tmp_path)
