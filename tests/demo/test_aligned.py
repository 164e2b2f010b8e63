"""Phrases whose links are known by their making."""

from pathlib import Path

import pytest

from patchword.demo.aligned import AlignedPhrase, aligned, aligned_phrases, part
from patchword.demo.phrases import PhraseSplit, phrase_pairs
from patchword.explain.alignment_error import read_gold
from patchword.explain.words import text_words


@pytest.fixture(scope="module")
def split() -> PhraseSplit:
    return phrase_pairs("en", "zh", train=3000, held_out=20)


@pytest.fixture(scope="module")
def phrases(split: PhraseSplit) -> list[AlignedPhrase]:
    return aligned_phrases("en", "zh", split, count=120)


def told(phrase: AlignedPhrase, links: frozenset[tuple[int, int]]) -> str:
    source, target = text_words(phrase.source), text_words(phrase.target)
    return " ".join(f"{source[s]}-{target[t]}" for s, t in sorted(links))


def test_a_part_of_one_word_is_surely_linked_with_all_of_its_translation() -> None:
    phrase = aligned(f"{part('May', 1)} {part('4', 2)}, {part('2026', 3)}", f"{part('2026', 3)}年{part('5', 1)}月{part('4', 2)}日")
    assert (phrase.source, phrase.target) == ("May 4, 2026", "2026年5月4日")
    assert told(phrase, phrase.sure) == "May-5 4,-4 2026-2026"
    # What joins the parts on one side alone belongs to the parts that it touches.
    assert told(phrase, phrase.possible - phrase.sure) == "May-年 May-月 4,-年 4,-月 4,-日 2026-年"


def test_within_a_part_of_several_words_links_are_possible() -> None:
    phrase = aligned(f"{part('Isle of Man', 0)} and {part('Peru', 1)}", f"{part('马恩岛', 0)}和{part('秘鲁', 1)}")
    assert told(phrase, phrase.sure) == "and-和 Peru-秘 Peru-鲁"
    assert told(phrase, phrase.possible - phrase.sure) == " ".join(
        f"{s}-{t}" for s in ("Isle", "of", "Man") for t in "马恩岛"
    )


def test_what_joins_is_possibly_linked_with_what_joins() -> None:
    phrase = aligned(
        f"{part('Peru', 0)}, {part('Mali', 1)}, or {part('Cuba', 2)}",
        f"{part('秘鲁', 0)}、{part('马里', 1)}或{part('古巴', 2)}",
    )
    assert told(phrase, phrase.sure) == "Peru,-秘 Peru,-鲁 Mali,-马 Mali,-里 Cuba-古 Cuba-巴"
    assert told(phrase, phrase.possible - phrase.sure) == "Peru,-、 Peru,-或 Mali,-、 Mali,-或 or-、 or-或"


def test_a_part_may_stand_apart() -> None:
    phrase = aligned(f"{part('in', 1)} {part('5', 0)} {part('minutes', 1)}", f"{part('5', 0)} {part('分钟后', 1)}")
    assert told(phrase, phrase.sure) == "5-5"
    assert len(phrase.possible) == 1 + 2 * 3


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
