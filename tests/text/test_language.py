"""Languages by their codes, by files' names and by scripts."""

from pathlib import Path

import pytest

from patchword.text.language import language_code, named_language, script_of, tokenisation


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *((name, "zh") for name in ("zh", "zho", "chi", "cmn", "zh_CN", "zh-Hans", "Chinese")),
        *((name, "de") for name in ("de", "deu", "ger", "DE", "german", "de_AT")),
        ("eng", "en"),
        ("jpn", "ja"),
        ("kor", "ko"),
        *((name, None) for name in ("", "?", "source", "target", "src", "tgt", "txt", "train", "a")),
    ],
)
def test_a_language_has_one_code_whatever_it_is_called(name: str, code: str | None) -> None:
    assert language_code(name) == code


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("train.en", "en"),
        ("train.en.gz", "en"),
        ("train.en.txt", "en"),
        ("europarl.de-en.de", "de"),
        ("train_cmn.txt", "cmn"),
        ("zho.txt", "zho"),
        ("train.zh_CN", "zh_CN"),
        ("train.txt", None),
        ("train.src", None),
        ("source", None),
        ("s", None),
    ],
)
def test_a_files_name_may_say_its_language(name: str, language: str | None) -> None:
    assert named_language(Path("en") / name) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我喜欢在 Berlin 喝咖啡", "zh"),
        ("私は漢字とカナを読む", "ja"),
        ("안녕하세요 여러분", "ko"),
        ("สวัสดีครับ", "th"),
        ("Guten Tag", ""),
        ("Доброе утро", ""),
        ("123 !?", ""),
    ],
)
def test_a_script_tells_the_languages_without_spaces(text: str, language: str) -> None:
    assert script_of([text, text]).language == language


@pytest.mark.parametrize(
    ("said", "references", "tokenizer", "warns"),
    [
        ("cmn", ["你好"], "zh", False),
        ("txt", ["你好"], "zh", False),
        ("?", ["これは何ですか"], "char", False),
        ("", ["a dog"], "13a", False),
        ("de", ["ein Hund"], "13a", False),
        ("de", ["你好世界"], "13a", True),
        ("zh", ["a dog runs"], "zh", True),
        ("zh", ["12 : 30"], "zh", False),
    ],
)
def test_bleu_cuts_words_as_the_language_or_else_the_text_asks(
    said: str, references: list[str], tokenizer: str, warns: bool
) -> None:
    found = tokenisation(said, references)
    assert found.name == tokenizer
    assert bool(found.warning) is warns
    assert found.assumption
