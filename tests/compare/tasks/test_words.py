"""Common words have tokens of their own, others are spelled, of whatever corpus."""

from pathlib import Path

import pytest

from patchword.compare.tasks.multi30k import multi30k
from patchword.compare.tasks.pairs import END, START
from patchword.compare.tasks.phrases import phrases
from patchword.compare.tasks.words import UNKNOWN, Words, spelled
from patchword.errors import DataError

CAPTIONS = [("a dog, a cat.", "ein Hund, eine Katze."), ("a dog runs.", "ein Hund rennt."), ("two cats", "zwei Katzen")]


def test_the_commonest_words_have_tokens_and_others_letters() -> None:
    vocabulary = Words(["a dog a cat", "a dog"], 2)
    assert vocabulary.ids("a dog") == [UNKNOWN + 1, UNKNOWN + 2]
    spelling = vocabulary.ids("cat")
    assert len(spelling) == 4, "the space before a word is spelled too"
    assert len(set(spelling)) == 4
    assert UNKNOWN not in spelling
    assert vocabulary.ids("act") == [spelling[0], spelling[2], spelling[1], spelling[3]]
    assert vocabulary.ids("oz")[1:] == [vocabulary.ids("dot")[2], UNKNOWN]
    assert max(vocabulary.ids("a dog cat")) < vocabulary.size


def test_words_are_counted_in_training_alone() -> None:
    task = spelled([("a a", "b b")], [("c c c c", "c")], [("a", "b")], 2)
    assert task.test.source.tolist() == [[UNKNOWN + 1, END]]
    assert task.test.target.tolist() == [[START, UNKNOWN + 2, END]]
    assert task.validation.source.tolist() == [[UNKNOWN + 3, UNKNOWN] * 4 + [END]]
    assert task.vocabulary == UNKNOWN + 6, "the unknown, two words, and what they are spelled with"


def test_phrases_keep_their_parts_apart() -> None:
    task = phrases(1, train=1500, held_out=100, words=200)
    assert (len(task.validation), len(task.test)) == (50, 50)
    assert len(task.train) > 1000
    assert int(task.train.target.max()) < task.vocabulary


def write(folder: Path, name: str, pairs: list[tuple[str, str]]) -> None:
    for language, side in (("en", 0), ("de", 1)):
        (folder / f"{name}.{language}").write_text("".join(f"{pair[side]}\n" for pair in pairs), encoding="utf-8")


def test_captions_are_read_with_punctuation_apart(tmp_path: Path) -> None:
    write(tmp_path, "train", CAPTIONS)
    write(tmp_path, "val", CAPTIONS[:1])
    write(tmp_path, "test_2016_flickr", CAPTIONS[1:])
    task = multi30k(tmp_path, 1, words=50)
    assert (len(task.train), len(task.validation), len(task.test)) == (3, 1, 2)
    source = task.validation.source[0].tolist()
    assert len(source) == len(["a", "dog", ",", "a", "cat", ".", "end"])
    assert source[0] == source[3]
    assert source[1] in task.test.source[0].tolist(), "a dog before a comma is a dog"
    assert len(multi30k(tmp_path, 1, train=2).train) == 2
    orders = {str(multi30k(tmp_path, seed, train=2).train.source.tolist()) for seed in range(8)}
    assert len(orders) > 1, "the seed chooses"


def test_captions_that_are_not_aligned_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "train", CAPTIONS)
    (tmp_path / "train.de").write_text("ein Hund\n", encoding="utf-8")
    with pytest.raises(DataError, match="line N must translate line N"):
        multi30k(tmp_path, 1)


def test_multi30k_has_its_sizes() -> None:
    folder = Path(__file__).resolve().parents[4] / "shared" / "data" / "multi30k"
    if not folder.is_dir():
        pytest.skip("no Multi30k in ../shared/data")
    task = multi30k(folder, 1, train=300, words=500)
    assert (len(task.train), len(task.validation), len(task.test)) == (300, 1014, 1000)
