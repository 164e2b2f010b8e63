"""Which of some languages a text is in."""

from pathlib import Path

import pytest

from patchword.text.detection import detected


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_sentences_are_known(multi30k: Path, language: str) -> None:
    lines = (multi30k / f"test_2016_flickr.{language}").read_text(encoding="utf-8").splitlines()[:200]
    found = [detected(line, ["en", "de", "fr", "es", "nl", "cs", "zh"])[0] for line in lines]
    assert sum(code == language for code, _ in found) > 0.9 * len(lines)
    sure = [code == language for code, confidence in found if confidence > 0.9]
    assert sum(sure) > 0.97 * len(sure) > 0.6 * len(lines)


@pytest.mark.parametrize(("text", "language"), [("你好", "zh"), ("Привет", "ru"), ("three days", "en"), ("und", "de")])
def test_a_few_letters_can_be_enough(text: str, language: str) -> None:
    assert detected(text, ["en", "zh", "ru", "de"])[0][0] == language


def test_confidences_are_shares_and_without_letters_there_is_none() -> None:
    assert sum(share for _, share in detected("taxi", ["en", "de"])) == pytest.approx(1)
    assert detected("1,234 !", ["en", "de"]) == [("en", 0.0), ("de", 0.0)]
    assert detected("hello", ["source", "en"]) == [("en", 1.0)]
    assert detected("hello", ["source"]) == []
