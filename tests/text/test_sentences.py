"""Sentences are cut where they end, and nowhere else; nothing of a text is lost."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchword.text.sentences import is_wide, sentences

# Sentences are apart by |, which stands for nothing, or by "| " where the text has a blank.
CASES = {
    "en": [
        "A man rides a bike.| It is red.",
        "Dr. Smith met Mr. Jones.| They talked.",
        "She likes fruit, e.g. Apples and pears.| He does not.",
        "It costs 3.14 dollars.| That is cheap.",
        "He lives in the U.S. Government offices are near.",
        "He lives in the U.S.| The president does too.",
        "J. R. R. Tolkien wrote it.| We read it.",
        "J.R.R. Tolkien wrote it.| We read it.",
        "Wait... what?| I don't know!| Really?!| Yes.",
        "Well… maybe.| Or not.",
        'He said "Stop!" and left.| She stayed.',
        '"Stop!" he said.| "Why?" she asked.',
        'She said: "It is late."| Then she left.',
        "She said: “It is late.”| Then she left.",
        "(This is in brackets.)| This is not.",
        "See Fig. 3 and Sec. 4.| They show it.",
        "No. 5 is alive.| No.| I mean it.",
        "Apples, pears, etc. are fruit.| Carrots, etc.| We like them.",
        "Visit https://example.com/a.b?c=d.e for more.| Or write to a.b@c.de today.",
        "Visit example.com.| It is free.",
        "It was 5 p.m. when he came.| At 6 p.m. Mary left.",
        "1. Open the box.| Take it out.",
        "a. Open the box.| Take it out.",
        "- Open the box.| Take it out.",
        "IV. The end.| Nothing follows.",
        "Smith vs. Jones was long.| It ended.",
        "Python 3.12.1 is out.| Get it.",
        "He came in 1999.| 20 people came.",
        "He was born in 1999.| He is young.",
        "Acme Inc. was founded in May.| Acme Inc.| It still exists.",
        "So do I.| You know.",
        "What a day!| what a night!",
        "He got a Ph.D. in physics.| Now he teaches.",
        "He asked (why?) and left.| Nobody knew.",
        "It is over.[1]| Nobody knew.[23]",
        "It is **over.**| Nobody knew.",
        "It is over .| Nobody knew !",
        "Mt. Everest is high.| St. Peter is old.",
        "Sept. 3 was warm.| Oct. 4 was not.",
        "Hello world",
        "Mr. and Mrs. Smith vs. Gen. Lee et al. in court.",
        "I like node.js and .NET a lot.| They work.",
    ],
    "de": [
        "Er kommt z. B. am Montag.| Sie nicht.",
        "Er kommt z.B. Montag.| Sie nicht.",
        "Das ist d. h. Der Rest fehlt.",
        "Am 1. Januar 2020 war Neujahr.| Am 3. Mai nicht.",
        "Der 2. Weltkrieg endete im 20. Jahrhundert.| Das ist lange her.",
        "Er ist 12.| Dann kam sie.",
        "Es kostet 3,50 Euro bzw. Vier Dollar.| Billig!",
        "Nr. 5 lebt.| Siehe S. 12 und Abb. 3.| Ende.",
        "Äpfel, Birnen usw. Sind da.",
        "Äpfel, Birnen usw.| Wir mögen sie.",
        "Dr. Müller und Prof. Dr. Schmidt kamen.| Hr. Maier nicht.",
        "„Halt!“, rief er.| „Warum?“| Sie ging.",
        "„Es ist spät.“| Dann ging sie.",
        "Er sagte: »Nein.«| Dann ging er.",
        "Er ging. »Ja«, sagte sie.".replace(". »", ".| »"),
        "Es war 44 v. Chr. und kalt.| Rom brannte.",
        "Die Firma Maier & Co. KG ist groß.| Sie wächst.",
        "Um 8.30 Uhr begann es.| Alle waren da.",
        "Ca. Hundert Leute kamen.| Viele blieben.",
        "Das ist u. a. Thema.| Und mehr.",
    ],
    "fr": [
        "M. Dupont est là.| Mme Durand aussi.",
        "Il a dit : « Bonjour. »| Puis il est parti.",
        "« Quoi ? » dit-il.| Elle rit !",
        "Comment ça va ?| Bien, merci !| Et toi ?",
        "Il y a p. ex. Paris et Lyon.| C'est tout.",
        "Il est né en 52 av. J.-C. à Rome.| Il est mort.",
        "Voir p. 12 et fig. 3.| Merci.",
        "Des pommes, des poires, etc.| Elle les aime.",
        "L’année 2020.| À bientôt.",
    ],
    "zh": [
        "你好。|我是学生！|你呢？",
        "他说：“你好。”|然后走了。",
        "他问：“你是谁？”，没有人回答。|天黑了。",
        "价格是3.14元。|很便宜。",
        "真的吗？！|是的。",
        "（这是括号。）|这不是。",
        "《你好！李焕英》是电影。|很好看。",
        "我用Python 3.12。|你呢?|我不用!|好。",
        "第一句。| 第二句。",
        "「你好。」|他说。",
        "等等……好吧。|走。",
    ],
    "ja": [
        "こんにちは。|元気ですか？|はい。",
        "「はい。」と言った。|それから帰った。",
        "『本当に？』|そうです。",
    ],
    "hi": ["यह घर है। |वह पेड़ है।".replace("। |", "।| ")],
    "": ["One. Two three.".replace(". ", ".| "), "Am 3. Mai kam Dr. Who.| Vorbei.", "", "Nur ein Satz"],
}


@pytest.mark.parametrize(
    ("language", "case"), [(language, case) for language, cases in CASES.items() for case in cases]
)
def test_sentences_are_cut_where_they_end(language: str, case: str) -> None:
    text = case.replace("|", "")
    wanted = [part.strip() for part in case.split("|") if part.strip()]
    assert [piece.text for piece in sentences(text, language) if piece.text] == wanted


def test_the_table_is_not_a_small_one() -> None:
    assert sum(map(len, CASES.values())) >= 60


def test_lines_lists_and_indentation_stay_where_they_were() -> None:
    text = "  Title\n\n\t- One. Two.\r\n\t- three\n \n"
    pieces = sentences(text, "en")
    assert [piece.text for piece in pieces] == ["Title", "- One.", "Two.", "- three", ""]
    assert [piece.blank for piece in pieces] == ["  ", "\n\n\t", " ", "\r\n\t", "\n \n"]
    assert sentences(" \n ") == [(" \n ", "")]
    assert sentences("") == []


@given(
    st.text(alphabet=" \n\r\t.!?…。！？”“\"'»«)(《》[1]3aBÄ你の।\u2028\xa0-", max_size=40), st.sampled_from([*CASES])
)
def test_nothing_is_lost_and_no_sentence_is_blank(text: str, language: str) -> None:
    pieces = sentences(text, language)
    assert "".join(piece.blank + piece.text for piece in pieces) == text
    assert all(piece.text and not piece.blank.strip() and piece.text.strip() == piece.text for piece in pieces[:-1])


def test_a_long_text_is_cut_in_time() -> None:
    assert len(sentences("It is so. " * 20_000, "en")) == 20_001
    assert len(sentences("x" * 10**6)) == 1
    assert len(sentences("a.b " * 100_000)) >= 1


HOSTILE = [
    ".",
    "!",
    "…",
    ")",
    "(",
    ".)",
    "A. ",
    "1. ",
    "(1. ",
    "z. B. ",
    ". »",
    "[1]",
    ".[1] ",
    "《。",
    " ",
    "\n",
    " \n",
]


@pytest.mark.parametrize("unit", HOSTILE, ids=ascii)
def test_time_grows_as_the_text_does(unit: str) -> None:
    def seconds(size: int) -> float:
        start = time.process_time()
        found = sentences((unit * size)[:size], "de")
        taken = time.process_time() - start
        assert sum(len(piece.blank) + len(piece.text) for piece in found) == size
        return taken

    # Four times the text takes four times as long, not sixteen. A busy machine can slow any one of these, not the best
    # of several; and where each of them took sixteen times as long, the best did too.
    short, long = (min(seconds(size) for _ in range(4)) for size in (10_000, 40_000))
    assert long < max(0.3, 9 * short)


def test_wide_characters_are_those_of_scripts_without_blanks() -> None:
    assert all(map(is_wide, "你。のア！"))
    assert not any(map(is_wide, "aß.한"))
