"""Output that cannot be written: one sentence with the path and the reason, and no work is lost for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patchword import api
from patchword.cli.main import main
from tests.forked import python

FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
LONG = "x" * 300


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory, phrases: tuple[Path, Path]) -> Path:
    folder = tmp_path_factory.mktemp("outputs") / "run"
    model = {"d_model": 16, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 16}
    values = {
        "task": "translation",
        "data": {"train": [str(path) for path in phrases], "hold_out": 20},
        "vocabulary": {"size": 400},
        "model": model,
        "training": {"max_steps": 2},
    }
    api.train(api.read_recipe(values, "test"), folder, show=False)
    return folder


@pytest.fixture
def text(tmp_path: Path, phrases: tuple[Path, Path]) -> list[str]:
    """Options that name ten pairs."""
    for path in phrases:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / path.name).write_text("".join(lines[:10]), encoding="utf-8")
    return ["--source", str(tmp_path / "p.en"), "--target", str(tmp_path / "p.de")]


class Command:
    """Runs a command that must end with exit code 2 and one sentence."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._patch = capsys, monkeypatch

    def __call__(self, *arguments: object) -> tuple[str, str]:
        self._patch.setattr(sys, "argv", ["patchword", *map(str, arguments)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, said = self._capsys.readouterr()
        assert ended.value.code == 2, said
        return out, [line for line in said.splitlines() if line.startswith("patchword: ")][-1].removeprefix(
            "patchword: "
        )


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(capsys, monkeypatch)


def test_evaluate_looks_at_its_output_before_the_model(
    tmp_path: Path, translator: Path, text: list[str], refused: Command
) -> None:
    for output, problem in (
        (tmp_path / "p.en" / "x", "cannot be written: not a directory"),
        (tmp_path, "is a folder; expected the name of a file"),
        (tmp_path / LONG, "cannot be written: file name too long"),
    ):
        out, said = refused("evaluate", tmp_path / "no model", *text, "--output", output)
        assert (out, said) == ("", f"{output}: {problem}")


@pytest.mark.parametrize("name", ["p.en", "p.de"])
def test_evaluate_does_not_write_over_what_it_reads(
    tmp_path: Path, translator: Path, text: list[str], refused: Command, name: str
) -> None:
    before = (tmp_path / name).read_bytes()
    (tmp_path / "link").symlink_to(tmp_path / name)
    for output in (tmp_path / name, tmp_path / "link"):
        assert refused("evaluate", translator, *text, "--output", output)[1].endswith(
            "is a file that is read; give it another name"
        )
    assert (tmp_path / name).read_bytes() == before


@FULL
def test_scores_are_printed_though_the_answers_cannot_be_written(
    translator: Path, text: list[str], refused: Command
) -> None:
    out, said = refused("evaluate", translator, *text, "--output", "/dev/full")
    assert "BLEU" in out
    assert said == "/dev/full: cannot be written: no space left on the disk"
    assert Path("/dev/full").is_char_device()


def test_an_answer_with_a_line_break_is_one_line(
    tmp_path: Path, translator: Path, text: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from patchword.cli.main import app
    from patchword.text.translator import Translator

    monkeypatch.setattr(Translator, "_text", lambda self, hypothesis: "one\ntwo\u2028three")
    done = CliRunner().invoke(app, ["evaluate", str(translator), *text, "--output", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert (tmp_path / "out").read_text(encoding="utf-8") == "one two three\n" * 10


@FULL
def test_translate_says_that_its_output_is_full(translator: Path, refused: Command) -> None:
    said = refused("translate", translator, "a week ago", "--output", "/dev/full")[1]
    assert said == "/dev/full: cannot be written: no space left on the disk"


def test_translate_says_what_is_in_its_outputs_place(tmp_path: Path, translator: Path, refused: Command) -> None:
    (tmp_path / "file").write_text("")
    for output, problem in ((tmp_path, "is a directory"), (tmp_path / "file" / "x", "not a directory")):
        said = refused("translate", translator, "a week ago", "--output", output)[1]
        assert said == f"{output}: cannot be written: {problem}"


@FULL
def test_a_full_standard_output_is_said(translator: Path) -> None:
    command = [sys.executable, "-m", "patchword.cli.main", "info", str(translator)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "patchword: standard output: no space left on the disk\n"


@pytest.mark.parametrize("to", ["hf", "onnx"])
def test_export_and_import_look_at_their_folder_first(
    tmp_path: Path, translator: Path, refused: Command, to: str
) -> None:
    (tmp_path / "file").write_text("")
    for out, problem in ((tmp_path / "file" / "x", "not a directory"), (tmp_path / LONG, "file name too long")):
        for command in (["export", tmp_path / "no model", out, "--to", to], ["import", tmp_path / "none", out]):
            said = refused(*command)[1]
            assert said.startswith(f"{out}: cannot be ")
            assert said.endswith(problem)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "file"]


def test_export_to_a_full_disk_names_the_folder_and_leaves_nothing(tmp_path: Path, translator: Path) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
from patchword import api
from patchword.errors import OutputError
system = api.load(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # as if there were no more room
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for write in (lambda: api.export(system, sys.argv[2], "hf"), lambda: system.save(Path(sys.argv[2]))):
    try:
        write()
    except OutputError as error:
        print(error)
"""
    pytest.importorskip("resource")
    ended = python(program, translator, tmp_path / "out")
    assert ended.stdout.splitlines() == [
        f"{tmp_path}/out: cannot be written: file too large",
        f"{tmp_path}/out/model.safetensors: cannot be written: file too large",
    ], ended.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("verb", ["info", "translate", "classify", "bench", "evaluate"])
def test_names_that_no_file_can_have_are_named(tmp_path: Path, verb: str, text: list[str], refused: Command) -> None:
    more = {"translate": ["x"], "classify": ["x"], "evaluate": text}.get(verb, [])
    said = refused(verb, tmp_path / LONG, *more)[1]
    assert said.startswith(f"{tmp_path}/xxx")
    assert said.endswith(": file name too long")


def test_train_refuses_what_it_cannot_write_before_it_reads(tmp_path: Path, refused: Command) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "run", tmp_path / LONG):
        data = tmp_path / "data.tsv"
        data.write_text("a\tb\n" * 30)
        said = refused("train", "translation", "--data", data, "--out", out)[1]
        assert said.startswith(f"{out}: cannot be written: ")
    shutil.rmtree(tmp_path / "none", ignore_errors=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.tsv", "file"]


def test_an_error_that_nobody_expected_names_its_path(refused: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/a/file\n")

    monkeypatch.setattr(api, "describe", fail)
    assert refused("info", "x")[1] == "/a/file\\n: permission denied"

    def want(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(api, "describe", want)
    assert refused("info", "x")[1] == "there is not enough memory; use smaller batches or models"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError("x.so: failed to map segment from shared object"), "x.so: failed to map segment from shared "),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory\n#0 at 0x1"), "DefaultCPUAllocator: can't allocate "),
        (OSError(12, "Cannot allocate memory"), "[Errno 12] Cannot allocate "),
    ],
)
def test_memory_that_is_wanted_anywhere_is_one_sentence(
    refused: Command, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(api, "describe", fail)
    sentence = refused("info", "x")[1]
    assert sentence.startswith(f"there is not enough memory: {said}")
    assert sentence.endswith("; use smaller batches or models")


def test_a_bug_is_no_want_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("size mismatch")

    monkeypatch.setattr(api, "describe", fail)
    monkeypatch.setattr(sys, "argv", ["patchword", "info", "x"])
    with pytest.raises(RuntimeError, match="size mismatch"):
        main()
