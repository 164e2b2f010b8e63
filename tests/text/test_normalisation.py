"""Texts that look the same are one text to a model."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchword.text.normalisation import NORMALISATIONS, all_normalised, is_blank, normalised

VARIANTS = [
    ("10\u00a0taka", "10 taka"),
    ("10\u202f000\u3000taka", "10 000 taka"),
    ("ta\u200bka\ufeff", "taka"),
    ("ta\u00adka", "taka"),
    ("\u202ataka\u202c", "taka"),
    ("Ｔａｋａ　１０＄", "Taka 10$"),
    ("（Taka）！", "(Taka)!"),
    ("caf\u0065\u0301", "caf\u00e9"),
    ("caf\u0065\u200b\u0301", "caf\u00e9"),
    ("ta\u200dka\u200c", "taka"),
    ("ﬁne", "fine"),
    ("ﾊﾟｿｺﾝ", "パソコン"),
    ("a\tb\r\n", "a b"),
    ("a\x00b\x1b[31m", "ab[31m"),
    ("\u2126", "\u03a9"),
    ("10\u2800taka\u3164x", "10 taka x"),
    ("ta\ufe0fka\ufe00 \ufe0f", "taka"),
    ("t\u034fa\u206aka\ufff9", "taka"),
    ("10\u2011taka", "10-taka"),
    ("hi\U000e0041\U000e0042", "hi"),
]

AS_THEY_ARE = [
    "Two young, White males are outside near many bushes.",
    "Ein „Hund“ – l’eau … «oui» it's",
    "  two  spaces  ",
    "你好，世界！（真的）",
    "می\u200cخواهم",
    "क्\u200dष और क्\u200cष",
    "\U0001f469\u200d\U0001f4bb \u2764\ufe0f",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "സ്ന\u0d28\u0d4d\u200d",
    "5\ufe0f\u20e3 \u845b\U000e0100 \u2764\ufe0f",
    "x² + ½ ≠ ℃ №",
]


@pytest.mark.parametrize(("variant", "plain"), VARIANTS)
def test_an_invisible_variant_is_the_plain_text(variant: str, plain: str) -> None:
    assert normalised(variant) == plain


@pytest.mark.parametrize("text", AS_THEY_ARE)
def test_what_a_script_needs_stays(text: str) -> None:
    assert normalised(text) == text


def test_full_width_punctuation_is_plain_only_where_no_script_has_it() -> None:
    assert normalised("Ｏｋ，ｙｅｓ？") == "Ok,yes?"
    assert normalised("好，Ｏｋ？") == "好，Ok？"


def test_quotes_are_changed_only_if_asked_and_none_changes_nothing() -> None:
    text = "„a“ ‘b’ «c»\u00a0it’s"
    assert normalised(text) == "„a“ ‘b’ «c» it’s"
    assert normalised(text, "quotes") == '"a" \'b\' "c" it\'s'
    assert normalised(text, "none") == text


@given(st.text(), st.sampled_from(NORMALISATIONS))
def test_a_normalised_text_is_normal(text: str, form: str) -> None:
    once = normalised(text, form)  # type: ignore[arg-type]
    assert normalised(once, form) == once  # type: ignore[arg-type]
    if form != "none":
        assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize(
    ("text", "blank"), [("", True), (" \u200b\ufeff\u3000\t", True), ("\u200bx", False), (".", False)]
)
def test_a_text_of_nothing_visible_is_blank(text: str, blank: bool) -> None:
    assert is_blank(text) is blank


@given(st.lists(st.text(max_size=5), max_size=5), st.sampled_from(NORMALISATIONS))
def test_many_texts_are_normalised_as_each_is(texts: list[str], form: str) -> None:
    texts = [*texts, *["dog"] * 200, *texts, "\u0301a", "e"]
    assert all_normalised(texts, form) == [normalised(text, form) for text in texts]  # type: ignore[arg-type]
