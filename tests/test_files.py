import os
import signal
import stat
import subprocess
import sys

import pytest

from patchword.errors import DataError, OutputError
from patchword.files import (
    check_new_folder,
    check_output,
    forget_temporaries,
    new_folder,
    replacing,
    write_bytes,
    write_text,
)


def test_text_and_bytes_arrive_whole_and_make_their_folder(tmp_path):
    write_text(tmp_path / "new" / "text", "grüße\n")
    write_bytes(tmp_path / "new" / "bytes", b"\x00\xff")
    assert (tmp_path / "new" / "text").read_text(encoding="utf-8") == "grüße\n"
    assert (tmp_path / "new" / "bytes").read_bytes() == b"\x00\xff"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["bytes", "text"]


def test_a_file_is_replaced_only_when_the_block_ends(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_kill_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    program = (
        "import os, pathlib, signal, sys\n"
        "from patchword.files import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", program, path], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_file_has_the_permissions_that_any_new_file_has(tmp_path):
    write_text(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "plain")}
    assert len(modes) == 1


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_so_has_all_in_a_new_folder(tmp_path, mask):
    before = os.umask(mask)
    try:
        with new_folder(tmp_path / "out") as folder:
            (folder / "below").mkdir()
            (folder / "below" / "private").write_text("x")
            (folder / "below" / "private").chmod(0o600)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"out": 0o777 & ~mask, "below": 0o777 & ~mask, "private": 0o666 & ~mask}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_kill_leaves_no_half_written_folder(tmp_path):
    program = (
        "import os, pathlib, signal, sys\n"
        "from patchword.files import new_folder\n"
        "with new_folder(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    (temporary / 'first').write_text('whole')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", program, tmp_path / "out"], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    with new_folder(tmp_path / "out") as temporary:
        (temporary / "first").write_text("whole")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["first"]


def test_errors_of_the_system_name_the_file(tmp_path):
    (tmp_path / "file").write_text("")
    for path, problem in (
        (tmp_path / "file" / "below", "not a directory"),
        (tmp_path, "is a directory"),
        (tmp_path / ("x" * 300), "file name too long"),
    ):
        with pytest.raises(OutputError, match=f"cannot be written: {problem}"):
            write_text(path, "x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_longest_name_that_can_be_can_be_written(tmp_path):
    write_text(tmp_path / ("x" * 255), "x")
    with new_folder(tmp_path / ("y" * 255)) as temporary:
        (temporary / "file").write_text("x")
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["x", "y"]


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices here")  # noqa: PTH110
def test_a_device_is_written_and_stays_one(tmp_path):
    (tmp_path / "link").symlink_to("/dev/null")
    write_text(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink()


def test_a_file_that_fails_within_a_new_folder_is_told_by_the_folders_name(tmp_path):
    def fail() -> None:
        with new_folder(tmp_path / "out") as temporary:
            (temporary / "file").write_text("")
            write_text(temporary / "file" / "below", "x")

    with pytest.raises(OutputError) as caught:
        fail()
    assert str(caught.value) == f"{tmp_path / 'out'}: cannot be written: not a directory"
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_tried_without_a_trace(tmp_path):
    check_new_folder(tmp_path / "a" / "b")
    check_output(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="exists already"):
        check_new_folder(tmp_path / "file")
    for check in (check_new_folder, check_output):
        with pytest.raises(OutputError, match="not a directory"):
            check(tmp_path / "file" / "below")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_opened_before_there_is_something_for_its_reader(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    check_output(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE)
    check_output(tmp_path / "pipe")
    write_bytes(tmp_path / "pipe", b"all")
    assert reader.communicate(timeout=20)[0] == b"all"


def left_by_a_killed_process(folder, name):
    program = (
        "import os, pathlib, signal, sys\n"
        "from patchword.files import new_folder, replacing\n"
        "kind, path = (replacing, new_folder)[sys.argv[1] == 'folder'], pathlib.Path(sys.argv[2])\n"
        "with kind(path):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    before = set(folder.iterdir())
    subprocess.run([sys.executable, "-c", program, name, folder / name], env=environment, check=False)
    (found,) = set(folder.iterdir()) - before
    return found


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_what_a_killed_process_left_is_cleaned_and_what_a_living_one_writes_is_not(tmp_path):
    folder, file = (left_by_a_killed_process(tmp_path, name) for name in ("folder", "file"))
    with replacing(tmp_path / "file") as living:
        living.write_text("whole")
        check_output(tmp_path / "file")
        assert living.exists()
        assert not file.exists()
        with new_folder(tmp_path / "folder"):
            assert not folder.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_other_hidden_files_are_never_taken_for_temporaries(tmp_path):
    for name in (".file.tmp", ".file.12-x.tmp", "file.12-00000000-abcdefgh.tmp", ".file"):
        (tmp_path / name).write_text("")
    foreign = tmp_path / ".file.12-00000000-abcdefgh.tmp"  # of another machine, which may still write it
    foreign.write_text("")
    forget_temporaries(tmp_path, "file")
    assert len(list(tmp_path.iterdir())) == 5
    forget_temporaries(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
