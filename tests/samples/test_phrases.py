"""Phrases from CLDR: held out by construction, the same for the same seed, translated in every part."""

import re
from collections import Counter

import pytest

from patchword.errors import RecipeError
from patchword.samples.phrases import PhraseSplit, find_locale, phrase_pairs


@pytest.fixture(scope="module")
def chinese() -> PhraseSplit:
    return phrase_pairs("en", "zh")


def check_held_out(split: PhraseSplit) -> None:
    assert not {pair.source for pair in split.train} & {pair.source for pair in split.held_out}
    assert not {pair.target for pair in split.train} & {pair.target for pair in split.held_out}


def test_no_held_out_phrase_occurs_in_training_on_either_side(chinese: PhraseSplit) -> None:
    assert len(chinese.held_out) == 500
    assert len(chinese.train) > 15_000
    check_held_out(chinese)


def test_a_source_phrase_has_one_translation(chinese: PhraseSplit) -> None:
    for pairs in (chinese.train, chinese.held_out):
        assert max(Counter(pair.source for pair in pairs).values()) == 1


def test_held_out_phrases_are_combinations_of_names_that_training_has(chinese: PhraseSplit) -> None:
    assert not {"territory", "language", "currency"} & {pair.kind for pair in chinese.held_out}
    for kind in ("territory", "language"):
        known = {pair.source for pair in chinese.train if pair.kind == kind}
        plural = {"territory": "list of territories", "language": "list of languages"}[kind]
        lists = [pair.source for pair in chinese.held_out if pair.kind == plural]
        assert lists
        for text in lists:
            left = text
            for name in sorted(known, key=len, reverse=True):
                left = left.replace(name, "")
            assert set(re.findall(r"\w+", left)) <= {"and", "or"}, text


def test_the_units_of_held_out_phrases_occur_in_training(chinese: PhraseSplit) -> None:
    kinds = ("unit", "amount of money")
    known = {re.sub(r"[\d,]+", "#", pair.target) for pair in chinese.train if pair.kind in kinds}
    wanted = {re.sub(r"[\d,]+", "#", pair.target) for pair in chinese.held_out if pair.kind in kinds}
    assert wanted <= known


def test_the_seed_alone_decides() -> None:
    first, again, other = (phrase_pairs("en", "zh", seed, train=1500, held_out=50) for seed in (4, 4, 5))
    assert first == again
    assert first.held_out != other.held_out


def test_every_kind_of_phrase_is_there(chinese: PhraseSplit) -> None:
    assert {pair.kind for pair in chinese.train} == {
        "territory",
        "language",
        "currency",
        "date",
        "date and time",
        "date interval",
        "relative time",
        "duration",
        "unit",
        "amount of money",
        "list of territories",
        "list of languages",
    }


def test_units_that_chinese_lacks_are_left_out(chinese: PhraseSplit) -> None:
    units = {re.sub(r"[\d,]+", "#", pair.source): pair.target for pair in chinese.train if pair.kind == "unit"}
    assert len(units) > 120
    assert not {"# ems", "# points", "# of gasoline equivalent"} & set(units)
    for source, target in units.items():
        words = re.findall(r"[A-Za-z]{2,}", target)
        assert not words, (source, target)


@pytest.mark.parametrize(("source", "target"), [("en", "de"), ("en", "fr"), ("en", "ja"), ("de", "ja"), ("zh", "en")])
def test_other_locales_work(source: str, target: str) -> None:
    split = phrase_pairs(source, target, train=2000, held_out=100)
    assert len(split.held_out) == 100
    assert 1900 <= len(split.train) <= 2000
    check_held_out(split)
    assert all(pair.source.strip() and pair.target.strip() for pair in (*split.train, *split.held_out))


def test_phrases_that_the_source_language_says_alike_have_one_translation() -> None:
    # Chinese writes long and medium dates alike; English does not.
    pairs = phrase_pairs("zh", "en", train=3000, held_out=100).train
    dates = [pair.target for pair in pairs if pair.kind == "date" and "星期" not in pair.source]
    assert dates
    assert not [text for text in dates if re.match(r"(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ", text)]


def test_a_locale_without_a_pattern_for_two_items_has_no_such_durations() -> None:
    # Babel repeats the second of two items in Arabic.
    pairs = phrase_pairs("en", "ar", train=2500, held_out=100).train
    durations = [pair for pair in pairs if pair.kind == "duration"]
    assert durations
    assert {pair.source.count(",") for pair in durations} == {2}


def test_a_locale_without_words_of_its_own_is_not_given_the_roots() -> None:
    # Afar has names of months, but no units.
    pairs = phrase_pairs("en", "aa", train=1500, held_out=50).train
    assert not [pair for pair in pairs if pair.kind in ("duration", "relative time")]
    assert not [pair for pair in pairs if re.search(r"\bM\d\d\b|\d (km|kg|min)\b", pair.target)]


@pytest.mark.parametrize(
    ("wrong", "right"), [("english", "'en'"), ("Chinese", "'zh'"), ("en_UX", "'en_"), ("jaa", "'ja'"), ("root", "")]
)
def test_an_unknown_locale_is_an_error_that_names_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(RecipeError, match=f"CLDR has no locale '{wrong}'; did you mean {right}"):
        phrase_pairs(wrong, "zh")
    with pytest.raises(RecipeError, match=f"CLDR has no locale '{wrong}'"):
        phrase_pairs("en", wrong)


@pytest.mark.parametrize("wrong", ["", "xx", "../../etc/passwd", "12345678"])
def test_a_locale_like_no_other_is_answered_with_a_few_examples(wrong: str) -> None:
    with pytest.raises(RecipeError) as caught:
        find_locale(wrong)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("name", ["zh-CN", "zh_CN", "pt-BR", "EN"])
def test_locales_are_found_however_people_write_them(name: str) -> None:
    assert find_locale(name).language == name[:2].lower()


@pytest.mark.parametrize(("source", "target"), [("en", "en"), ("zh", "zh_Hans")])
def test_two_locales_that_say_the_same_are_refused(source: str, target: str) -> None:
    with pytest.raises(RecipeError, match=f"too little differently in '{source}' and '{target}'"):
        phrase_pairs(source, target, train=2000, held_out=100)
