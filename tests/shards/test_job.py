"""A folder of shards: begun, gone on with, refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchword.errors import DataError, RunFolderError
from patchword.shards.job import Job, identity
from patchword.shards.work import run_shard
from tests.shards.stand_in import Capitals

ITEMS = ["one", "two", "bad", "", "lines\u2028within\r", "six", "🚲"]
DOES = {"model": "a", "beam": 4}


def begun(folder: Path, resume: bool = False, **changes: object) -> Job:
    return Job.begin(folder, {**DOES, **changes}, ITEMS, resume, size=3)


def whole(job: Job) -> str:
    return "".join(job.part(number).read_bytes().decode() for number in range(job.plan.shards))


def finish(job: Job) -> None:
    compute = Capitals().open()
    for number in reversed(job.pending()):
        run_shard(job, number, compute)


def test_parts_one_after_the_other_are_the_whole_in_order(tmp_path: Path) -> None:
    job = begun(tmp_path / "out")
    assert job.plan.shards == 3
    assert job.pending() == [0, 1, 2]
    finish(job)
    assert whole(job) == "".join(f"{n} {item.upper()}\n" for n, item in enumerate(ITEMS, 1))
    assert job.told() == (["line 3: bad"], True)
    job.end()
    assert sorted(path.name for path in job.folder.iterdir()) == [
        "job.json",
        "part-000000.notes.json",
        *(f"part-{n:06d}.txt" for n in range(3)),
    ]


def test_a_shard_that_is_there_is_not_computed_again(tmp_path: Path) -> None:
    job = begun(tmp_path / "out")
    job.part(1).write_text("kept\n")
    finish(begun(tmp_path / "out", resume=True))
    assert job.part(1).read_text() == "kept\n"
    run_shard(job, 1, Capitals().open())
    assert job.part(1).read_text() == "kept\n"


def test_items_are_read_once_and_are_not_asked_for_again(tmp_path: Path) -> None:
    begun(tmp_path / "out")

    def unreadable() -> Iterator[str]:
        raise AssertionError("read")
        yield ""

    job = Job.begin(tmp_path / "out", DOES, unreadable(), True, size=3)
    assert job.items(1) == ITEMS[3:6]
    assert job.items(2) == ITEMS[6:]


def test_what_was_begun_with_other_settings_is_not_gone_on_with(tmp_path: Path) -> None:
    begun(tmp_path / "out")
    with pytest.raises(RunFolderError, match="was begun with beam = 4, not 5; choose another"):
        begun(tmp_path / "out", resume=True, beam=5)
    with pytest.raises(RunFolderError, match="was begun with n_best = None, not 2"):
        begun(tmp_path / "out", resume=True, n_best=2)
    with pytest.raises(RunFolderError, match="already holds shards; go on with --resume"):
        begun(tmp_path / "out")


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RunFolderError, match="is not empty and holds no shards"):
        begun(tmp_path)
    with pytest.raises(RunFolderError, match="is not empty and holds no shards"):
        begun(tmp_path, resume=True)
    with pytest.raises(RunFolderError, match="is not empty"):
        begun(tmp_path / "letter.txt")


def test_a_beginning_that_was_interrupted_is_begun_again(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield from ITEMS[:4]
        raise DataError("a.en", "is no text", 5)

    with pytest.raises(DataError):
        Job.begin(tmp_path / "out", DOES, broken(), False, size=3)
    assert not (tmp_path / "out" / "job.json").exists()
    job = begun(tmp_path / "out", resume=True)
    finish(job)
    assert whole(job).count("\n") == len(ITEMS)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"does": {}, "items": "7", "size": 3}', '{"does": 1, "items": 7}'])
def test_a_damaged_plan_is_said_to_be_one(tmp_path: Path, text: str) -> None:
    job = begun(tmp_path / "out")
    (job.folder / "job.json").write_text(text)
    with pytest.raises(DataError, match=r"job\.json"):
        begun(tmp_path / "out", resume=True)


def test_damaged_items_are_said_to_be_ones(tmp_path: Path) -> None:
    job = begun(tmp_path / "out")
    path = job.folder / ".items" / "000000.json"
    for text in ("", '["one"]', json.dumps({"one": 1})):
        path.write_text(text)
        with pytest.raises(DataError, match=r"000000\.json"):
            run_shard(job, 0, Capitals().open())
        assert not job.part(0).exists()


def test_nothing_to_do_is_no_shard(tmp_path: Path) -> None:
    job = Job.begin(tmp_path / "out", DOES, [], False)
    assert job.pending() == []
    assert job.told() == ([], False)


def test_another_file_has_another_identity(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(bytes(200_000))
    first = identity(tmp_path / "model")
    assert identity(tmp_path / "model") == first
    (tmp_path / "model" / "weights").write_bytes(bytes(199_999) + b"1")
    assert identity(tmp_path / "model") != first
    assert identity(tmp_path / "model" / "weights") != identity(tmp_path / "model")
    with pytest.raises(DataError, match="cannot be read"):
        identity(tmp_path / "none")
