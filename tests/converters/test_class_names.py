"""Class names as people and libraries write them."""

import json
from pathlib import Path
from typing import Any

import pytest

from patchword.converters.class_names import class_names, read_class_names
from patchword.converters.imported import ImportOptions
from patchword.errors import CheckpointError, DataError

ORIGIN = Path("theirs")


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b", "c"],
        {"0": "a", "1": "b", "2": "c"},
        {"2": "c", "0": "a", "1": "b"},
        {"00": "a", "01": "b", "02": "c"},
        {"a": 0, "c": 2, "b": 1},
        {"0": ["n01", "a"], "1": ["n02", "b"], "2": ["n03", "c"]},
    ],
)
def test_names_are_known_by_their_numbers_whatever_the_form_and_order(tmp_path: Path, values: Any) -> None:
    assert class_names(ORIGIN, 3, ImportOptions(), values) == (["a", "b", "c"], ())
    (tmp_path / "names.json").write_text(json.dumps(values))
    assert read_class_names(tmp_path / "names.json") == ("a", "b", "c")


def test_a_gap_is_named_by_its_number_and_said() -> None:
    names, notes = class_names(ORIGIN, 4, ImportOptions(), {"0": "a", "3": "d"})
    assert names == ["a", "1", "2", "d"]
    assert notes == ("id2label has no name for 2 classes, such as 1: they are called by their numbers",)


def test_without_names_classes_are_called_by_their_numbers() -> None:
    assert class_names(ORIGIN, 2, ImportOptions()) == (["0", "1"], ())
    assert class_names(ORIGIN, 0, ImportOptions(), {"0": "LABEL_0"}) == ([], ())


def test_more_names_than_the_head_has_are_refused() -> None:
    with pytest.raises(CheckpointError, match="names 3 classes up to 5, but the head has 2"):
        class_names(ORIGIN, 2, ImportOptions(), {"0": "a", "1": "b", "5": "c"})
    assert class_names(ORIGIN, 2, ImportOptions(classes=("x", "y")), {"0": "a", "5": "c"}) == (["x", "y"], ())


@pytest.mark.parametrize(
    "values",
    [
        "ab",
        3,
        {"a": "b"},
        {"0": None},
        {"0": {"a": 1}},
        {"0": "a", "x": "b"},
        [None],
        {"0": "a", "00": "b"},
        {"-1": "a"},
    ],
)
def test_what_is_no_table_of_names_is_refused(values: Any) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json: id2label = .*: expected a"):
        class_names(ORIGIN, 2, ImportOptions(), values)


def test_files_of_names(tmp_path: Path) -> None:
    (tmp_path / "names").write_bytes(b"\xef\xbb\xbfcat\r\ndog\r\n")
    assert read_class_names(tmp_path / "names") == ("cat", "dog")
    (tmp_path / "gap.json").write_text('{"0": "a", "2": "b"}')
    (tmp_path / "large").write_bytes(b"a\n" * (9 * 2**20))
    for path, problem in (
        (tmp_path / "gap.json", "has no name for class 1, but for 2"),
        (tmp_path / "large", "it has 18 MiB; expected at most 16"),
        (Path("/dev/zero"), "is a device or a pipe"),
        (tmp_path / "none", "no such file"),
    ):
        with pytest.raises(DataError, match=problem):
            read_class_names(path)
