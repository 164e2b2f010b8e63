import pytest

from patchword.text.formats.placeholders import (
    found_in,
    is_message,
    parts_of,
    same,
    with_accelerator,
    without_accelerator,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("%s of %d, %5.2f and %(name)s", ["%s", "%d", "%5.2f", "%(name)s"]),
        ("%1$s before %2$-5d; %% and %zu, %lld, %@", ["%1$s", "%2$-5d", "%%", "%zu", "%lld", "%@"]),
        ("%ds ago, %dx%d, %d%s, %s%%", ["%d", "%d", "%d", "%d", "%s", "%s", "%%"]),
        ("50% discount, 100% of it", []),
        ("{name} {0} {} {x:>10} {{mustache}} ${x} %{ruby} #{y}", ["{name}", "{0}", "{}", "{{mustache}}", "${x}"]),
        ("{0,number,#.##} {a.b[0]} {!r}", ["{0,number,#.##}", "{a.b[0]}", "{!r}"]),
        ("Qt: %1 of %L2, %n; Symfony's %count%; C99's %<PRIu64>", ["%1", "%L2", "%n", "%count%", "%<PRIu64>"]),
        ("$name costs $5.00, $1 too", ["$name", "$1"]),
        ('<b>x</b> <a href="%s">y</a><br/> 1 < 2 > 1', ["<b>", "</b>", '<a href="%s">', "</a>", "<br/>"]),
        ("&nbsp;&#160; AT&T & you", ["&nbsp;", "&#160;"]),
        ("No { such } thing, 5 > 3", []),
    ],
)
def test_what_programs_put_values_into_is_found(text: str, wanted: list[str]) -> None:
    found = list(found_in(text).elements())
    assert [each for each in found if each in wanted] == sorted(wanted, key=text.index)
    assert "".join(part for part, _ in parts_of(text)) == text
    if not wanted:
        assert not found


@pytest.mark.parametrize(
    ("text", "other", "kept"),
    [
        ("%(a)s of %(b)s", "%(b)s von %(a)s", True),
        ("%1$s of %2$s", "%2$s von %1$s", True),
        ("%s of %d", "%d von %s", False),  # would put the number where the text goes
        ("%s of %s", "%s von", False),
        ("%s", "%s %s", False),
        ("{name}", "{Name}", False),
        ("{} {}", "{} {}", True),
        ("a\nb", "a b", False),
        ("<b>x</b>", "<b>y</B>", False),
        ("plain", "with {new}", False),
    ],
)
def test_a_translation_has_the_same_or_is_none(text: str, other: str, kept: bool) -> None:
    assert same(text, other) is kept


@pytest.mark.parametrize(
    ("text", "bare", "mark", "letter"),
    [
        ("&File", "File", "&", "F"),
        ("Save _As...", "Save As...", "_", "A"),
        ("~Edit", "Edit", "~", "E"),
        ("Bread & butter", "Bread & butter", "", ""),
        ("&amp; more", "&amp; more", "", ""),
        ("AT&T", "AT&T", "", ""),
        ("snake_case", "snake_case", "", ""),
        ("_one _two", "_one _two", "", ""),
        ("E&xit", "Exit", "&", "x"),
        ("/italic/ and _underline_", "/italic/ and _underline_", "", ""),
        ('=SUM(A1;"<"&MAX(B2))', '=SUM(A1;"<"&MAX(B2))', "", ""),
        ("&File " + "x" * 80, "&File " + "x" * 80, "", ""),
        ("~5 MB", "~5 MB", "", ""),
    ],
)
def test_the_mark_of_a_key_is_taken_out(text: str, bare: str, mark: str, letter: str) -> None:
    assert without_accelerator(text) == (bare, mark, letter)


def test_the_mark_of_a_key_is_put_where_programs_have_it() -> None:
    assert with_accelerator("Datei", "&", "F") == "&Datei"
    assert with_accelerator("Neue Datei", "&", "D") == "Neue &Datei"
    assert with_accelerator("Sichern", "_", "h") == "Sic_hern"
    assert with_accelerator("文件...", "&", "f") == "文件(&F)..."
    assert with_accelerator("…", "&", "f") is None


def test_messages_with_choices_are_known() -> None:
    assert is_message("{n, plural, one {# day} other {# days}}")
    assert not is_message("{n, number}")
