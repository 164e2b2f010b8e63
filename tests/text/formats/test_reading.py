"""Translators' files as people have them, read as pairs like any other file."""

import gzip
import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import which

import pytest

from patchword.errors import DataError
from patchword.text.objects import Languages
from patchword.text.pair_stream import count_pairs, stream_pairs
from patchword.text.pairs import read_pairs, read_parallel, read_training_pairs

TMX = """<?xml version="1.0" encoding="{encoding}"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"{more}><header srclang="{srclang}" segtype="sentence" datatype="plaintext"/>
<body>
<tu tuid="1"><note>n</note><prop type="x">y</prop>
  <tuv xml:lang="en-US"><seg>A dog.</seg></tuv><tuv xml:lang="de-DE"><seg>Ein größerer Hund.</seg></tuv>
  <tuv xml:lang="fr"><seg>Un chien.</seg></tuv></tu>
<tu><tuv xml:lang="DE-de"><seg>Haus</seg></tuv><tuv xml:lang="EN-us"><seg>House</seg></tuv></tu>
<tu><tuv xml:lang="en-US"><seg>Alone</seg></tuv></tu>
<tu><tuv xml:lang="en-US"><seg>Empty</seg></tuv><tuv xml:lang="de-DE"><seg> </seg></tuv></tu>
</body></tmx>
"""
EN_DE = [("A dog.", "Ein größerer Hund."), ("House", "Haus")]

PO = """# A file of many kinds.
#, fuzzy
msgid ""
msgstr ""
"Content-Type: text/plain; charset={charset}\\n"
"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 ? 1 : 2);\\n"

#. extracted
#: a.c:1
msgid "Open"
msgstr "Öffnen"

msgctxt "verb"
msgid "Open"
msgstr "Aufmachen"

#, fuzzy, c-format
#| msgid "Old %s"
msgid "New %s"
msgstr "Alt %s"

msgid "Nothing"
msgstr ""

#, c-format
msgid ""
"A long line, "
"\\"wrapped\\"\\n"
"twice\\t%d"
msgstr ""
"Eine lange Zeile, "
"\\"umbrochen\\"\\n"
"zweimal\\t%d"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d Datei"
msgstr[1] "%d Dateie"
msgstr[2] "%d Dateien"

#~ msgid "Gone"
#~ msgstr "Weg"
"""
PO_PAIRS = [
    ("Open", "Öffnen"),
    ("Open", "Aufmachen"),
    ('A long line, "wrapped"\ntwice\t%d', 'Eine lange Zeile, "umbrochen"\nzweimal\t%d'),
    ("%d file", "%d Datei"),
    ("%d files", "%d Dateien"),
]

XLIFF_1 = """<?xml version="1.0" encoding="UTF-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file original="a" source-language="en"
 target-language="de" datatype="x"><body>
<trans-unit id="1"><source>Click <g id="1">here</g> on<x id="2"/>page</source>
  <target state="translated">Klick <g id="1">hier</g> auf<x id="2"/>Seite</target></trans-unit>
<trans-unit id="2"><source>A</source><target state="needs-review-translation">B</target></trans-unit>
<trans-unit id="3"><source>A</source><target/></trans-unit>
<trans-unit id="4"><source>A</source></trans-unit>
<trans-unit id="5" translate="no"><source>A</source><target>A</target></trans-unit>
<group translate="no"><trans-unit id="6"><source>A</source><target>A</target></trans-unit></group>
<trans-unit id="7"><source>  A
   word </source><target>Ein   Wort</target><alt-trans><source>No</source><target>Nein</target></alt-trans></trans-unit>
<trans-unit id="8"><source>One. Two.</source>
  <seg-source><mrk mtype="seg" mid="1">One.</mrk> <mrk mtype="seg" mid="2">Two.</mrk></seg-source>
  <target><mrk mtype="seg" mid="1">Eins.</mrk> <mrk mtype="seg" mid="2"></mrk></target></trans-unit>
</body></file></xliff>
"""
XLIFF_1_PAIRS = [("Click here on page", "Klick hier auf Seite"), ("A word", "Ein Wort"), ("One.", "Eins.")]

XLIFF_2 = """<?xml version="1.0"?>
<xliff version="2.0" srcLang="en" trgLang="de" xmlns="urn:oasis:names:tc:xliff:document:2.0"><file id="f">
<unit id="1"><segment state="final"><source>A <pc id="1">dog</pc><ph id="2"/></source>
  <target>Ein <pc id="1">Hund</pc><ph id="2"/></target></segment>
  <ignorable><source> </source></ignorable>
  <segment><source>B</source><target>C</target></segment></unit>
<unit id="2"><segment state="initial"><source>A</source><target>A</target></segment></unit>
<unit id="3" translate="no"><segment><source>A</source><target>A</target></segment></unit>
<unit id="4"><segment><source>A</source></segment></unit>
</file></xliff>
"""


def pairs(path: Path, languages: Languages = (None, None)) -> list[tuple[str, str]]:
    return [(pair.source, pair.target) for pair in read_pairs([path], languages)]


def left_out(path: Path, languages: Languages = (None, None)) -> str:
    return "; ".join(damage.problem for damage in read_parallel([path], languages).damaged)


def tmx(encoding: str = "utf-8", srclang: str = "en-US", more: str = "") -> str:
    return TMX.format(encoding=encoding, srclang=srclang, more=more)


@pytest.mark.parametrize(
    "content",
    [
        tmx().encode(),
        b"\xef\xbb\xbf" + tmx().encode(),
        tmx("utf-16").encode("utf-16"),
        tmx("windows-1252").encode("cp1252"),
        tmx().replace("\n", "\r\n").encode(),
        tmx().replace("xml:lang", "lang").encode(),
        tmx(more=' xmlns="http://www.lisa.org/tmx14"').encode(),
        gzip.compress(tmx().encode()),
    ],
)
def test_a_memory_is_read_in_any_encoding_and_dialect(tmp_path: Path, content: bytes) -> None:
    for name in ("a.tmx", "a.txt"):  # the second is known by its content
        path = tmp_path / name
        path.write_bytes(content)
        assert pairs(path, ("en", "de")) == EN_DE
        assert pairs(path, ("eng", "German")) == EN_DE
        assert pairs(path, ("de_DE", "en_GB")) == [(target, source) for source, target in EN_DE]
        assert pairs(path, ("en", "fr")) == [("A dog.", "Un chien.")]
        assert left_out(path, ("en", "de")) == (
            "units left out: 1 without one of the two languages, 1 without a translation"
        )
    assert read_parallel([path], ("en", "de")).named == ("en-US", "de-DE")
    assert [pair.line for pair in read_pairs([path], ("en", "de"))] == [5, 8]


def test_languages_that_nobody_says_are_the_memorys_own_if_it_has_two(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    three = tmx(srclang="*all*")
    two = three.replace('  <tuv xml:lang="fr"><seg>Un chien.</seg></tuv>', "  ")
    path.write_text(two)
    assert pairs(path, (None, "de")) == pairs(path, ("en", None)) == pairs(path) == EN_DE
    path.write_text(three)
    with pytest.raises(DataError) as caught:
        read_pairs([path], ("en", "zh"))
    assert str(caught.value) == (
        f"{path}: no pairs in both en and zh were found; its languages are en-US (4), de-DE (3), fr (1): say which "
        "with --source-language and --target-language"
    )
    with pytest.raises(DataError, match=r"its languages are en-US \(4\), de-DE \(3\), fr \(1\)"):
        read_pairs([path])


def test_a_large_memory_is_read_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    head, unit, end = tmx().partition("<tu>")[0], '<tu><tuv xml:lang="en-US"><seg>{0}</seg></tuv>', "</body></tmx>"
    units = (unit + '<tuv xml:lang="de-DE"><seg>{0}!</seg></tuv></tu>\n').format
    path.write_text(head + "".join(map(units, range(3000))) + "</oops>")
    found = stream_pairs([path], languages=("en", "de"))
    assert [next(found) for _ in range(2000)][-1] == ("1998", "1998!")  # before the end is looked at
    with pytest.raises(DataError, match=r"a\.tmx, line 3008: damaged XML: "):
        list(found)
    assert count_pairs(path) is None
    path.write_text(head + end)
    assert pairs(path, ("en", "de")) == EN_DE[:1]


@pytest.mark.parametrize("charset", ["UTF-8", "ISO-8859-1", "cp1252", "utf-8", "CHARSET"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_catalog_is_read_in_the_encoding_of_its_header(tmp_path: Path, charset: str, end: str) -> None:
    path = tmp_path / "a.po"
    content = PO.format(charset=charset).replace("\n", end)
    path.write_bytes(content.encode("utf-8" if charset == "CHARSET" else charset))
    assert pairs(path) == PO_PAIRS
    assert left_out(path) == "units left out: 1 marked as fuzzy or unfinished, 1 without a translation, 1 obsolete"


def test_a_catalog_with_a_mark_or_without_a_header_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.po"
    path.write_bytes(b"\xef\xbb\xbf" + PO.format(charset="UTF-8").encode())
    assert pairs(path) == PO_PAIRS
    path.write_text(PO.format(charset="UTF-8"), "utf-16")
    assert pairs(path) == PO_PAIRS
    path.write_text('msgid "a"\nmsgstr "ä"\n\nmsgid "b"\nmsgid_plural "bs"\nmsgstr[0] "c"\nmsgstr[1] "cs"\n')
    assert pairs(path) == [("a", "ä"), ("b", "c"), ("bs", "cs")]
    text = 'msgid ""\nmsgstr "Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
    path.write_text(text + 'msgid "a %d"\nmsgid_plural "as %d"\nmsgstr[0] "%d 个"\n')
    assert pairs(path) == [("as %d", "%d 个")]


@pytest.mark.skipif(which("msgfmt") is None, reason="gettext's msgfmt is not installed")
@pytest.mark.parametrize("charset", ["UTF-8", "ISO-8859-1"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_what_msgfmt_compiles_has_the_same_pairs(tmp_path: Path, charset: str, order: str) -> None:
    (tmp_path / "a.po").write_text(PO.format(charset=charset), charset)
    command = ["msgfmt", f"--endianness={order}", "-o", tmp_path / "a.mo", tmp_path / "a.po"]
    subprocess.run(command, check=True, capture_output=True)
    for name in ("a.mo", "a.bin"):
        (tmp_path / name).write_bytes((tmp_path / "a.mo").read_bytes())
        assert sorted(pairs(tmp_path / name)) == sorted(PO_PAIRS)


@pytest.mark.parametrize("ending", ["xlf", "xliff", "sdlxliff", "mxliff", "txt"])
def test_xliff_is_read_by_its_states_and_segments(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"\xef\xbb\xbf" + XLIFF_1.encode())
    assert pairs(path) == pairs(path, ("eng", "deu")) == XLIFF_1_PAIRS
    assert pairs(path, ("de", "en")) == [(target, source) for source, target in XLIFF_1_PAIRS]
    assert left_out(path) == (
        "units left out: 1 marked as fuzzy or unfinished, 3 without a translation, 2 marked as not to be translated"
    )
    with pytest.raises(DataError, match="is from en to de; expected en to fr"):
        read_pairs([path], ("en", "fr"))
    path.write_text(XLIFF_1.replace(' xmlns="urn:oasis:names:tc:xliff:document:1.2"', "").replace("1.2", "1.0"))
    assert pairs(path) == XLIFF_1_PAIRS
    path.write_text(XLIFF_2)
    assert pairs(path) == [("A dog", "Ein Hund"), ("B", "C")]
    assert left_out(path) == (
        "units left out: 1 marked as fuzzy or unfinished, 1 marked as not to be translated, 1 without a translation"
    )


def test_what_other_tools_mark_as_unfinished_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.sdlxliff"
    marks = ' xmlns:sdl="http://sdl.com/FileTypes/SdlXliff/1.0"'
    text = (
        XLIFF_1.replace(' datatype="x"', f' datatype="x"{marks}')
        .replace(">Eins.</mrk>", ">Eins.</mrk>")
        .replace(
            "</target></trans-unit>\n</body>",
            '</target><sdl:seg-defs><sdl:seg id="1" conf="Draft"/></sdl:seg-defs></trans-unit>\n</body>',
        )
    )
    path.write_text(text)
    assert pairs(path) == XLIFF_1_PAIRS[:2]
    path.write_text(XLIFF_1.replace('<trans-unit id="1"', '<trans-unit id="1" confirmed="0"'))
    assert pairs(path) == XLIFF_1_PAIRS[1:]


@pytest.mark.parametrize(
    ("segment", "words"),
    [
        ('A <bpt i="1">&lt;b&gt;</bpt>bold<ept i="1">&lt;/b&gt;</ept>ness', "A boldness"),
        ('Press <ph type="x">{1}</ph> now', "Press now"),
        ('one<ph x="1"/>two', "one two"),
        ('一<ph x="1"/>二', "一二"),
        ('<it pos="begin">x</it>one<ut>y</ut>.', "one."),
        ("a <hi>b <hi>c</hi></hi><!-- no --> &lt;d&gt; &amp; <![CDATA[<e>]]>", "a b c <d> & <e>"),
        ("a&nbsp;b", "a\xa0b"),
        ("a <sub>x</sub>", "a x"),
    ],
)
def test_codes_within_a_segment_are_no_words(tmp_path: Path, segment: str, words: str) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(tmx().replace("A dog.", segment).replace("Ein größerer Hund.", segment))
    assert pairs(path, ("en", "de"))[0] == (words, words)


def test_a_zip_with_one_of_them_is_read(tmp_path: Path) -> None:
    for name, content, wanted in (
        ("x/a.tmx", tmx().encode(), EN_DE),
        ("a.tmx.gz", gzip.compress(tmx().encode()), EN_DE),
        ("a.po", PO.format(charset="UTF-8").encode(), PO_PAIRS),
        ("a.xliff", XLIFF_1.encode(), XLIFF_1_PAIRS),
    ):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr(name, content)
            archive.writestr("README.txt", "read me")
        assert pairs(tmp_path / "a.zip", ("en", "de")) == wanted


BOMB = """<?xml version="1.0"?><!DOCTYPE {0} [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<{0}>&b;</{0}>"""
FILE = '<!DOCTYPE {0} [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<{0}>&a;</{0}>'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tmx", BOMB.format("tmx"), "declares entities of its own in a DTD"),
        ("a.xliff", BOMB.format("xliff"), "declares entities of its own in a DTD"),
        ("a.xliff", FILE.format("xliff"), "declares entities of its own in a DTD"),
        ("a.tmx", BOMB.format("tmx").encode("utf-16"), "declares entities of its own in a DTD"),
        ("a.tmx", tmx().replace("</tuv></tu>", "</tu>", 1), "a.tmx, line 7: damaged XML: "),
        ("a.tmx", tmx()[:-60], "damaged XML: "),
        ("a.tmx", tmx().replace("A dog", "A \x0b dog"), "a.tmx, line 6: damaged XML: "),
        ("a.tmx", tmx().encode("cp1252"), "a.tmx, line 6: damaged XML: "),
        ("a.tmx", "", "holds no <tmx> element"),
        ("a.tmx", "<html><body/></html>", "holds no <tmx> element"),
        ("a.tmx", "<tmx version='1.4'><header/><body/></tmx>", "holds no translation units"),
        ("a.xlf", XLIFF_1.replace("<target/>", "<target>"), "damaged XML: "),
        ("a.xlf", "<xliff version='1.2'/>", "holds no <file> of units"),
        ("a.xlf", "<xliff version='1.2'><file><body/></file></xliff>", "holds no units to translate"),
        (
            "a.xlf",
            "<xliff version='2.0' xmlns='urn:oasis:names:tc:xliff:document:2.0'><file/></xliff>",
            "holds no units to translate",
        ),
        ("a.xlf", "a\tb\n", "holds no <xliff> element"),
        ("a.po", "", "holds no messages"),
        ("a.po", PO[: PO.index("#. extracted")].format(charset="UTF-8"), "holds no messages"),
        ("a.po", "a\tb\n", "is damaged, or no PO file that can be read"),
        ("a.po", PO.format(charset="UTF-8").replace('"Öffnen"', '"Öffnen'), "is damaged, or no PO file"),
        (
            "a.po",
            PO.format(charset="UTF-8").encode("cp1252"),
            "a.po, line 11: not the UTF-8 that its header says: byte 0xd6",
        ),
        ("a.po", PO.format(charset="klingon"), "charset=klingon, which is no encoding that is known"),
        ("a.mo", b"\xde\x12\x04\x95", "is damaged, or no MO file"),
        ("a.mo", b"hello", "is damaged, or no MO file"),
        ("a.tmx.gz", gzip.compress(tmx().encode())[:-20], "not a whole gzip file"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    for read in (read_pairs, read_training_pairs):
        with pytest.raises(DataError) as caught:
            read([path], ("en", "de"))
        assert message in str(caught.value)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_of_unfinished_units_says_why_it_has_no_pairs(tmp_path: Path) -> None:
    path = tmp_path / "a.po"
    path.write_text('#, fuzzy\nmsgid "a"\nmsgstr "b"\n\nmsgid "c"\nmsgstr ""\n')
    with pytest.raises(DataError) as caught:
        read_pairs([path])
    assert str(caught.value) == (
        f"{path}: holds no sentence pairs: units left out: 1 marked as fuzzy or unfinished, 1 without a translation"
    )
    with pytest.raises(DataError, match="is PO, which has no columns"):
        read_pairs([path], columns=(1, 2))


def test_without_the_extra_one_sentence_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "translate.storage", None)
    for name in ("pypo", "tmx", "mo", "xliff"):
        monkeypatch.delitem(sys.modules, f"translate.storage.{name}", raising=False)
    for name, content in (("a.tmx", tmx()), ("a.po", PO), ("a.mo", "x"), ("a.xlf", XLIFF_1)):
        (tmp_path / name).write_text(content.replace("{charset}", "UTF-8"))
        with pytest.raises(DataError, match=r"install the extra, pip install 'patchword\[formats\]'"):
            read_pairs([tmp_path / name], ("en", "de"))


def test_the_toolkit_is_imported_for_its_files_alone(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a\tb\n")
    code = "import sys; from pathlib import Path; from patchword.text.pairs import read_pairs; read_pairs([Path({!r})])"
    check = code.format(str(tmp_path / "a.tsv")) + "; sys.exit('translate' in sys.modules or 'lxml' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
