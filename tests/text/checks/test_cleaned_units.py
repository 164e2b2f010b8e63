"""What `check` says of translators' files, and what `--fix` makes of them: JSON lines of the pairs that are left."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from patchword.checking import check
from patchword.errors import DataError
from patchword.text.objects import Languages
from patchword.text.pairs import read_pairs
from tests.text.checks.test_looking import sentences
from tests.text.formats.test_reading import PO, PO_PAIRS, XLIFF_1, XLIFF_1_PAIRS, XLIFF_2

PAIRS = sentences(6)
ROWS = [*PAIRS, ("A house.", "Ein groÃŸes Haus."), PAIRS[1]]  # letters of a wrong encoding, and a repeat
NAMED: Languages = ("en", "de")


def tmx(encoding: str = "utf-8", between: str = "\n") -> str:
    unit = '<tu><tuv xml:lang="{}"><seg>{}</seg></tuv><tuv xml:lang="{}"><seg>{}</seg></tuv>{}</tu>' + between
    french = '<tuv xml:lang="fr"><seg>Un chien.</seg></tuv>'
    units = [unit.format("de-DE", t, "en-US", f"<ph>&lt;b&gt;</ph>{s}", french) for s, t in ROWS]
    alone = '<tu><tuv xml:lang="en-US"><seg>Alone</seg></tuv></tu>'
    head = f'<?xml version="1.0" encoding="{encoding}"?>{between}<!DOCTYPE tmx SYSTEM "tmx14.dtd">{between}'
    header = f'<tmx version="1.4"><header srclang="en-US"/><body>{between}'
    return head + header + "".join([*units[:3], alone, *units[3:]]) + "</body></tmx>"


MEMORIES = {
    "plain.tmx": tmx().encode(),
    "mark.tmx": b"\xef\xbb\xbf" + tmx().encode(),
    "wide.tmx": tmx("utf-16").encode("utf-16"),
    "windows.tmx": tmx(between="\r\n").encode(),
    "packed.tmx.gz": gzip.compress(tmx().encode()),
    "one line.tmx": tmx(between="").encode(),
    "memory.txt": tmx().encode(),
    "memory": tmx().encode(),
}


def both(path: Path, languages: Languages = (None, None)) -> list[tuple[str, str]]:
    return [(pair.source, pair.target) for pair in read_pairs([path], languages)]


@pytest.mark.parametrize("name", MEMORIES)
def test_a_memory_becomes_lines_whose_keys_are_its_languages(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(MEMORIES[name])
    found = check(tmp_path / name, fix=tmp_path / "out", source_language="en", target_language="de")
    assert {f.kind for f in found.found if f.kind in ("damaged", "encoding", "duplicate")} == {"encoding", "duplicate"}
    written = tmp_path / "out" / f"{name}.jsonl"
    assert found.written["training"] == ([written], 6)
    assert [json.loads(line) for line in written.read_text("utf-8").splitlines()] == [
        {"en": source, "de": target} for source, target in PAIRS
    ]
    assert both(written) == both(written, NAMED) == PAIRS
    assert both(written, ("deu", "eng")) == [(target, source) for source, target in PAIRS]
    # The original is as it was, and training takes it with what was left.
    assert (tmp_path / name).read_bytes() == MEMORIES[name]
    again = check(written, fix=tmp_path / "again")
    assert not again.harmful
    assert both(tmp_path / "again" / written.name) == PAIRS


def test_a_memory_in_a_zip_is_a_memory(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("data/memory.tmx", tmx())
    found = check(tmp_path / "a.zip", fix=tmp_path / "out", source_language="en", target_language="de")
    assert both(found.written["training"][0][0]) == PAIRS


def test_places_are_lines_unless_several_units_share_one(tmp_path: Path) -> None:
    (tmp_path / "a.tmx").write_text(tmp := tmx())
    found = check(tmp_path / "a.tmx", source_language="en", target_language="de")
    (wrong,) = found.of("encoding")
    assert "Ã" in tmp.splitlines()[(wrong.line or 0) - 1]
    (tmp_path / "one.tmx").write_text(tmx(between=""))
    found = check(tmp_path / "one.tmx", source_language="en", target_language="de")
    assert [f.line for f in found.of("encoding")] == [7]


def test_units_that_are_no_pairs_are_told_and_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.po").write_text(PO.format(charset="UTF-8"))
    found = check(tmp_path / "a.po", "translation", fix=tmp_path / "out")
    assert not found.harmful
    assert found.counts == {"training": 5}
    assert any("1 marked as fuzzy or unfinished, 1 without a translation, 1 obsolete" in note for note in found.notes)
    assert both(tmp_path / "out" / "a.po.jsonl") == PO_PAIRS


@pytest.mark.parametrize("charset", ["UTF-8", "ISO-8859-1"])
@pytest.mark.parametrize("name", ["a.po", "messages.txt"])
def test_both_forms_of_a_plural_are_pairs_of_their_own(tmp_path: Path, charset: str, name: str) -> None:
    again = '\nmsgid "%d files"\nmsgstr "%d Dateien"\n\nmsgid "Last"\nmsgstr "Letzte"\n'
    (tmp_path / name).write_bytes((PO.format(charset=charset) + again).encode(charset))
    found = check(tmp_path / name, "translation", fix=tmp_path / "out")
    # The plural came before; the singular on the line above it stays.
    (repeat,) = found.of("duplicate")
    assert PO.count("\n") < (repeat.line or 0)
    assert both(tmp_path / "out" / f"{name}.jsonl") == [*PO_PAIRS, ("Last", "Letzte")]


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
def test_xliff_loses_its_codes_and_keeps_its_languages(tmp_path: Path, end: str) -> None:
    more = '<trans-unit id="9"><source>One.</source><target>Eins.</target></trans-unit></body>'
    (tmp_path / "a.xliff").write_bytes(XLIFF_1.replace("</body>", more).replace("\n", end).encode())
    found = check(tmp_path / "a.xliff", fix=tmp_path / "out")
    assert len(found.of("duplicate")) == 1
    assert found.notes[0] == "languages: en and de"
    written = tmp_path / "out" / "a.xliff.jsonl"
    assert both(written) == XLIFF_1_PAIRS
    assert '{"en": "One.", "de": "Eins."}' in written.read_text("utf-8")


def test_xliff_2_of_the_other_direction_is_turned(tmp_path: Path) -> None:
    (tmp_path / "a.xlf").write_text(XLIFF_2)
    check(tmp_path / "a.xlf", fix=tmp_path / "out", source_language="de", target_language="en")
    assert (tmp_path / "out" / "a.xlf.jsonl").read_text("utf-8").startswith('{"de": "Ein Hund", "en": "A dog"}\n')


def test_two_kinds_of_one_language_have_plain_keys(tmp_path: Path) -> None:
    text = tmx().replace("de-DE", "en-GB")
    (tmp_path / "a.tmx").write_text(text)
    check(tmp_path / "a.tmx", fix=tmp_path / "out", source_language="en-US", target_language="en-GB")
    assert set(json.loads((tmp_path / "out" / "a.tmx.jsonl").read_text("utf-8").splitlines()[0])) == {
        "source",
        "target",
    }


def test_a_file_without_pairs_says_what_it_has_instead_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.po").write_text('msgid "Open"\nmsgstr ""\n\n#, fuzzy\nmsgid "Close"\nmsgstr "Zu"\n')
    with pytest.raises(DataError, match="holds no sentence pairs: units left out: 1 without a translation, 1 marked"):
        check(tmp_path / "a.po", "translation", fix=tmp_path / "out")
    (tmp_path / "b.tmx").write_text(tmx().replace("<tmx ", '<!DOCTYPE tmx [<!ENTITY a "b">]><tmx '))
    with pytest.raises(DataError, match="declares entities of its own"):
        check(tmp_path / "b.tmx", fix=tmp_path / "out", source_language="en", target_language="de")
    assert not (tmp_path / "out").exists()
