import json
import os
from pathlib import Path

import pytest

from patchword.checkpoints.json_file import DEEPEST, parse_json, read_json_file
from patchword.errors import DataError


def test_values_come_back_as_they_were_with_or_without_a_byte_order_mark() -> None:
    values = {"a": [1, 2.5, None, True, "ü"], "b": {"c": "\U0001f600"}}
    for text in (json.dumps(values), json.dumps(values, ensure_ascii=False)):
        assert parse_json(text.encode()) == values
        assert parse_json(text.encode("utf-8-sig")) == values


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"[" * 100_000, "nested deeper"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "nested deeper"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "nested deeper"),
        (b"9" * 5000, "a number of 5,000 digits"),
        (b"-" + b"9" * 41, "a number of 42 digits"),
        (b'["\\ud800"]', "surrogates not allowed"),
        (b'{"\\udc00": 1}', "surrogates not allowed"),
        (b"\xff\xfe", "can't decode"),
        (b"", "Expecting value"),
    ],
)
def test_what_cannot_be_used_is_a_clause(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_json(data)


def test_brackets_up_to_the_limit_are_read() -> None:
    assert parse_json(b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1))


def test_only_files_with_an_end_and_of_a_stated_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path, tmp_path / "none"):
        with pytest.raises(DataError, match=r"a device or a pipe|is a folder|no such file"):
            read_json_file(path)
    (tmp_path / "large").write_bytes(b" " * 3_000_000 + b"1")
    assert read_json_file(tmp_path / "large") == 1
    with pytest.raises(ValueError, match="it has 3 MiB; expected at most 1"):
        read_json_file(tmp_path / "large", 2**20)
