"""Who looks on sees what is certain, as text that only grows, and may give a translation up."""

import itertools
from collections import defaultdict
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patchword.engine.network import Network
from patchword.text.following import Following
from patchword.text.hypothesis import Hypothesis
from patchword.text.search import SearchOptions, search
from patchword.text.vocabulary import Vocabulary, VocabularyConfig
from tests.text.test_prefixes import NETWORKS, methods, rows_of
from tests.text.test_search import random_model, sources
from tests.tiny import tiny_translator


@pytest.fixture(autouse=True)
def _one_thread(_repeatable: None) -> None:
    torch.set_num_threads(1)


class Seen:
    """Keeps what it is told; wants each text for a number of steps."""

    def __init__(self, **patience: int) -> None:
        self.texts: dict[int, list[str]] = defaultdict(list)
        self.asked: dict[int, int] = defaultdict(int)
        self.patience = {int(name[1:]): steps for name, steps in patience.items()}

    def wanted(self, index: int) -> bool:
        self.asked[index] += 1
        return self.asked[index] <= self.patience.get(index, 10**9)

    def told(self, index: int, text: str) -> None:
        self.texts[index].append(text)


def grows(texts: list[str]) -> bool:
    return all(later.startswith(earlier) and later != earlier for earlier, later in itertools.pairwise(texts))


TEXTS = ["one two", "three", "", "five six seven eight", "ten nine", "six"]


@methods
def test_what_is_told_grows_to_the_translation_and_changes_nothing(options: SearchOptions) -> None:
    translator, seen = tiny_translator(), Seen()
    options = options.model_copy(update={"max_extra": 12})
    found = translator.translate(TEXTS, options, watch=seen)
    assert found == translator.translate(TEXTS, options)
    for index, translation in enumerate(found):
        assert grows(seen.texts[index])
        assert (seen.texts[index] or [""])[-1] == translation.text
    assert not seen.texts[2]
    if options.method == "greedy":
        assert max(map(len, seen.texts.values())) > 5
    if options.method == "sample":
        assert max(map(len, seen.texts.values())) == 1  # of three samples the best is known at the end


def test_one_sample_is_told_as_it_comes() -> None:
    seen = Seen()
    tiny_translator().translate(TEXTS, watch=seen, method="sample", max_extra=12)
    assert max(map(len, seen.texts.values())) > 5


class Choosy(Seen):
    """Listens to the second text alone."""

    def listens(self, index: int) -> bool:
        return index == 1


@methods
@pytest.mark.parametrize("long", [False, True])
def test_of_what_nobody_listens_to_no_text_is_made(
    options: SearchOptions, long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator, seen = tiny_translator(), Choosy(_3=2)
    options = options.model_copy(update={"max_extra": 12, "n_best": 1})
    decoded: list[Any] = []
    decode = type(translator.vocabulary).decode_target

    def counted(self: Any, tokens: Any) -> Any:
        decoded.append(tokens)
        return decode(self, tokens)

    monkeypatch.setattr(type(translator.vocabulary), "decode_target", counted)
    translate: Any = translator.translate_text if long else translator.translate
    plain = translate(TEXTS, options)
    unwatched = len(decoded)
    found = translate(TEXTS, options, watch=seen)
    assert [found[i] for i in (0, 1, 2, 4, 5)] == [plain[i] for i in (0, 1, 2, 4, 5)]
    assert found[3].error == "cancelled"
    assert set(seen.texts) == {1}
    assert seen.texts[1][-1] == found[1].text
    others = Seen(_3=2)
    decoded.clear()
    translate(TEXTS[1], options, watch=others)
    assert seen.texts[1] == others.texts[0]
    alone = len(decoded)
    decoded.clear()
    translate(TEXTS, options, watch=Choosy(_3=2))
    assert len(decoded) == unwatched - 1 + alone - 1


class Tokens:
    """Keeps the tokens themselves, a letter each."""

    def __init__(self) -> None:
        self.seen = Seen()

    def text_of(self, tokens: Any) -> str:
        return "".join(chr(ord("a") + token) for token in tokens)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("early", [True, False])
def test_beam_search_tells_before_its_end_what_all_that_can_win_share(seed: int, early: bool) -> None:
    model, source, kept = Network(random_model(seed)).fast, sources(5, 8, 12), Tokens()
    options = SearchOptions(beam=4, early_stopping=early)
    following = Following(kept.seen, range(3), kept.text_of)
    found = search(model, source, options, following=following)
    assert found == search(model, source, options)
    for index, (best, *_) in enumerate(found):
        texts = kept.seen.texts[index]
        assert grows(texts)
        assert texts[-1] == kept.text_of(best.tokens)


def test_agreement_is_of_live_and_of_the_best_finished_hypotheses() -> None:
    kept = Tokens()
    following = Following(kept.seen, [7], kept.text_of)
    following.agreed(0, [[1, 2, 3], [1, 2, 4]], None)
    following.agreed(0, [[1, 2, 4, 5], [1, 2, 4, 6]], Hypothesis((1, 2, 3), 0.0, 0.0))
    assert kept.seen.texts[7] == ["bc"]
    following.agreed(0, [[1, 2, 4, 5, 1], [1, 2, 4, 5, 2]], None)
    assert kept.seen.texts[7] == ["bc", "bcef"]


@methods
@pytest.mark.parametrize("network", ["transformer", "rnn", "int8"])
def test_a_sentence_that_is_given_up_leaves_at_once_and_the_others_keep_their_bits(network: str, options: Any) -> None:
    model = NETWORKS[network]().fast
    source, kept = sources(5, 8, 12, 4, 7), Tokens()
    kept.seen = Seen(_0=0, _2=3, _3=1)
    rows: list[int] = []
    name = "decode_step" if options.method == "sample" else "likeliest"
    stepping = model if options.method == "sample" else getattr(model, "native", model)
    step = getattr(stepping, name)

    def counting(tokens: Any, *more: Any) -> Any:
        rows.append(len(tokens))
        return step(tokens, *more)

    setattr(stepping, name, counting)
    found = search(model, source, options, following=Following(kept.seen, range(5), kept.text_of))
    alone = [search(model, row, options)[0] for row in rows_of(source)]
    each = options.beam if options.method == "beam" else options.n_best
    assert rows[0] == 4 * each
    assert rows[1] <= 3 * each
    assert found[1] == alone[1]
    assert found[4] == alone[4]
    assert found[0] == []
    # A sentence that ended before it was given up has its translation.
    lengths = [max(len(h.tokens) for h in hypotheses) for hypotheses in alone]
    assert found[2] == [] or lengths[2] <= 3
    assert kept.seen.asked[0] == 1
    assert kept.seen.asked[2] <= 4


@methods
def test_what_was_given_up_has_an_error_and_no_text(options: SearchOptions) -> None:
    translator, seen = tiny_translator(), Seen(_0=0, _3=2, _4=1)
    options = options.model_copy(update={"max_extra": 12})
    plain = translator.translate(TEXTS, options)
    found = translator.translate(TEXTS, options, watch=seen)
    assert [t.error for t in found] == ["cancelled", None, None, "cancelled", "cancelled", None]
    assert [found[i] for i in (1, 2, 5)] == [plain[i] for i in (1, 2, 5)]
    assert found[3].text == ""
    assert all(t.error == "cancelled" for t in translator.translate(["one"] * 3, watch=Seen(_0=0, _1=0, _2=0)))


def _vocabulary(**changes: Any) -> Vocabulary:
    words = ["one two three  four", "über fünf", "你好，世界", "a  b "]
    return Vocabulary.train(words, words, VocabularyConfig(size=320, shrink=True, **changes))


VOCABULARIES = [_vocabulary(), _vocabulary(kind="unigram"), tiny_translator().vocabulary]


@given(st.lists(st.integers(0, 319), max_size=14), st.sampled_from(range(3)))
def test_certain_text_is_never_taken_back_whatever_the_tokens_are(tokens: list[int], which: int) -> None:
    vocabulary, kept = VOCABULARIES[which], Tokens()
    tokens = [token % vocabulary.target_size for token in tokens]
    following = Following(kept.seen, [0], vocabulary.decode_target)
    for length in range(len(tokens) + 1):
        following.settled(0, tokens[:length])
    following.ended(0, tokens)
    assert grows(kept.seen.texts[0])
    assert (kept.seen.texts[0] or [""])[-1] == vocabulary.decode_target(tokens)


def test_a_character_is_told_when_all_of_its_bytes_are_there() -> None:
    vocabulary, kept = tiny_translator().vocabulary, Tokens()
    tokens = vocabulary.encode_target(["one 你 x"])[0][1:-1]
    following = Following(kept.seen, [0], vocabulary.decode_target)
    for length in range(len(tokens) + 1):
        following.settled(0, tokens[:length])
    assert not any("\ufffd" in text for text in kept.seen.texts[0])
    assert any(text.endswith("你") for text in kept.seen.texts[0])


def test_what_a_watch_raises_ends_the_call() -> None:
    class Broken(Seen):
        def told(self, index: int, text: str) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        tiny_translator().translate("one", watch=Broken())
