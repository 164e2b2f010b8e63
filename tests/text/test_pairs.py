import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from patchword.errors import DataError
from patchword.text.pairs import Pair, read_lines, read_pairs, read_parallel, read_training_pairs


def write(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if path.suffix.lower() == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_aligned_files_tsv_and_json_lines_give_the_same_pairs(tmp_path: Path, ending: str) -> None:
    rows = [("A dog.", "Ein Hund."), ("Two \u2028 cats", "Zwei Katzen")]
    wanted = [Pair(source, target, line) for line, (source, target) in enumerate(rows, 1)]
    source = write(tmp_path / f"a.en{ending}", "".join(f"{s}\n" for s, _ in rows))
    target = write(tmp_path / f"a.de{ending}", "\r\n".join(t for _, t in rows))
    assert read_pairs([source, target]) == wanted
    assert read_pairs([write(tmp_path / f"a.tsv{ending}", "".join(f"{s}\t{t}\n" for s, t in rows))]) == wanted
    plain = "".join(json.dumps({"source": s, "target": t}) + "\n" for s, t in rows)
    assert read_pairs([write(tmp_path / f"a.jsonl{ending}", plain)]) == wanted
    nested = "".join(json.dumps({"translation": {"en": s, "de": t}}) + "\n" for s, t in rows)
    assert read_pairs([write(tmp_path / f"b.jsonl{ending}", nested)], ("en", "de")) == wanted


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfA dog.\n")
    assert read_lines(path) == ["A dog."]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.en": b"x\ny\n", "a.de": b"x\n"}, "a.de: has 1 lines, but {0}/a.en has 2"),
        ({"a.en": b"x\n\nz\n", "a.de": b"x\ny\nz\n"}, "a.en, line 2: the source side is empty"),
        ({"a.en": b"x\ny\n", "a.de": b"x\n  \n"}, "a.de, line 2: the target side is empty"),
        ({"a.en": b"x\n\xe4h\n", "a.de": b"x\ny\n"}, "a.en, line 2: not UTF-8 text: byte 0xe4"),
        ({"a.en": b"", "a.de": b""}, "a.en: holds no sentence pairs"),
        ({"a.tsv": b"x\ty\nx y\n"}, "a.tsv, line 2: has 1 columns; expected source, tab, target"),
        ({"a.jsonl": b'{"source": "x"}\n'}, "a.jsonl, line 1: expected an object with the texts"),
        ({"a.jsonl": b'{"source": \n'}, "a.jsonl, line 1: not JSON"),
        ({"a.txt": b"x\n"}, "a.txt: one file must be .tsv or .jsonl"),
        ({"a.tsv.gz": b"\x1f\x8b\x08 broken"}, "a.tsv.gz: not a whole gzip file"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_pairs([tmp_path / name for name in files])
    assert message.format(tmp_path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.tsv: no such file"):
        read_pairs([tmp_path / "nothing.tsv"])
    with pytest.raises(DataError, match="is a folder; expected a text file"):
        read_lines(tmp_path)


def test_multi30k_reads_whole(multi30k: Path) -> None:
    pairs = read_pairs([multi30k / "train.en", multi30k / "train.de"])
    assert len(pairs) == 29_000
    assert pairs[0].source == "Two young, White males are outside near many bushes."
    assert pairs[-1].line == 29_000


PAIRS = [Pair("A dog.", "Ein Hund.", 1), Pair("Two, cats", "Zwei Katzen", 2)]
CSV = 'A dog.,Ein Hund.\n"Two, cats",Zwei Katzen\n'
EXTRA = "A dog.\tEin Hund.\tCC-BY 1\nTwo, cats\tZwei Katzen\tCC-BY 2\n"
KEYS = '{"translation": {"en": "A dog.", "de": "Ein Hund."}}\n{"id": "7", "de": "Zwei Katzen", "en": "Two, cats"}\n'


@pytest.mark.parametrize(
    ("name", "text", "how"),
    [
        ("a.csv", CSV, {}),
        ("a.csv", CSV.replace("\n", "\r\n"), {}),
        ("a.csv", "\ufeff" + CSV, {}),
        ("a.csv", "A dog.;Ein Hund.\nTwo, cats;Zwei Katzen\n", {}),
        ("a.csv", "sep=;\nA dog.;Ein Hund.\nTwo, cats;Zwei Katzen\n", {}),
        ("A.CSV", "Two, cats;Zwei Katzen\nA dog.;Ein Hund.\n", {"reversed": True}),
        ("a.csv", "Two, cats\tZwei Katzen\nA dog.\tEin Hund.\n", {"reversed": True}),
        ("A.CSV.GZ", CSV, {}),
        ("a.txt", EXTRA, {"columns": (1, 2)}),
        ("a.tsv", "7\tEin Hund.\t8\tA dog.\n9\tZwei Katzen\t1\tTwo, cats\n", {"columns": (4, 2)}),
        ("a.tsv", "A dog.\tEin Hund.\nTwo, cats\tZwei Katzen\n\n\n", {}),
        (
            "a.csv",
            'id,German,English\n1,Ein Hund.,A dog.\n2,Zwei Katzen,"Two, cats"\n',
            {"columns": ("english", "German")},
        ),
        ("a.tsv", "en\tde\nA dog.\tEin Hund.\nTwo, cats\tZwei Katzen\n", {}),
        ("a.csv", "Source,Target\n" + CSV, {}),
        ("a.jsonl", KEYS, {"languages": ("en", "de")}),
        ("a.jsonl", KEYS, {"languages": ("eng", "German")}),
        ("a.jsonl", KEYS, {"languages": ("en", None)}),
        (
            "a.jsonl",
            '{"q": "A dog.", "n": "1", "a": "Ein Hund."}\n{"a": "Zwei Katzen", "q": "Two, cats"}\n',
            {"columns": ("q", "a")},
        ),
        ("a.json", KEYS, {}),
        ("a.ndjson", '["A dog.", "Ein Hund."]\n{"src": "Two, cats", "tgt": "Zwei Katzen"}\n', {}),
    ],
)
def test_tables_and_json_lines_as_people_have_them(tmp_path: Path, name: str, text: str, how: dict[str, Any]) -> None:
    wanted = PAIRS[::-1] if how.pop("reversed", False) else PAIRS
    found = read_pairs([write(tmp_path / name, text)], **how)
    assert [(pair.source, pair.target) for pair in found] == [(pair.source, pair.target) for pair in wanted]


@pytest.mark.parametrize(
    ("files", "languages"),
    [
        ({"a.tsv": "A dog.\tEin Hund.\nTwo, cats\tZwei Katzen\n", "_about.txt": "x", "__MACOSX/._a.tsv": "x"}, None),
        ({"d/a.csv": CSV, "README.md": "x"}, None),
        ({"d/": "", "d/x.en": "A dog.\nTwo, cats", "d/x.de": "Ein Hund.\nZwei Katzen", "LICENSE": "x"}, None),
        ({"x.deu": "Ein Hund.\nZwei Katzen", "x.eng": "A dog.\nTwo, cats", "x.ids": "1"}, ("en", "de")),
    ],
)
def test_a_zip_of_a_table_or_of_two_files_is_read(
    tmp_path: Path, files: dict[str, str], languages: tuple[str, str] | None
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    assert read_pairs([tmp_path / "a.zip"], languages) == PAIRS
    (tmp_path / "a.zip").rename(tmp_path / "a.txt")
    assert read_pairs([tmp_path / "a.txt"], languages) == PAIRS


def test_a_zip_of_two_files_says_its_languages_by_their_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("Corpus.de-en.de", "Ein Hund.")
        archive.writestr("Corpus.de-en.en", "A dog.")
    assert read_parallel([tmp_path / "a.zip"]).named == ("de", "en")
    assert read_parallel([tmp_path / "a.zip"], ("eng", None)).named == ("en", "de")


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_unpacks_to_very_much_is_refused(
    tmp_path: Path, kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchword.text.unpacking.MOST_UNPACKED", 2**18)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", kind) as archive:
        archive.writestr("a.tsv", "a\tb\n" * 2**18)
    with pytest.raises(DataError, match=r"a\.zip/a\.tsv: unpacks to more than"):
        read_parallel([tmp_path / "a.zip"])


def test_what_a_file_calls_its_sides_is_kept(tmp_path: Path) -> None:
    assert read_parallel([write(tmp_path / "a.jsonl", KEYS)]).named == ("en", "de")
    assert read_parallel([write(tmp_path / "a.tsv", "eng\tdeu\na\tb\n")]).named == ("eng", "deu")
    assert read_parallel([write(tmp_path / "b.tsv", "a\tb\n")]).named is None


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (
            "a.tsv",
            EXTRA,
            "a.tsv, line 1: has 3 columns; expected source, tab, target; say which two they are: --columns 1,2",
        ),
        ("a.csv", 'a,"b\n' + "c,d\n" * 99_999, "a.csv, line 1: no row of a CSV"),
        ("a.csv", 'a,"b"c\n', "a.csv, line 1: no row of a CSV"),
        ("a.jsonl", "[" * 200_000, "a.jsonl, line 1: JSON of too many brackets within each other"),
        ("a.jsonl", '{"n": ' + "9" * 10_000 + "}", "a.jsonl, line 1: JSON with a number of too many digits"),
        (
            "a.jsonl",
            '{"source": "\\ud800", "target": "x"}',
            "a.jsonl, line 1: the source has half a surrogate pair, U+D800",
        ),
        ("a.jsonl", '[\n{"source": "x"}\n]', "expected one object on every line"),
        ("a.json", '[{"source": "x"},\n{"source": "x"}]', "expected one object on every line"),
        ("a.csv", "a|b\n", "a.csv, line 1: has 1 columns; expected source, comma, target"),
        (
            "a.jsonl",
            '{"en": "x", "fr": "y", "de": "z"}',
            "name other keys with --source-language and --target-language",
        ),
        ("a.tsv", "x\t\u200b\n", "a.tsv, line 1: the target side is empty"),
        ("a.tsv", f"{'x' * 6_000_000}\ty\n", "a.tsv, line 1: has more than 1,048,576 bytes"),
        ("a.zip", "PK no", "a.zip: not a whole zip"),
        ("a.tsv", "x\x1b[2Jy\n", "has 1 columns"),
    ],
)
def test_hostile_and_odd_files_are_one_sentence(tmp_path: Path, name: str, content: str, problem: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError) as caught:
        read_pairs([tmp_path / name])
    assert problem in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_a_few_damaged_pairs_are_left_out_of_training_and_named(tmp_path: Path) -> None:
    rows = [f"s{i}\tt{i}" for i in range(1, 101)]
    rows[2], rows[6], rows[8:11] = "s3\t", "s7", ["", "", ""]
    path = write(tmp_path / "a.tsv", "\n".join(rows))
    pairs, damaged = read_training_pairs([path])
    assert len(pairs) == 95
    assert pairs[2] == Pair("s4", "t4", 4)
    assert [each.line for each in damaged] == [3, 7, 9, 10, 11]
    assert str(damaged[0]) == f"{path}, line 3: the target side is empty"
    with pytest.raises(DataError, match="line 3: the target side is empty"):
        read_training_pairs([path], strict=True)
    with pytest.raises(DataError, match="line 3: the target side is empty"):
        read_pairs([path])
    path.write_text("\n".join([*rows, *["s"] * 5]))
    with pytest.raises(
        DataError, match=r"7 of 102 pairs are damaged, more than the 5 % .* the first is line 3: the target"
    ):
        read_training_pairs([path])


def test_wrong_bytes_on_one_side_leave_the_other_lines_aligned(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_bytes(b"".join(b"s%d\n" % i for i in range(40)))
    (tmp_path / "a.de").write_bytes(b"".join(b"t%d\n" % i if i != 5 else b"\xe4\n" for i in range(40)))
    pairs, damaged = read_training_pairs([tmp_path / "a.en", tmp_path / "a.de"])
    assert [pair.source[1:] for pair in pairs] == [pair.target[1:] for pair in pairs]
    assert [each.line for each in damaged] == [6]
