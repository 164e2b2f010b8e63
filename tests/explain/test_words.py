"""Words: of texts in any script, of pieces, and which of the ones are which of the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchword.explain.words import UNKNOWN, Word, piece_words, places, text_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A man, riding a bike.", ["A", "man,", "riding", "a", "bike."]),
        ("  two \u00a0 spaces\t", ["two", "spaces"]),
        ("2026年5月4日星期一", ["2026", "年", "5", "月", "4", "日", "星", "期", "一"]),
        ("iPhone手机，好！", ["iPhone", "手", "机", "，", "好", "！"]),
        ("カメラを持つ", ["カメラ", "を", "持", "つ"]),
        ("ประเทศ น้ำใจ", ["ป", "ระ", "เท", "ศ", "น้ำ", "ใจ"]),
        ("대한민국 만세", ["대한민국", "만세"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("", []),
        (" \n", []),
    ],
)
def test_spaces_part_words_and_where_there_are_none_characters_do(text: str, words: list[str]) -> None:
    assert text_words(text) == words


@given(st.text("a b年カー、é\u0301ไ\n\u3000𠀀"))
def test_no_character_is_lost_but_spaces(text: str) -> None:
    assert "".join(text_words(text)) == "".join(text.split())


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (["▁A", "▁m", "an", "▁ride", "s", "."], [(0, 1, "A"), (1, 3, "man"), (3, 6, "rides.")]),
        (["▁", "France", "▁and"], [(0, 2, "France"), (2, 3, "and")]),
        (["▁", "2", "0", "年", "阿拉伯", "联合", "5", "月"],
         [(0, 3, "20"), (3, 4, "年"), (4, 5, "阿拉伯"), (5, 6, "联合"), (6, 7, "5"), (7, 8, "月")]),
        (["▁カ", "メラ", "を"], [(0, 2, "カメラ"), (2, 3, "を")]),
        (["▁of▁the", "▁day"], [(0, 1, "of the"), (1, 2, "day")]),
        (["▁end", "▁"], [(0, 2, "end")]),
        (["▁"], [(0, 1, "")]),
        ([], []),
    ],
)  # fmt: skip
def test_pieces_are_joined_to_words(pieces: list[str], words: list[tuple[int, int, str]]) -> None:
    assert piece_words(pieces, False) == [Word(*word) for word in words]
    ended = piece_words([*pieces, "</s>"], True)
    assert ended[:-1] == piece_words(pieces, False)
    assert ended[-1] == Word(len(pieces), len(pieces) + 1, "</s>")


def test_bytes_are_joined_to_the_characters_that_they_spell() -> None:
    hello = ["▁", *(f"<0x{byte:02X}>" for byte in "你好é!".encode())]
    assert piece_words(hello, False) == [Word(0, 4, "你"), Word(4, 7, "好"), Word(7, 10, "é!")]
    apart = ["▁a", "<0x20>", "b", "<0x0A>", "c"]
    assert [word.text for word in piece_words(apart, False)] == ["a", "b", "c"]
    # A model may write what is no character; nothing is lost of it, and nothing fails.
    broken = ["<0xE4>", "<0xBD>", "▁x", "<0xFF>"]
    assert [(word.first, word.end) for word in piece_words(broken, False)] == [(0, 2), (2, 4)]


def test_an_end_token_that_is_a_text_is_a_word_like_others() -> None:
    assert piece_words(["▁a", "▁</s>"], False) == [Word(0, 1, "a"), Word(1, 2, "</s>")]


@given(st.lists(st.sampled_from(["▁", "▁a", "b", "年", "<0xE4>", "<0xBD>", "<0xA0>", "カ", "<unk>", ""]), max_size=12))
def test_words_of_pieces_are_all_pieces_in_order(pieces: list[str]) -> None:
    words = piece_words(pieces, False)
    assert [i for word in words for i in range(word.first, word.end)] == list(range(len(pieces)))
    assert len(places(words, "a年 b")) == len(words)


def test_a_piece_of_several_characters_is_several_words_of_the_text() -> None:
    words = piece_words(["▁阿拉伯", "联合", "▁man"], False)
    assert places(words, "阿拉伯联合 man") == [[0, 1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    ("pieces", "text", "found"),
    [
        (["▁fi", "▁café...", "▁x"], "ﬁ cafe\u0301… x", [[0], [1], [2]]),
        (["▁A", "▁<unk>", "▁B"], "A ☃☃ B", [[0], [1], [2]]),
        (["▁a", UNKNOWN, "年"], "a月年", [[0, 1], [2]]),
        (["▁a"], "", [[]]),
        ([], "a b", []),
    ],
)
def test_what_the_vocabulary_changed_is_found_between_what_it_did_not(
    pieces: list[str], text: str, found: list[list[int]]
) -> None:
    assert places(piece_words(pieces, False), text) == found
