"""Translators' files with random damage: pairs, a filled file, or one sentence."""

import random
from pathlib import Path

from patchword.errors import PatchwordError, one_line
from patchword.text.formats.filling import Filling
from patchword.text.pairs import read_parallel
from tests.fuzz.share import cases
from tests.text.formats import test_filling as filled
from tests.text.formats import test_reading as read

FILES = [
    ("a.tmx", read.tmx()),
    ("a.po", read.PO.replace("{charset}", "UTF-8")),
    ("a.po", filled.header() + '#, fuzzy\nmsgid "a %s"\nmsgid_plural "b"\nmsgstr[0] ""\nmsgstr[1] ""\n'),
    ("a.xlf", read.XLIFF_1),
    ("a.xlf", filled.FIRST.format("utf-8", "x:", ":x", "", "<x:target/>", "", "<x:target>q</x:target>")),
    ("a.xlf", filled.SECOND.format("", "", " state='initial'", "<target>c</target>")),
]
PIECES = [
    *('"', "\\", "\n", "\r", "\0", "\x0b", "\ufeff", "<", ">", "&", "&#0;", "&x;", "<!--", "<![CDATA[", "]]>"),
    *("msgid ", 'msgstr[9] ""\n', "#, fuzzy\n", "#~ ", "#| ", "[99999]", "charset=utf-7", "charset=hex", "charset=\0"),
    *("nplurals=9;", "nplurals=3; plural=n/0;", "nplurals=2; plural=((((n"),
    *("<target/>", '<mrk mtype="seg" mid="1">', "</source>", "<source>", 'xml:lang=""', "<tu>", " translate='no'"),
]


def damaged(text: str, generator: random.Random) -> bytes:
    for _ in range(generator.choice([0, 1, 1, 1, 2, 4])):
        place = generator.randrange(len(text) + 1)
        text = text[:place] + generator.choice(PIECES) + text[place + generator.choice([0, 0, 0, 1, 5, 40]) :]
    data = text.encode(generator.choice(["utf-8"] * 6 + ["utf-16", "latin-1"]), "replace")
    return data[: generator.randrange(len(data) + 1)] if generator.random() < 0.1 else data


def test_damaged_files_are_pairs_or_one_sentence(tmp_path: Path) -> None:
    done = 0
    problems: list[str] = []
    for generator in cases(5000):
        name, text = generator.choice(FILES)
        path = tmp_path / name
        path.write_bytes(damaged(text, generator))
        for attempt in (_read, _fill):
            try:
                attempt(path)
                done += 1
            except PatchwordError as error:
                problems.append(str(error))
    assert done > 0
    assert problems
    for problem in problems:
        assert str(tmp_path) in problem
        assert problem == one_line(problem)
        assert len(problem) < 1000


def _read(path: Path) -> None:
    read_parallel([path], ("en", "de"))


def _fill(path: Path) -> None:
    filling = Filling(str(path), path.read_bytes(), ("en", "de"))
    for _ in filling.translate(lambda texts: [(text.upper(), None) for text in texts]):
        pass
    filling.result()
