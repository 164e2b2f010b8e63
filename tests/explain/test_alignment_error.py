"""Alignment error rate: its definition, its data, and that a reading is chosen by it."""

import json
from pathlib import Path

import pytest

from patchword.checkpoints.description import EXPLANATION
from patchword.errors import DataError
from patchword.explain.aligner import align, attention_layers, reading_of, word_links
from patchword.explain.alignment import Reading, readings
from patchword.explain.alignment_error import Counts, GoldPair, alignment_error_rate, interval, read_gold
from patchword.explain.measuring import keep, kept, measure
from patchword.text.translator import Translator
from tests.tiny import tiny_translator

S = frozenset({(0, 0), (1, 2)})
P = S | {(1, 1), (2, 1)}


def pair(sure: frozenset[tuple[int, int]] = S, possible: frozenset[tuple[int, int]] = P) -> GoldPair:
    return GoldPair("a b c", "d e f", sure, possible)


def test_the_error_rate_is_och_and_neys() -> None:
    # A has 3 links, S 2: of A one is sure, another possible besides, and one neither: 1 - (1 + 2) / (3 + 2).
    counts = Counts.of([(0, 0), (1, 1), (2, 2)], pair())
    assert counts == Counts(3, 2, 1, 2)
    assert alignment_error_rate([counts]) == pytest.approx(1 - 3 / 5)
    assert alignment_error_rate([Counts.of(sorted(S), pair())]) == 0
    assert alignment_error_rate([Counts.of([(2, 2)], pair())]) == 1
    # A possible link is no error, and that it is not found is none either.
    assert alignment_error_rate([Counts.of(sorted(P), pair())]) == 0


def test_pairs_count_together_and_nothing_in_nothing_is_no_error() -> None:
    counts = [Counts(3, 2, 1, 2), Counts(5, 4, 4, 5)]
    assert alignment_error_rate(counts) == pytest.approx(1 - (1 + 2 + 4 + 5) / (3 + 2 + 5 + 4))
    assert alignment_error_rate([Counts.of([], pair(frozenset(), frozenset()))]) == 0
    assert alignment_error_rate([Counts.of([], pair())]) == 1


def test_the_interval_holds_the_rate_and_narrows_with_more_pairs() -> None:
    few = [Counts(2, 2, 1, 1), Counts(2, 2, 2, 2)] * 10
    low, high = interval(few, 1)
    assert 0 < low < alignment_error_rate(few) < high < 0.5
    assert interval(few, 1) == (low, high) != interval(few, 2)
    narrow = interval(few * 20, 1)
    assert narrow[1] - narrow[0] < 0.4 * (high - low)
    assert interval([Counts(2, 2, 1, 1)] * 9, 1) == (0.5, 0.5)


def write(path: Path, *rows: str) -> Path:
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def test_gold_pairs_are_read_with_sure_and_possible_links(tmp_path: Path) -> None:
    rows = ["one two\t一 二\t0-0 1-1 0p1", *["one\tx y\t0-0"] * 9]
    first = read_gold([write(tmp_path / "a.tsv", *rows)])[0]
    assert first == GoldPair("one two", "一 二", frozenset({(0, 0), (1, 1)}), frozenset({(0, 0), (1, 1), (0, 1)}))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("one\ttwo", "has 2 columns; expected source, target and links"),
        ("one\ttwo\t0-1", "target word 1 is linked, but its 1 words are numbered from 0 to 0"),
        ("one\ttwo\t3p0", "source word 3 is linked"),
        ("one\ttwo\t0:0", "'0:0' is no link; expected such as 0-2, or 0p2"),
        ("\ttwo\t", "the source is empty"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path: Path, row: str, problem: str) -> None:
    with pytest.raises(DataError, match=rf"a\.tsv, line 2: {problem}"):
        read_gold([write(tmp_path / "a.tsv", "one\ttwo\t0-0", row)])


def test_too_few_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 1 pairs; an alignment error needs at least 10"):
        read_gold([write(tmp_path / "a.tsv", "one\ttwo\t0-0")])


@pytest.fixture
def translator(tmp_path: Path) -> Translator:
    tiny_translator().save(tmp_path / "model")
    return Translator.load(tmp_path / "model")


def test_the_reading_that_finds_the_links_is_chosen_and_kept(tmp_path: Path, translator: Translator) -> None:
    texts = ["one two three", "five six", "eight nine ten", "four", "seven two", "ten one"]
    texts += [" ".join(reversed(text.split())) for text in texts]
    wanted = Reading(0, True)
    assert reading_of(translator) == (Reading(0, False), None)
    # Links that the shifted reading finds are made the truth, so that it has no error.
    found = align(translator, texts, texts[::-1], wanted)
    assert [pair.links for pair in found] != [pair.links for pair in align(translator, texts, texts[::-1])]
    rows = [
        f"{s}\t{t}\t{' '.join(f'{i}-{j}' for i, j in pair.links)}"
        for s, t, pair in zip(texts, texts[::-1], found, strict=True)
    ]
    table = measure(translator, [write(tmp_path / "gold.tsv", *rows)], seed=3)
    assert len(table.rows) == len(readings(attention_layers(translator))) == 4
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert [row[3] for row in table.rows if "*" in row[3]] == ["0.0*"]
    assert keep(translator, table) == tmp_path / "model" / EXPLANATION
    assert reading_of(translator) == (wanted, 0.0)
    assert word_links(translator, texts, texts[::-1]) == [list(pair.links) for pair in found]
    assert reading_of(Translator.load(tmp_path / "model")) == (wanted, 0.0)


def test_what_was_measured_is_of_these_weights(tmp_path: Path, translator: Translator) -> None:
    path = tmp_path / "model" / EXPLANATION
    path.write_text(json.dumps({"alignment": {"reading": {"layer": None, "shifted": True}, "error": 12.5}}))
    assert reading_of(translator) == (Reading(None, True), 12.5)
    path.write_text("{")
    assert kept(translator) == {}
    assert reading_of(translator) == (Reading(0, False), None)
    translator.save(tmp_path / "model")
    assert not path.exists()


def test_pairs_align_alone_as_among_others(translator: Translator) -> None:
    texts = ["one two three four", "five", "", "eight nine ten one two three four five six seven", "  "]
    targets = ["ten", "nine eight", "one", "three four", ""]
    together = align(translator, texts, targets)
    assert together == [pair for s, t in zip(texts, targets, strict=True) for pair in align(translator, [s], [t])]
    assert [len(pair.links) for pair in together] == [1, 2, 0, 2, 0]
    assert together[0].source == ("one", "two", "three", "four")


def test_a_pair_that_is_too_long_is_an_error_of_its_own(translator: Translator) -> None:
    found = align(translator, ["one", "two " * 3000, "three"], ["one", "two", "three"])
    assert [pair.error is None for pair in found] == [True, False, True]
    assert found[0].links == ((0, 0),)
    assert "tokens" in str(found[1].error)
    with pytest.raises(DataError, match=r"pair 2: .*tokens"):
        word_links(translator, ["one", "two " * 3000], ["one", "two"])
    with pytest.raises(DataError, match="the targets: are 1, but the sources 2"):
        align(translator, ["one", "two"], ["one"])
