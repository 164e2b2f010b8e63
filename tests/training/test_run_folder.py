"""A run folder while a process works in it."""

from pathlib import Path

import pytest

from patchword.errors import OutputError, RecipeError, RunFolderError
from patchword.files import replacing
from patchword.training.lock import locked
from patchword.training.run_folder import run_folder


def everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def fail_in(path: Path) -> None:
    with run_folder(path, resume=False) as folder:
        (folder.path / "vocabulary").mkdir()
        (folder.path / "vocabulary" / "x").write_text("x")
        (folder.path / "left_out.txt").write_text("x")
        raise RecipeError("no")


def test_nothing_is_left_of_what_never_began(tmp_path: Path) -> None:
    with pytest.raises(RecipeError):
        fail_in(tmp_path / "new" / "run")
    assert everything(tmp_path) == []
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    before = everything(tmp_path)
    with pytest.raises(RecipeError):
        fail_in(tmp_path / "run")
    assert everything(tmp_path) == before


def test_what_another_put_there_meanwhile_stays(tmp_path: Path) -> None:
    def begin() -> None:
        with run_folder(tmp_path / "run", resume=False) as folder:
            (folder.path / "best").mkdir()
            (folder.path / "notes.txt").write_text("somebody's")
            raise RecipeError("no")

    with pytest.raises(RecipeError):
        begin()
    assert everything(tmp_path) == [tmp_path / "run", tmp_path / "run" / "notes.txt"]


def test_what_began_stays(tmp_path: Path) -> None:
    def begin() -> None:
        with run_folder(tmp_path / "run", resume=False) as folder:
            folder.recipe.write_text("")
            folder.begun = True
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert everything(tmp_path / "run") == [tmp_path / "run" / "recipe.toml"]


@pytest.mark.parametrize("saved", ["", "best", "state/latest.pt"])
def test_a_run_that_ends_by_a_mistake_leaves_the_folder_free_unless_it_had_saved_something(
    tmp_path: Path, saved: str
) -> None:
    def begin() -> None:
        with run_folder(tmp_path / "run", resume=False) as folder:
            folder.recipe.write_text("")
            folder.begun = True
            if saved:
                (folder.path / saved).mkdir(parents=True)
            raise RecipeError("no")

    with pytest.raises(RecipeError):
        begin()
    assert (tmp_path / "run").exists() == bool(saved)
    expected: type[Exception] = RunFolderError if saved else RecipeError
    with pytest.raises(expected, match="already holds a run" if saved else "no"):
        begin()


def test_a_resumed_run_stays_whatever_ends_it(tmp_path: Path) -> None:
    def resume() -> None:
        with run_folder(tmp_path, resume=True):
            raise RecipeError("no")

    (tmp_path / "recipe.toml").write_text("")
    with pytest.raises(RecipeError):
        resume()
    assert everything(tmp_path) == [tmp_path / "recipe.toml"]
    with pytest.raises(RunFolderError, match="already holds a run"), run_folder(tmp_path, resume=False):
        pass


def test_there_must_be_a_run_to_resume(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="nothing to resume"), run_folder(tmp_path / "none", resume=True):
        pass
    assert everything(tmp_path) == []


def test_only_one_at_a_time(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(RunFolderError, match="is in use by process"),
        run_folder(tmp_path, resume=False),
    ):
        pass
    assert everything(tmp_path) == []


@pytest.mark.parametrize("name", ["file/run", "x" * 300, "x" * 300 + "/run"])
def test_a_folder_that_cannot_be_is_named_with_the_reason(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    before = everything(tmp_path)
    with pytest.raises(OutputError, match=r"cannot be written: (not a directory|file name too long)"):
        fail_in(tmp_path / name)
    assert everything(tmp_path) == before


def test_a_file_in_its_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="is a file; the output must be a folder"):
        fail_in(tmp_path / "file")


def test_what_killed_processes_were_writing_is_cleaned(tmp_path: Path) -> None:
    left = []
    for folder in ("", "state", "best"):
        with replacing(tmp_path / folder / "file") as temporary:
            temporary.write_bytes(b"half")
            left.append(temporary.with_name(temporary.name.replace("file", "other")))
            left[-1].write_bytes(temporary.read_bytes())
    (tmp_path / ".mine.tmp").write_text("")
    with run_folder(tmp_path, resume=False):
        assert not any(path.exists() for path in left)
    assert (tmp_path / ".mine.tmp").exists()
