import gzip
import json
from pathlib import Path

import pytest

from patchword.errors import DataError
from patchword.text.pairs import Pair, read_lines, read_pairs


def write(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
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
