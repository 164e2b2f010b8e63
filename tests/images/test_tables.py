"""Tables of images as spreadsheets and data sets write them."""

from pathlib import Path

import pytest

from patchword.errors import DataError
from patchword.images.dataset import read_dataset, read_splits
from patchword.images.layout import TRAIN, VALIDATION
from tests.fuzz.pictures import saved


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images" / f"{name}.png").write_bytes(saved("PNG", "RGB").content)
    return tmp_path


TABLES = {
    "no names": "images/a.png,cat\nimages/b.png,dog\n",
    "names of another data set": "file_name,label\nimages/a.png,cat\nimages/b.png,dog\n",
    "names in another order": "Class,Image Path\ncat,images/a.png\ndog,images/b.png\n",
    "one name that is known": "image,what_it_is\nimages/a.png,cat\nimages/b.png,dog\n",
    "semicolons": "filename;category\nimages/a.png;cat\nimages/b.png;dog\n",
    "tabs": "img\tclass\nimages/a.png\tcat\nimages/b.png\tdog\n",
    "a column that counts": ",file,label\n0,images/a.png,cat\n1,images/b.png,dog\n",
    "a column that counts, no names": "0,images/a.png,cat\n1,images/b.png,dog\n",
    "backslashes": "path,label\nimages\\a.png,cat\nimages\\b.png,dog\n",
    "no suffixes": "id,breed\nimages/a,cat\nimages/b,dog\n",
    "what Excel says first": "sep=;\r\npath;label\r\nimages/a.png;cat\r\nimages/b.png;dog\r\n",
    "quotes and blanks": '"path", "label"\n"images/a.png","cat"\n\nimages/b.png, dog \n',
    "old line ends": "path,label\rimages/a.png,cat\rimages/b.png,dog\r",
    "a column that counts from elsewhere": "17,images/a.png,cat\n3,images/b.png,dog\n",
    "more columns": "path,size,label\nimages/a.png,3,cat\nimages/b.png,4,dog\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("kind", TABLES)
def test_tables_are_read_as_people_have_them(images: Path, kind: str, encoding: str) -> None:
    (images / "t.csv").write_bytes(TABLES[kind].encode(encoding))
    data = read_dataset(images / "t.csv")
    assert (data.classes, data.labels) == (("cat", "dog"), (0, 1))
    assert [Path(name).name for name in data.names] == ["a.png", "b.png"]
    assert data.open(1).size == (21, 14)


def test_absolute_paths_and_a_column_of_splits(images: Path) -> None:
    rows = [f"{images}/images/{name}.png,{label},{split}" for name, label, split in
            (("a", "cat", "train"), ("b", "dog", "train"), ("c", "dog", "val"))]  # fmt: skip
    (images / "t.tsv").write_text("path,label,split\n" + "\n".join(rows))
    splits = read_splits(images / "t.tsv")
    assert {role: len(data) for role, data in splits.items()} == {TRAIN: 2, VALIDATION: 1}


def test_rows_of_no_split_are_left_out_of_split_data_and_said(images: Path) -> None:
    rows = ("a.png,cat,train", "b.png,dog,train", "c.png,dog,extra")
    table = images / "t.csv"
    table.write_text("path,label,split\n" + "\n".join(f"images/{row}" for row in rows))
    data = read_dataset(table)
    assert [Path(name).name for name in data.names] == ["a.png", "b.png"]
    assert data.notes[:2] == (
        f"took column 1 of {table} for paths, 2 for labels",
        f"left out of {table}: 1 rows of the split 'extra'",
    )


def test_a_cell_names_a_file_however_suffix_and_accents_are_written(images: Path) -> None:
    content = (images / "images" / "a.png").read_bytes()
    for name in ("IMG_1.JPG", "v1.2.png", "caf\u00e9.png"):
        (images / "images" / name).write_bytes(content)
    (images / "t.csv").write_text(
        "id,label\nimages/IMG_1,a\nimages/v1.2,b\nimages/cafe\u0301.png,c\n", encoding="utf-8"
    )
    names = [Path(name).name for name in read_dataset(images / "t.csv").names]
    assert names == ["IMG_1.JPG", "v1.2.png", "caf\u00e9.png"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "holds no rows"),
        (b"path,label\n", "holds no rows"),
        (b"path,label\nimages/a.png,\n", "line 2: expected path,label, found"),
        (b"path,label\nimages/z.png,cat\n", "line 2: no such image"),
        (b"path,label\nimages/\0.png,cat\n", "line 2: no such image"),
        (b"path,label\n" + b"x" * 5000 + b",cat\n", "line 2: no such image"),
        (b"path,label\nimages/a.png,c\xe9t\n", "line 2: not UTF-8 text: byte 0xe9"),
        (b"\xff\xfep\0a\0t\0h", "not UTF-16 text|holds no rows|no such image|expected path"),
        (b'path,label\nimages/a.png,"cat\nimages/b.png,dog\n', "line 3: rows in the cell .*not closed"),
        (b"image,mood,colour\nimages/a.png,good,red\n", "none of its columns is named label"),
        (b"path,label\n" + b"x" * 200_000 + b",cat\n", "not a CSV of path,label"),
    ],
)
def test_what_a_table_lacks_is_one_sentence(images: Path, content: bytes, problem: str) -> None:
    (images / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=problem) as caught:
        read_dataset(images / "t.csv")
    assert len(str(caught.value)) < 1000
