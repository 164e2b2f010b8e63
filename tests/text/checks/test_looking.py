"""What is wrong with a text is found where it is, and what is right is not."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from patchword.checking import check
from patchword.errors import DataError, RecipeError
from patchword.findings import Findings

Pairs = list[tuple[str, str]]

EN = [
    "man",
    "woman",
    "dog",
    "ball",
    "street",
    "water",
    "park",
    "bench",
    "house",
    "child",
    "garden",
    "river",
    "market",
    "flower",
    "horse",
    "bridge",
]
DE = [
    "Mann",
    "Frau",
    "Hund",
    "Ball",
    "Straße",
    "Wasser",
    "Park",
    "Bank",
    "Haus",
    "Kind",
    "Garten",
    "Fluss",
    "Markt",
    "Blume",
    "Pferd",
    "Brücke",
]


def sentences(count: int, seed: int = 1) -> Pairs:
    """English and German sentences, no two of them alike."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        words = [draw.randrange(len(EN)) for _ in range(9)]
        english = " and the ".join(EN[i] for i in words)
        german = " und ein ".join(DE[i] for i in words)
        found.append((f"The {english} are here.", f"Der {german} sind hier."))
    return found


def write(folder: Path, name: str, pairs: Pairs) -> list[Path]:
    paths = [folder / f"{name}.en", folder / f"{name}.de"]
    for side, path in enumerate(paths):
        path.write_text("".join(f"{pair[side]}\n" for pair in pairs), encoding="utf-8")
    return paths


def lines(found: Findings, kind: str) -> list[int | None]:
    return [finding.line for finding in found.of(kind)]


def looked(folder: Path, extra: Pairs, held: Pairs | None = None, **options: object) -> Findings:
    """Findings in 40 sound pairs with others behind them."""
    train = write(folder, "train", [*sentences(40), *extra])
    test: Sequence[Path] = () if held is None else write(folder, "test", held)
    return check(train, test=test, **options)


def test_sound_text_has_nothing_wrong(tmp_path: Path) -> None:
    found = looked(tmp_path, [], sentences(10, seed=2))
    assert found.found == []
    assert found.counts == {"training": 40, "test": 10}
    assert "languages: en and de" in found.notes


def test_empty_sides_and_damaged_lines(tmp_path: Path) -> None:
    paths = write(tmp_path, "train", [*sentences(40), ("A dog.", " "), ("\u200b", "Ein Hund."), ("", "")])
    with paths[1].open("ab") as stream:
        stream.write(b"Stra\xdfe\n")
    with paths[0].open("ab") as stream:
        stream.write(b"street\n")
    found = check(paths)
    assert lines(found, "empty") == [41, 42, 43]
    assert lines(found, "damaged") == [44]
    assert found.of("damaged")[0].file == str(paths[1])
    assert found.harmful == 4


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "mac_roman"])
def test_letters_that_were_read_in_a_wrong_encoding(tmp_path: Path, encoding: str) -> None:
    wrong = "Über die große Straße".encode().decode(encoding)
    found = looked(tmp_path, [("Over the large street", wrong)])
    assert lines(found, "encoding") == [41]
    assert "(meant: Über die große Straße)" in found.of("encoding")[0].text


def test_letters_that_are_lost(tmp_path: Path) -> None:
    found = looked(tmp_path, [("Over the street", "Über die Stra\ufffde"), ("Over it", "Dar\x81ber")])
    assert lines(found, "encoding") == [41, 42]
    assert "meant" not in found.of("encoding")[0].text


@pytest.mark.parametrize("text", ["„Österreich“ – 20 °C, 5 €, naïve Ärztin", "Škoda Øresund ÆØÅ", "São Tomé à l’été"])
def test_sound_letters_with_accents_are_no_damage(tmp_path: Path, text: str) -> None:
    assert lines(looked(tmp_path, [(text, f"{text}!")]), "encoding") == []


def test_repeats(tmp_path: Path) -> None:
    first = sentences(1)[0]
    other = (first[0], "Etwas ganz anderes steht hier.")
    near = (first[0].replace("here", "there"), first[1].replace("hier", "dort"))
    found = looked(tmp_path, [first, (f" {first[0]} ", first[1].replace(" ", "\u00a0")), other, near])
    assert lines(found, "duplicate") == [41, 42]
    assert lines(found, "other-target") == [43]
    assert lines(found, "near-duplicate") == [44]
    assert all(finding.other.endswith("train.en:1") for finding in found.found)


def test_text_that_is_tested_on(tmp_path: Path) -> None:
    held = sentences(4, seed=3)
    own = ("Nothing of this is anywhere else at all.", "Nichts hiervon steht sonst irgendwo.")
    found = looked(
        tmp_path,
        [
            held[0],
            (held[1][0].upper().replace(".", "!"), own[1]),
            (own[0], held[2][1]),
            (held[3][0].replace("here", "there"), own[1]),
        ],
        held,
    )
    leaks = [(f.line, f.text.partition(":")[0]) for f in found.of("leak")]
    assert leaks == [(41, "test, pair"), (42, "test, source")]
    assert lines(found, "leak-target") == [43]
    assert lines(found, "leak-near") == [44]
    assert [f.other.rpartition("/")[2] for f in found.of("leak")] == ["test.en:1", "test.en:2"]


def test_validation_text_that_is_tested_on(tmp_path: Path) -> None:
    held = sentences(4, seed=3)
    train, validation, test = (
        write(tmp_path, name, pairs)
        for name, pairs in (("train", sentences(40)), ("val", held[:2]), ("test", held[1:]))
    )
    found = check(train, validation=validation, test=test)
    assert [(f.split, f.line, f.other.rpartition("/")[2]) for f in found.found] == [("validation", 2, "test.en:1")]


def test_columns_of_a_table_can_be_said(tmp_path: Path) -> None:
    rows = [f"{i}\t{t}\tx\t{s}\n" for i, (s, t) in enumerate([*sentences(30), ("A dog.", "")])]
    (tmp_path / "a.tsv").write_text("".join(rows), encoding="utf-8")
    found = check(tmp_path / "a.tsv", columns="4,2")
    assert "languages: en and de" in found.notes
    assert lines(found, "empty") == [31]


def test_short_texts_that_differ_in_a_word_are_not_nearly_the_same(tmp_path: Path) -> None:
    pairs = [("Insert row", "Zeile einfügen"), ("Insert rows", "Zeilen einfügen"), ("Insert column", "Spalte einfügen")]
    assert looked(tmp_path, pairs, [("Insert cell", "Zelle einfügen")]).found == []


def test_copies_and_other_languages(tmp_path: Path) -> None:
    english = "The man and the woman are at the market with their dog."
    french = "Les deux hommes sont dans la rue avec une femme et un chien."
    found = looked(
        tmp_path,
        [
            (english, english),
            ("An old street.", english),
            (french, "Die zwei Männer sind auf der Straße."),
            ("Johann Sebastian Bach, BWV 1001", "Johann Sebastian Bach, BWV 1001"),
            ("LibreOffice Calc 7.2", "LibreOffice Calc 7.2"),
            ("Warsaw, Gdańsk, Kraków, Łódź, Poznań, Wrocław", "Warschau, Danzig, Krakau, Lodsch, Posen, Breslau"),
        ],
    )
    assert lines(found, "copied") == [41]
    assert [(f.line, f.text[:12]) for f in found.of("wrong-language")] == [(42, "target in en"), (43, "source in fr")]
    assert found.harmful == 0


def test_languages_of_other_scripts(tmp_path: Path) -> None:
    rows = [(s, f"{i} 个男人和一只狗在街上走路，另外 {i * i} 个在公园里。") for i, (s, _) in enumerate(sentences(40))]
    rows += [
        ("A man is at the market.", "The man is at the market with a dog."),
        ("Press Ctrl+Shift+F.", "按 Ctrl+Shift+F。"),
        ("LibreOffice Base Form Wizard", "LibreOffice Base Form Wizard"),
        ("一个男人在街上走路。", "一个男人在街上走。"),
    ]
    (tmp_path / "a.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in rows), encoding="utf-8")
    found = check(tmp_path / "a.tsv")
    assert "languages: en and zh" in found.notes
    assert lines(found, "wrong-language") == [41, 44]


def test_sides_that_are_swapped_are_found_where_languages_are_said(tmp_path: Path) -> None:
    paths = write(tmp_path, "train", sentences(40))
    found = check(paths[::-1], source_language="en", target_language="de")
    assert [f.text for f in found.of("side-language")] == [
        "the source is said to be en: de?",
        "the target is said to be de: en?",
    ]
    assert len(found.of("wrong-language")) > 20
    assert found.harmful == 2


def test_lengths(tmp_path: Path) -> None:
    long = " ".join(["the dog and the man"] * 40)
    found = looked(tmp_path, [(long, " ".join(["der Hund und der Mann"] * 40)), ("A dog.", sentences(1, 9)[0][1])])
    assert lines(found, "long") == [41]
    assert lines(found, "ratio") == [42]
    assert lines(looked(tmp_path, [("a b c d e", "u v w x y")], max_tokens=4), "long")[-1] == 41


def test_a_task_can_be_said_and_a_recipe_followed(tmp_path: Path) -> None:
    write(tmp_path, "train", [*sentences(40), ("A dog.", "")])
    write(tmp_path, "val", sentences(3))
    (tmp_path / "recipe.toml").write_text(
        'task = "translation"\n[data]\ntrain = ["train.en", "train.de"]\nvalidation = ["val.en", "val.de"]\n'
    )
    found = check(tmp_path, str(tmp_path / "recipe.toml"))
    assert lines(found, "empty") == [41]
    assert lines(found, "leak") == [1, 2, 3]
    assert check([tmp_path / "train.en", tmp_path / "train.de"], "translation").harmful == 1
    with pytest.raises(RecipeError, match="neither a recipe file nor a task"):
        check(tmp_path, "translaton")


def test_what_cannot_be_looked_at_is_one_sentence(tmp_path: Path) -> None:
    paths = write(tmp_path, "train", sentences(5))
    paths[1].write_text("Hund\n" * 4)
    with pytest.raises(DataError, match=r"train\.de: has 4 lines, but .*train\.en has 5; line N must translate line N"):
        check(paths)
    paths[0].write_text("\n\n\n\n")
    with pytest.raises(DataError, match=r"train\.en: holds no sentence pairs"):
        check(paths)
    with pytest.raises(RecipeError, match="training text is 3 files"):
        check([*paths, paths[0]])
    with pytest.raises(RecipeError, match="--max-pixels is for other data"):
        check(paths, max_pixels=100_000)
    with pytest.raises(RecipeError, match="unknown option 'colums'; did you mean 'columns'"):
        check(paths, colums="1,2")


def test_without_the_extra_a_sentence_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ftfy", None)
    with pytest.raises(RecipeError, match=r"needs ftfy: pip install 'patchword\[check\]'"):
        check(write(tmp_path, "train", sentences(5)))
