"""Texts are translated sentence by sentence and put together as they were; what was cut, or failed, is said."""

import itertools
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patchword.errors import DataError
from patchword.text.layout import layouts
from patchword.text.long_texts import LongTranslation, translate_texts
from patchword.text.search import SearchOptions
from patchword.text.translation import Alternative, Translation
from patchword.text.watch import CANCELLED
from tests.tiny import tiny_translator

TINY = tiny_translator()
FAST = SearchOptions(method="greedy", max_extra=4)


@pytest.fixture(autouse=True)
def _one_thread(_repeatable: None) -> None:
    torch.set_num_threads(1)


class Scribe:
    """Takes a translator's place: marks every sentence that it is given, and fails at the word "bad"."""

    vocabulary = TINY.vocabulary
    longest = 2048

    def __init__(self, languages: tuple[str, str] = ("en", "de"), mark: str = "<{}>") -> None:
        self.languages = languages
        self.mark = mark
        self.prefixes: Sequence[Any] = ()

    def translate(self, texts: Sequence[str], options: Any, watch: Any, prefixes: Sequence[Any]) -> list[Translation]:
        self.prefixes = list(prefixes)
        found = []
        for index, text in enumerate(texts):
            said = self.mark.format(text)
            if "bad" in text:
                found.append(Translation(text, "", 0.0, (), 3, CANCELLED if "cancel" in text else "has 9 tokens"))
                continue
            for end in (
                (1, len(said) // 2) if watch and said[: len(said) // 2].strip() == said[: len(said) // 2] else ()
            ):
                watch.told(index, said[:end])
            if watch:
                watch.ended(index, said)
            best = (Alternative(said, -1.0), Alternative(said.upper(), -2.0))[: 1 if "once" in text else 2]
            found.append(Translation(text, said, -1.0, best, 3))
        return found


def written(
    texts: str | Sequence[str], source: str = "en", target: str = "de", most: int = 256, mark: str = "<{}>", **how: Any
) -> Any:
    several = [texts] if isinstance(texts, str) else texts
    scribe: Any = Scribe((source, target), mark)
    prefixes = how.pop("prefixes", [None] * len(several))
    found = translate_texts(scribe, several, FAST, how.pop("watch", None), prefixes, most)
    how.get("seen", []).extend(scribe.prefixes)
    return found[0] if isinstance(texts, str) else found


# What stands between < and > was translated as one sentence, the rest stayed as it was.
CASES = [
    ("en", "de", "<Hello.> <Bye.>"),
    ("en", "de", "<Mr. Smith, e.g. of the U.S. Army, has 3.14 dollars.> <J. R. R. is rich.>"),
    ("en", "de", "<Wait... what?> <He said: “No.”> <(Really.)>  <Yes!>"),
    ("en", "de", "  <Title>\n\n\t<One.> <Two.>\r\n\r\n\t<- three>\n \n"),
    ("en", "de", "<One.>\t<Two.>\u00a0<Three.>\u3000<Four.>\u2003<Five.>"),
    ("en", "de", "<See https://a.b/c.d?e=f.g or a.b@c.de.> <It is free.>"),
    ("en", "de", "<No space.Here it goes on.> <Next.>"),
    ("en", "de", "<1. Open it.> <Then go.>\n<2. Close it.>\n  <a) Or not.>"),
    ("en", "de", "<It works 😀.> <Is it good?> 😀😀"),
    ("en", "de", "---\n<One.>\n***\n!!!"),
    ("en", "de", "\ufeff?\n\n…\n"),
    ("en", "de", ""),
    ("en", "de", " \t\r\n\u3000"),
    ("en", "de", "😀"),
    ("en", "de", "<One>\u2028<Two>\x0b<Three>\x85<Four>"),
    ("zh", "zh", "<你好。><我是学生！>\n<你呢？>\u3000<好；行，是。>"),
    ("zh", "zh", "<第一句。> <第二句。>"),
    ("zh", "zh", "<他说：“你好。”><（然后走了。）>……"),
    ("zh", "en", "<他说Hello world.对吗？>\t<是Python 3.12。>\n<完。>"),
    ("hi", "en", "<यह घर है।> <वह पेड़ है।>"),
    ("source", "target", "<One.> <Two.>"),
]


@pytest.mark.parametrize(("source", "target", "case"), CASES)
def test_sentences_are_translated_and_all_else_stays_as_it_was(source: str, target: str, case: str) -> None:
    found = written(case.replace("<", "").replace(">", ""), source, target)
    assert found.text == case
    assert found.error is None
    assert not found.notes


@pytest.mark.parametrize(
    ("source", "target", "text", "wanted"),
    [
        ("zh", "en", "你好。我是。\n你呢？", "A你好。 A我是。\nA你呢？"),
        ("zh", "en", "他说：“好。”我走。", "A他说：“好。” A我走。"),
        ("en", "zh", "One. Two.\n Three.\tFour.", "AOne.ATwo.\n AThree.\tAFour."),
        ("en", "ja_JP", "One. Two.", "AOne.ATwo."),
        ("source", "target", "你好。我是。", "A你好。A我是。"),  # nothing is known but that the translation is wide too
    ],
)
def test_blanks_between_sentences_are_as_the_translations_script_has_them(
    source: str, target: str, text: str, wanted: str
) -> None:
    assert written(text, source, target, mark="A{}").text == wanted


HARD = " \n\r\t.!?…。！？，；“”\"'»«)(《》[1]3aBÄ你の।\u2028\xa0\u3000-—😀:;,"


@given(st.text(alphabet=HARD, max_size=50), st.sampled_from(["", "en", "zh", "de"]), st.integers(6, 40))
def test_the_pieces_are_the_text(text: str, language: str, most: int) -> None:
    found = layouts(TINY.vocabulary, [text], language, most)[0]
    assert "".join(piece.blank + piece.text for piece in found.pieces) == text
    assert len(found.pieces) == len(found.spoken)
    assert len(found.numbers) == sum(found.spoken)
    assert {*found.numbers} == {*range(1, 1 + max(found.numbers, default=0))}
    assert len(found.notes) >= sum(found.numbers.count(number) > 1 for number in {*found.numbers})


@given(st.text(alphabet=HARD, max_size=50), st.integers(6, 40))
def test_what_is_translated_as_itself_is_the_text(text: str, most: int) -> None:
    assert written(text, "source", "target", most, mark="{}").text == text


def test_a_sentence_over_the_limit_is_cut_at_clauses_and_said() -> None:
    clause = "One two three four, "
    tokens = TINY.translate(clause).source_tokens
    text = f"Five. {clause * 9}six seven eight nine ten. Eleven."
    found = written(text, most=3 * tokens)
    assert found.text == f"<Five.> {' '.join([f'<{(clause * 3).strip()}>'] * 3)} <six seven eight nine ten.> <Eleven.>"
    assert found.notes == (
        f"sentence 2 has more than {3 * tokens} tokens and was translated in 4 parts: "
        '"One two three four, One two three four, ..."',
    )
    assert [len(one.source) for one in found.sentences] == [5, 59, 59, 59, 25, 7]
    assert not written(text).notes
    assert written("你好，" * 9, "zh", "zh", 10).text == "<你好，>" * 9


def test_the_models_own_limit_counts_too() -> None:
    scribe: Any = Scribe()
    scribe.longest = 20
    found = translate_texts(scribe, ["one two three, " * 10], FAST, None, [None], 256)[0]
    assert "sentence 1 has more than 20 tokens" in found.notes[0]
    assert max(len(ids) for ids in TINY.vocabulary.encode_source([one.source for one in found.sentences])) <= 20


def test_a_sentence_that_fails_is_named_and_other_texts_are_translated() -> None:
    bad, good, alone, gone = written(["One. !!! This is bad. Two.", "Three.", "bad", "One. bad cancel"])
    assert (bad.text, bad.error, bad.alternatives) == ("", "sentence 2 has 9 tokens", ())
    assert [one.error for one in bad.sentences] == [None, "has 9 tokens", None]
    assert (good.text, good.error) == ("<Three.>", None)
    assert alone.error == "has 9 tokens"
    assert gone.error is not None
    assert str(bad) == "[sentence 2 has 9 tokens]"
    assert str(good) == "<Three.>"


def test_half_a_character_is_named_by_its_place_in_its_text() -> None:
    with pytest.raises(DataError, match=r"text 2: character 11 is half a surrogate pair, U\+D800"):
        written(["One. Two.", "One. Two. \ud800"])


def test_the_n_best_of_a_text_are_those_of_its_sentences() -> None:
    found = written("One. Two.\nonce.")
    assert [a.text for a in found.alternatives] == ["<One.> <Two.>\n<once.>", "<ONE.> <TWO.>\n<once.>"]
    assert [a.score for a in found.alternatives] == [-1.0, pytest.approx(-5 / 3)]
    assert found.score == -1.0
    assert written(" --- ").alternatives == (Alternative(" --- ", 0.0),)
    assert written(" ").alternatives == ()


def test_a_prefix_begins_the_first_sentence_of_its_text() -> None:
    seen: list[Any] = []
    written(["One. Two.", "--- Three. Four.", "", "Five."], prefixes=["a", [7], "none", None], seen=seen)
    assert seen == ["a", None, [7], None, None]
    assert TINY.translate_text("one. Two.", FAST, prefixes=["eight"]).text.startswith("eight")
    with pytest.raises(ValueError, match="2 prefixes of 1 texts"):
        TINY.translate_text(["one"], prefixes=["a", "b"])


class Seen:
    """Keeps what it is told of texts, and wants each for a number of questions."""

    def __init__(self, **patience: int) -> None:
        self.texts: dict[int, list[str]] = defaultdict(list)
        self.asked: dict[int, int] = defaultdict(int)
        self.patience = {int(name[1:]): times for name, times in patience.items()}

    def wanted(self, index: int) -> bool:
        self.asked[index] += 1
        return self.asked[index] <= self.patience.get(index, 10**9)

    def told(self, index: int, text: str) -> None:
        self.texts[index].append(text)


@given(st.lists(st.text(alphabet=HARD, max_size=30), max_size=3), st.sampled_from(["de", "zh", "target"]))
def test_what_is_told_of_a_text_grows_to_its_translation(texts: list[str], target: str) -> None:
    seen = Seen()
    for index, one in enumerate(written(texts, "en", target, watch=seen)):
        told = seen.texts[index]
        assert all(b.startswith(a) and a != b for a, b in itertools.pairwise(told))
        assert (told or [""])[-1] == one.text


MANY = ["one two. Three four! five", "six", "", "  ---", "seven. Eight.\n\nNine ten.  "]


@pytest.mark.parametrize("changes", [{}, {"method": "greedy"}, {"method": "sample", "n_best": 3}])
def test_sentences_are_answered_as_they_are_alone(changes: dict[str, Any]) -> None:
    changes = {**changes, "max_extra": 8}
    seen = Seen()
    found = TINY.translate_text(MANY, watch=seen, **changes)
    assert found == TINY.translate_text(MANY, **changes) == [TINY.translate_text(text, **changes) for text in MANY]
    for index, one in enumerate(found):
        assert [TINY.translate(sentence.source, **changes) for sentence in one.sentences] == list(one.sentences)
        assert (seen.texts[index] or [""])[-1] == one.text
    assert [index for index, one in enumerate(found) if one.alone is not None] == [1, 2]


def test_all_sentences_of_a_text_that_is_given_up_leave() -> None:
    seen = Seen(_0=4, _4=0)
    found = TINY.translate_text(MANY, FAST, watch=seen)
    assert [one.error for one in found] == [CANCELLED, None, None, None, CANCELLED]
    assert found[1] == TINY.translate_text("six", FAST)
    assert seen.asked[0] == 5
    assert seen.asked[4] == 1
    assert seen.texts[4] == []


def test_a_text_that_nobody_waits_for_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[str] = []
    monkeypatch.setattr(
        "patchword.text.long_texts.layouts", lambda _, texts, *how: cut.extend(texts) or layouts(_, texts, *how)
    )
    found = written(["One. Two.", "Three.", "Four."], watch=Seen(_0=0, _2=0))
    assert cut == ["Three."]
    assert [(one.source, one.text, one.error) for one in found] == [
        ("One. Two.", "", CANCELLED),
        ("Three.", "<Three.>", None),
        ("Four.", "", CANCELLED),
    ]


def test_a_sentence_and_a_blank_are_what_translate_answers() -> None:
    for text in ("one two.", "  one two. ", "", " \t"):
        assert TINY.translate_text(text, FAST).alone == TINY.translate(text, FAST)
    for text in ("One. Two.", "---", "One.\n!!!", "one, " * 300):
        assert written(text).alone is None


@pytest.mark.parametrize("unit", ["word ", "x", "好。", "\n", "U.S. "])
def test_time_grows_as_the_text_does(unit: str) -> None:
    text = (unit * 10**5)[: 10**5]
    start = time.process_time()
    found: LongTranslation = written(text, "en", "en", mark="{}")
    assert time.process_time() - start < 5
    assert "".join(found.text.split()) == "".join(text.split())
