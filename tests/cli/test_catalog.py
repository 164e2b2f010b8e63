"""`patchword translate MODEL app.po`, and the same from Python."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import patchword
from patchword.cli.main import app
from patchword.errors import OutputError, PatchwordError, RecipeError
from patchword.text.search import SearchOptions
from patchword.text.translator import Translator
from tests.tiny import tiny_translator

PO = """# top
msgid ""
msgstr "Language: de\\n"

msgid "one two"
msgstr ""

msgid "done"
msgstr "fertig"
"""
MARKS = "#. machine translation\n#, fuzzy\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model"
    translator = tiny_translator()
    translator.options = SearchOptions(max_extra=4)
    translator.save(path)
    return path


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "app.po"
    path.write_text(PO)
    return path


@pytest.fixture(scope="module")
def wanted(folder: Path) -> str:
    text = " ".join(Translator.load(folder).translate("one two").text.split())
    assert text
    assert '"' not in text
    return PO.replace('msgid "one two"\nmsgstr ""', f'{MARKS}msgid "one two"\nmsgstr "{text}"')


def run(folder: Path, *arguments: object) -> Any:
    return CliRunner().invoke(app, ["translate", str(folder), *map(str, arguments)])


def test_a_catalog_is_filled_to_standard_output_a_file_or_in_place(folder: Path, catalog: Path, wanted: str) -> None:
    said = f"patchword: {catalog}: 1 texts translated and marked as a machine's, 1 kept\n"
    for how in ([catalog], ["--file", catalog]):
        done = run(folder, *how)
        assert (done.exit_code, done.stdout, done.stderr) == (0, wanted, said)
    assert catalog.read_text() == PO
    output = catalog.with_name("out.po")
    done = run(folder, catalog, "--output", output)
    assert (done.exit_code, done.stdout, output.read_text()) == (0, "", wanted)
    assert done.stderr.endswith(said)
    link = catalog.with_name("link.po")
    link.symlink_to(catalog.name)
    assert run(folder, link, "--in-place").exit_code == 0
    assert link.is_symlink()
    assert catalog.read_text() == wanted
    assert run(folder, catalog, "--in-place").stderr.endswith("0 texts translated and marked as a machine's, 2 kept\n")
    assert catalog.read_text() == wanted
    assert sorted(path.name for path in catalog.parent.iterdir()) == ["app.po", "link.po", "out.po"]


def test_what_is_left_is_said_with_its_line_and_the_exit_code_is_1(folder: Path, catalog: Path) -> None:
    text = PO + '\nmsgid "{n, plural, other {x}}"\nmsgstr ""\n'
    catalog.write_text(text)
    done = run(folder, catalog)
    assert done.exit_code == 1
    assert f"patchword: {catalog}, line 11: left untranslated: is a message with choices in braces\n" in done.stderr
    assert "1 texts translated and marked as a machine's, 1 left untranslated, 1 kept" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--n-best", "2"], "--n-best is for lines of text"),
        (["--json"], "--json is for lines of text"),
        (["--prefix", "x"], "--prefix is for lines of text"),
        (["--in-place", "--output", "x.po"], "give --output or --in-place, not both"),
        (["more"], "is a file, which is translated alone"),
    ],
)
def test_options_that_a_catalog_has_no_place_for_are_refused(
    folder: Path, catalog: Path, options: list[str], message: str
) -> None:
    done = run(folder, catalog, *options)
    assert isinstance(done.exception, RecipeError)
    assert message in str(done.exception)
    assert catalog.read_text() == PO


def test_files_that_are_not_filled_say_so(folder: Path, catalog: Path) -> None:
    memory = catalog.with_name("a.tmx")
    memory.write_text("<tmx/>")
    done = run(folder, memory)
    assert str(done.exception) == f"{memory}: is TMX; only PO and XLIFF have places to be filled"
    lines = catalog.with_name("a.txt")
    lines.write_text("one\n")
    assert "--in-place is for a .po or .xliff file" in str(run(folder, "--file", lines, "--in-place").exception)


def test_an_output_that_cannot_be_written_is_found_before_the_work(folder: Path, catalog: Path) -> None:
    done = run(folder, catalog, "--output", catalog / "out.po")
    assert isinstance(done.exception, OutputError)
    assert "--output" in str(run(folder, catalog, "--output", catalog).exception)
    assert catalog.read_text() == PO


def test_python_does_the_same(folder: Path, catalog: Path, wanted: str, tmp_path: Path) -> None:
    found = patchword.translate_file(folder, catalog)
    assert (found.content.decode(), found.filled, found.finished, found.left) == (wanted, 1, 1, ())
    assert catalog.read_text() == PO
    patchword.translate_file(Translator.load(folder), catalog, tmp_path / "x" / "out.po", method="greedy")
    assert (tmp_path / "x" / "out.po").exists()
    patchword.translate_file(folder, catalog, in_place=True)
    assert catalog.read_text() == wanted
    with pytest.raises(RecipeError, match="either an output or in_place"):
        patchword.translate_file(folder, catalog, tmp_path / "o", in_place=True)
    with pytest.raises(RecipeError, match="say in_place=True to write into it"):
        patchword.translate_file(folder, catalog, catalog)
    with pytest.raises(PatchwordError, match="beems"):
        patchword.translate_file(folder, catalog, beems=3)
    with pytest.raises(RecipeError, match="files of text are translated by a translator"):
        patchword.translate_file(object(), catalog)  # type: ignore[arg-type]


def test_translators_files_are_evaluated_and_aligned_like_any_pairs(folder: Path, catalog: Path) -> None:
    catalog.write_text(PO + '\nmsgid "four five"\nmsgstr "vier"\n')
    found = CliRunner().invoke(app, ["evaluate", str(folder), "--data", str(catalog), "--json"])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["sentences"] == 2
    assert f"{catalog}: units left out: 1 without a translation" in found.output
    links = CliRunner().invoke(app, ["align", str(folder), "--data", str(catalog)])
    assert links.exit_code == 0, links.output
    assert len(links.stdout.splitlines()) == 2


def test_a_write_that_fails_leaves_the_file_as_it_was(
    folder: Path, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        if len(data) > 1:
            raise OSError(28, "No space left on device")
        return written(self, data)

    written = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="no space left on the disk"):
        patchword.translate_file(folder, catalog, in_place=True)
    assert catalog.read_text() == PO
    assert [path.name for path in catalog.parent.iterdir()] == ["app.po"]
