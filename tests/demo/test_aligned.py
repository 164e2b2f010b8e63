"""Phrases whose links are known by their making."""

from pathlib import Path

import pytest

from patchword.demo.aligned import aligned_phrases
from patchword.demo.links import AlignedPhrase
from patchword.explain.alignment_error import read_gold
from patchword.samples.phrases import PhraseSplit, phrase_pairs


@pytest.fixture(scope="module")
def split() -> PhraseSplit:
    return phrase_pairs("en", "zh", train=3000, held_out=20)


@pytest.fixture(scope="module")
def phrases(split: PhraseSplit) -> list[AlignedPhrase]:
    return aligned_phrases("en", "zh", split, count=120)


def test_phrases_are_new_to_who_learned_the_others(split: PhraseSplit, phrases: list[AlignedPhrase]) -> None:
    assert len(phrases) == 120
    assert not {pair.source for pair in split.train} & {phrase.source for phrase in phrases}
    assert not {pair.target for pair in split.train} & {phrase.target for phrase in phrases}
    assert aligned_phrases("en", "zh", split, count=120) == phrases
    assert aligned_phrases("en", "zh", split, seed=2, count=120) != phrases


def test_they_are_what_the_demo_says_of_every_kind(phrases: list[AlignedPhrase]) -> None:
    by_source = {phrase.source: phrase for phrase in phrases}
    assert any(" or " in source or " and " in source for source in by_source)
    assert any(source.endswith((" AM", " PM")) for source in by_source)
    assert any("年" in phrase.target for phrase in phrases)
    assert any(phrase.source.split()[0].isdigit() for phrase in phrases)
    for phrase in phrases:
        assert phrase.sure <= phrase.possible
        assert phrase.possible
        assert all(character < "\U000f0000" for character in phrase.source + phrase.target)


@pytest.mark.parametrize("target", ["de", "ja", "ar", "es", "th"])
def test_languages_of_any_script_have_them(target: str) -> None:
    split = phrase_pairs("en", target, train=1500, held_out=10)
    phrases = aligned_phrases("en", target, split, count=40)
    assert len(phrases) == 40
    assert sum(len(phrase.sure) for phrase in phrases) > 40


def test_their_rows_are_read_as_they_were_written(tmp_path: Path, phrases: list[AlignedPhrase]) -> None:
    path = tmp_path / "alignments.tsv"
    path.write_text("".join(phrase.row() for phrase in phrases), encoding="utf-8")
    for read, phrase in zip(read_gold([path]), phrases, strict=True):
        assert (read.source, read.target, read.sure, read.possible) == (
            phrase.source,
            phrase.target,
            phrase.sure,
            phrase.possible,
        )
