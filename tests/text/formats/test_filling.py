"""PO and XLIFF files filled: what nobody translated, marked as a machine's, and not one other byte."""

import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest

from patchword.errors import DataError
from patchword.text.formats.filling import Filled, Filling

Answer = Callable[[str], str]

HEADER = """# Copyright.
msgid ""
msgstr ""
"Language: de\\n"
"Content-Type: text/plain; charset={charset}\\n"
"Plural-Forms: nplurals={plurals};\\n"

"""
ENGLISH = "2; plural=(n != 1)"
RUSSIAN = "3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2)"


def header(charset: str = "UTF-8", plurals: str = ENGLISH) -> str:
    return HEADER.format(charset=charset, plurals=plurals)


def upper(text: str) -> str:
    """As a translator does that keeps what is not a word."""
    return re.sub(r"%\(\w+\)s|%\d?\$?[sd]|\{\w*\}|[^\W\d_]+", lambda m: m[0] if m[0][0] in "%{" else m[0].upper(), text)


def fill(content: str | bytes, answer: Answer = upper, name: str = "a.po") -> Filled:
    filling = Filling(name, content.encode() if isinstance(content, str) else content, ("en", "de"))
    done = sum(filling.translate(lambda texts: [(answer(text), None) for text in texts]))
    assert done == filling.wanted
    return filling.result()


def changed(before: str, after: str) -> None:
    """That filling turns one into the other, in several encodings and with every line end, and then changes nothing."""
    before, after = (text.replace("{blanks}", "   ") for text in (before, after))
    for end in ("\n", "\r\n"):
        for mark in (b"", b"\xef\xbb\xbf"):
            old, new = (mark + text.replace("\n", end).encode() for text in (header() + before, header() + after))
            assert fill(old).content == new
            again = fill(new)
            assert again.content == new
            assert again.filled == 0


def test_only_what_is_untranslated_or_fuzzy_is_filled_and_marked() -> None:
    changed(
        """#. for the translator
#: a.c:1   b.c:2
#, c-format,   no-wrap
msgid   "Open %s now"
msgstr ""


# old
#,fuzzy
#| msgid "Oldest"
msgctxt "menu"
msgid ""
"Some"
"thing "
"old"
msgstr "alt"{blanks}

msgid "done \\"é\\""
msgstr   "fert"{blanks}
  "ig"

msgid "bare"
msgstr ""
#~ msgid "obsolete"
#~ msgstr ""
""",
        """#. for the translator
#. machine translation
#: a.c:1   b.c:2
#, fuzzy, c-format,   no-wrap
msgid   "Open %s now"
msgstr "OPEN %s NOW"


# old
#. machine translation
#,fuzzy
#| msgid "Oldest"
msgctxt "menu"
msgid ""
"Some"
"thing "
"old"
msgstr "SOMETHING OLD"{blanks}

msgid "done \\"é\\""
msgstr   "fert"{blanks}
  "ig"

#. machine translation
#, fuzzy
msgid "bare"
msgstr "BARE"
#~ msgid "obsolete"
#~ msgstr ""
""",
    )


def test_line_ends_and_quotes_are_written_as_gettext_writes_them() -> None:
    changed(
        'msgid ""\n"\\n"\n"one \\"two\\"\\n"\n"three\\\\\\tfour\\n"\nmsgstr ""\n',
        '#. machine translation\n#, fuzzy\nmsgid ""\n"\\n"\n"one \\"two\\"\\n"\n"three\\\\\\tfour\\n"\n'
        'msgstr ""\n"\\n"\n"ONE \\"TWO\\"\\n"\n"THREE\\\\\\tFOUR\\n"\n',
    )


def test_as_many_plural_forms_are_filled_as_the_header_says() -> None:
    message = 'msgid "%d file"\nmsgid_plural "%d files"\nmsgstr[0] ""\nmsgstr[1] ""\n'
    alone = 'msgid "A file"\nmsgid_plural "%d files"\nmsgstr[0] ""\nmsgstr[1] ""\n'

    def forms(text: str, plurals: str) -> list[str]:
        return re.findall(r'msgstr\[\d\] "(.*)"', fill(header(plurals=plurals) + text).content.decode())

    assert forms(message, ENGLISH) == ["%d FILE", "%d FILES"]
    assert forms(message, RUSSIAN) == ["%d FILE", "%d FILES", "%d FILES"]
    assert forms(alone, ENGLISH) == ["A FILE", "%d FILES"]
    assert forms(alone, RUSSIAN) == ["%d FILES"] * 3  # the first form is for 21 too
    assert forms(message.replace('msgstr[1] ""\n', ""), "1; plural=0") == ["%d FILES"]
    partly = message.replace('msgstr[0] ""', 'msgstr[0] "%d Datei"')
    assert forms(partly, ENGLISH) == ["%d Datei", "%d FILES"]
    template = fill(
        (header() + message).replace("nplurals=2; plural=(n != 1);", "nplurals=INTEGER; plural=EXPRESSION;")
    )
    assert b'msgstr[1] "%d FILES"' in template.content


@pytest.mark.parametrize("charset", ["ISO-8859-1", "cp1252", "GBK", "Shift_JIS", "UTF-16"])
def test_a_file_stays_in_its_encoding(charset: str) -> None:
    letters = {"GBK": "文件", "Shift_JIS": "ファイル 表"}.get(charset, "Prüfung é")
    text = header(charset) + f'# {letters}\nmsgid "one"\nmsgstr ""\n\nmsgid "two"\nmsgstr "{letters}"\n'
    found = fill(text.encode(charset), lambda _: letters)
    assert found.filled == 1
    assert found.content.decode(charset).count(f'msgstr "{letters}"') == 2
    lost = fill(text.encode(charset), lambda _: "\u0e01")
    if charset != "UTF-16":
        assert lost.content == text.encode(charset)
        assert lost.left[0].line == 9
        assert "has a translation with 'ก', which the file's" in lost.left[0].problem


def test_a_template_gets_an_encoding_with_its_first_translation() -> None:
    found = fill(header("CHARSET") + 'msgid "one"\nmsgstr ""\n', lambda _: "é")
    assert found.content.decode() == header("UTF-8") + ('#. machine translation\n#, fuzzy\nmsgid "one"\nmsgstr "é"\n')
    assert found.notes == ("the header's CHARSET is UTF-8 now",)
    assert fill(header("CHARSET") + 'msgid "one"\nmsgstr "a"\n').content.decode().count("CHARSET") == 1


@pytest.mark.parametrize(
    ("source", "answers", "target"),
    [
        ("Save %s to %s", {"Save %s to %s": "%s nach %s sichern"}, "%s nach %s sichern"),
        # What the model loses, it is not shown.
        ("Save %s to %s", {"Save": "Sichere", "to": "nach", "Save %s to %s": "Sichere"}, "Sichere %s nach %s"),
        ("<b>Bold</b> word.", {"Bold": "Fett", "word.": "Wort."}, "<b>Fett</b> Wort."),
        ("Name:\\n", {"Name:": "Name:"}, "Name:\\n"),
        ("  {count} new", {"{count} new": "{count} neue"}, "  {count} neue"),
        ("%s: %s", {}, "%s: %s"),
        ("&File", {"File": "Datei"}, "&Datei"),
        ("Two words", {"Two words": "zwei\n Wörter"}, "zwei  Wörter"),
        # Nothing helps.
        ("Hello", {"Hello": "Hallo {0}"}, ""),
        ("Hello", {"Hello": " "}, ""),
        ("Hello", {"Hello": "a\x1b[0m"}, ""),
        ("Say %s", {"Say %s": "x", "Say": "%d"}, ""),
        ("{n, plural, one {# day} other {# days}}", {}, ""),
    ],
)
def test_placeholders_are_kept_or_the_text_is_left(source: str, answers: dict[str, str], target: str) -> None:
    text = header() + f'msgid "x"\nmsgstr "y"\n\nmsgid "{source}"\nmsgstr ""\n'
    found = fill(text, lambda given: answers[given])
    assert f'msgstr "{target}"\n' in found.content.decode()
    assert (found.filled, found.finished, len(found.left)) == (int(bool(target)), 1, int(not target))
    if not target:
        assert found.content.decode() == text
        assert str(found.left[0]).startswith("a.po, line 11: left untranslated: ")


def test_a_text_that_cannot_be_translated_is_left_with_the_reason() -> None:
    filling = Filling(
        "a.po", (header() + 'msgid "a"\nmsgid_plural "b"\nmsgstr[0] ""\nmsgstr[1] ""\n').encode(), ("", "")
    )
    list(filling.translate(lambda texts: [("", "is too long") if text == "a" else ("B", None) for text in texts]))
    found = filling.result()
    assert found.content.count(b'msgstr[1] ""\n') == 1  # neither form
    assert [each.problem for each in found.left] == [
        "left untranslated: is too long",
        "left untranslated: another of its forms is",
    ]


@pytest.mark.skipif(which("msgunfmt") is None, reason="gettext's tools are not installed")
def test_a_catalog_as_gettext_writes_it_is_itself_again_with_its_own_translations(tmp_path: Path) -> None:
    """Emptied at random and filled with what was there, real catalogs are what they were, but for the marks."""
    catalogs = sorted(Path("/usr/share/locale").glob("*/LC_MESSAGES/*.mo"), key=lambda path: path.stat().st_size)
    if not catalogs:
        pytest.skip("no compiled catalogs on this machine")
    generator = random.Random(1)
    tried = 0
    for path in generator.sample(catalogs[: len(catalogs) // 2], 12):
        done = subprocess.run(["msgunfmt", "--no-wrap", path], capture_output=True, check=False)
        whole = done.stdout.decode("utf-8", "replace")
        if "charset=UTF-8" not in whole or "msgctxt" in whole or "msgid_plural" in whole:
            continue
        entries = whole.split("\n\n")
        texts: dict[str, str] = {}
        for place, entry in enumerate(entries[1:], 1):
            identity, _, target = entry.partition("\nmsgstr ")
            if generator.random() < 0.5 and identity.startswith("msgid"):
                texts[identity] = target
                entries[place] = f'{identity}\nmsgstr ""' + "\n" * entry.endswith("\n")
        filling = Filling(f"{path.stem}.po", "\n\n".join(entries).encode(), ("", ""))
        wanted = {each.text: each for each in filling._document.wanted}
        values = {text: _value(texts[f"msgid {_quoted(text)}"].rstrip("\n")) for text in wanted}
        filling._answers = list(values.values())
        found = filling.result().content.decode()
        assert found.replace("#. machine translation\n#, fuzzy\n", "") == whole
        tried += len(wanted)
    assert tried > 20


def _value(quoted: str) -> str:
    joined = "".join(line.strip()[1:-1] for line in quoted.split("\n"))
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m[1], m[1]), joined)


def _quoted(text: str) -> str:
    from patchword.text.formats.po_entries import written

    return written(text, "\n")


FIRST = """<?xml version='1.0'   encoding="{0}" ?>
<!-- é --><?pi x?>
<{1}xliff version="1.2" xmlns{2}="urn:oasis:names:tc:xliff:document:1.2"><{1}file original="a"  source-language='en'
 target-language="de"
><{1}body>
  <{1}trans-unit id="1">
    <{1}source>Click <{1}g id="1">here</{1}g> on<{1}x id="2"/> &amp; &lt;b&gt;that&lt;/b&gt; "page"</{1}source>{3}
  </{1}trans-unit>
<{1}trans-unit id="2"><{1}source>a<![CDATA[ <i>b</i>]]></{1}source>{4}</{1}trans-unit>
<{1}trans-unit id="3"><{1}source>%s of %s</{1}source>{5}<{1}note>n</{1}note></{1}trans-unit>
<{1}trans-unit id="4" translate="no"><{1}source>A</{1}source></{1}trans-unit>
<{1}trans-unit id="5"><{1}source>done</{1}source><{1}target  state="final">F&#233;rtig &#x41;</{1}target>
  <{1}alt-trans><{1}target/></{1}alt-trans></{1}trans-unit>
<{1}trans-unit id="6"><{1}source>One. Two.</{1}source>
  <{1}seg-source><{1}mrk mtype="seg" mid="1">One.</{1}mrk> <{1}mrk mtype="seg" mid="2">Two.</{1}mrk></{1}seg-source>
  {6}</{1}trans-unit>
</{1}body></{1}file></{1}xliff>
"""
MARKS = 'state="needs-review-translation" state-qualifier="mt-suggestion"'


@pytest.mark.parametrize("encoding", ["utf-8", "ISO-8859-1", "utf-16"])
@pytest.mark.parametrize("prefix", ["", "x:"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_xliff_targets_are_filled_where_there_are_none(encoding: str, prefix: str, end: str) -> None:
    x, space = prefix, ":x" if prefix else ""
    segment = f'<{x}mrk mtype="seg" mid='
    before = FIRST.format(
        encoding,
        x,
        space,
        "",
        f"<{x}target state='needs-translation'   xml:lang=\"de\">?</{x}target>",
        f"<{x}target  />",
        f'<{x}target>{segment}"1">Eins.</{x}mrk> {segment}"2"/></{x}target>',
    )
    after = FIRST.format(
        encoding,
        x,
        space,
        f'\n    <{x}target {MARKS}>CLICK <{x}g id="1">HERE</{x}g> ON<{x}x id="2"/> &amp; '
        f'&lt;b&gt;THAT&lt;/b&gt; "PAGE"</{x}target>',
        f'<{x}target state="needs-review-translation"   xml:lang="de" state-qualifier="mt-suggestion">'
        f"A &lt;i&gt;B&lt;/i&gt;</{x}target>",
        f"<{x}target {MARKS}>%s OF %s</{x}target>",
        f'<{x}target {MARKS}>{segment}"1">Eins.</{x}mrk> {segment}"2">TWO.</{x}mrk></{x}target>',
    )
    old, new = (text.replace("\n", end).encode(encoding) for text in (before, after))
    found = fill(old, name="a.xlf")
    assert found.content == new
    assert (found.filled, found.finished, found.left) == (4, 2, ())
    assert fill(new, name="a.xlf").content == new


def test_segments_of_a_unit_without_a_target_are_filled_one_by_one() -> None:
    text = FIRST.format("utf-8", "", "", "<target>x</target>", "<target>x</target>", "<target>x</target>", "")
    found = fill(text, lambda given: given.upper() if given == "Two." else "", name="a.sdlxliff")
    assert (
        f'<target {MARKS}><mrk mtype="seg" mid="1"></mrk> <mrk mtype="seg" mid="2">TWO.</mrk></target>'
        in found.content.decode()
    )
    assert [each.line for each in found.left] == [15]


def test_a_locked_unit_is_left_alone() -> None:
    text = FIRST.format("utf-8", "", "", "", "<target>x</target>", "<target>x</target>", "<target>x</target>")
    assert fill(text, name="a.mxliff").filled == 3
    locked = text.replace('unit id="1"', 'unit id="1" xmlns:m="http://www.memsource.com/mxlf/2.0" m:locked="true"')
    assert fill(locked, name="a.mxliff").filled == 2
    trados = """<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2" xmlns:sdl="http://sdl.com/x"><file
 original="a" source-language="en" target-language="de" datatype="x"><body><trans-unit id="1"><source>A B</source>
<seg-source><g id="5"><mrk mtype="seg" mid="1">a</mrk> <mrk mtype="seg" mid="2">b</mrk></g></seg-source>
<target><g id="5"><mrk mtype="seg" mid="1" /> <mrk mtype="seg" mid="2"/></g></target>
<sdl:seg-defs><sdl:seg id="1" conf="Draft"/><sdl:seg id="2" locked="true"/></sdl:seg-defs></trans-unit>
</body></file></xliff>
"""
    filled = trados.replace('mid="1" />', 'mid="1">A</mrk>').replace("<target>", f"<target {MARKS}>")
    assert fill(trados, name="a.sdlxliff").content.decode() == filled


def test_letters_that_xml_must_write_otherwise_are_references() -> None:
    text = FIRST.format("ISO-8859-1", "", "", "<target>x</target>", "<target>x</target>", "", "<target>x</target>")
    found = fill(text.encode("latin-1"), lambda given: given.replace("of", "< & > 语"), name="a.xlf")
    assert b"%s &lt; &amp; &gt; &#35821; %s</target>" in found.content


SECOND = """<xliff version="2.0" srcLang="en" trgLang="de" xmlns="urn:oasis:names:tc:xliff:document:2.0"><file id="f">
<unit id="1"><segment state="final"><source>A</source><target>B</target></segment>
 <ignorable><source> </source></ignorable>
 <segment{0}><source>A <pc id="1">dog</pc>, <ph id="2" equiv="x"/> cat</source>{1}</segment></unit>
<unit id="2"><segment{2}>
   <source>cat</source>{3}
 </segment></unit>
<unit id="3" translate="no"><segment><source>A</source></segment></unit></file></xliff>
"""


def test_xliff_2_has_its_own_marks() -> None:
    before = SECOND.format("", "", " state='initial'  id=\"s\"", "<target>Katze?</target>")
    after = SECOND.format(
        ' state="initial" subState="patchword:mt"',
        '<target>A <pc id="1">DOG</pc>, <ph id="2" equiv="x"/> CAT</target>',
        ' state="initial"  id="s" subState="patchword:mt"',
        "<target>CAT</target>",
    )
    for end in ("\n", "\r\n"):
        found = fill(before.replace("\n", end), name="a.xliff")
        assert found.content.decode() == after.replace("\n", end)
        assert fill(found.content, name="a.xliff").content == found.content


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tmx", "<tmx/>", "a.tmx: is TMX; only PO and XLIFF have places to be filled"),
        ("a.po.gz", b"\x1f\x8b\x08", "is packed; unpack it"),
        ("a.po", header().replace("de", "fr"), "is translated into fr, and the model translates into de"),
        (
            "a.xlf",
            SECOND.format("", "", "", "").replace('"en"', '"fr"'),
            "is translated from fr, and the model translates from en",
        ),
        ("a.xlf", SECOND.format("", "", "", "")[:-20], "damaged XML: "),
        ("a.po", header() + 'msgid "a" oops\nmsgstr ""\n', "a.po, line 8: expected msgid, msgstr or a string"),
        ("a.xlf", '<!DOCTYPE xliff [<!ENTITY a "b">]>\n<xliff/>', "declares entities of its own"),
    ],
)
def test_what_cannot_be_filled_is_one_sentence(name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        fill(content, name=name)
    assert message in str(caught.value)
