"""HTML: its texts are found, everything else stays letter by letter, and no document takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchword.server.markup import Markup

# Documents, and what they are when every text that is to be translated is in capitals.
CASES = {
    "paragraphs": ("<p>one</p>\n<P CLASS='a'>two</P>", "<p>ONE</p>\n<P CLASS='a'>TWO</P>"),
    "references": ("<p>a &amp; b &lt;</p>", "<p>A &amp; B &lt;</p>"),
    "ampersands": ("Ask AT&T, Q&A &c; &", "ASK AT&amp;T, Q&amp;A &amp;C; &amp;"),
    "less": ("  plain < text\n", "  PLAIN &lt; TEXT\n"),
    "references around": ("<b>&nbsp;&#160; a&nbsp;b &ensp;</b>", "<b>&nbsp;&#160; A\u00a0B &ensp;</b>"),
    "no letters": ("<p>1 &lt; 2 & 3</p>", "<p>1 &lt; 2 & 3</p>"),
    "huge reference": (f"a &#{'9' * 5000};", f"A &amp;#{'9' * 5000};"),
    "lists": ("<ul><li>a<li>b<!-- c --><br/>", "<ul><li>A<li>B<!-- c --><br/>"),
    "quoted": ("<a title='x > y' alt=\"'\" z>a</a>", "<a title='x > y' alt=\"'\" z>A</a>"),
    "unquoted": ("<a title=it's href=/b/>a</a>", "<a title=it's href=/b/>A</a>"),
    "spaced": ("<a title = '>' / >a</a\n>", "<a title = '>' / >A</a\n>"),
    "open quote": ("<a title='x>a</a> b", "<a title='x>A</a> B"),
    "open tag": ("a <b", "A &lt;B"),
    "open tag before quoted end": ("<a x='>' y", "<a x='>' Y"),
    "comments": ("<!-->a<!--->b<!-- <p>x</p> --!>c<!--x", "<!-->A<!--->B<!-- <p>x</p> --!>C<!--x"),
    "doctype": ("<!DOCTYPE html><?php x ?>a</>b</ x>", "<!DOCTYPE html><?php x ?>A</>B</ x>"),
    "sections": ("<![CDATA[a > b]]>a<![if x]>b<![CDATA[c>d", "<![CDATA[a > b]]>A<![if x]>B<![CDATA[c>D"),
    "broken": ('<![<![x"', '&lt;![&lt;![X"'),
    "script": ("a<SCRIPT>if (a<b) '</p>'</Script >b", "A<SCRIPT>if (a<b) '</p>'</Script >B"),
    "open script": ("a<script>var b = '<p>c</p>'", "A<script>var b = '<p>c</p>'"),
    "script by name": (
        "<scripts>a</scripts><script></scriptx>b</script>c",
        "<scripts>A</scripts><script></scriptx>b</script>C",
    ),
    "code": ("<code>a<code>b</code>c</code>d<pre>e</pre>", "<code>a<code>b</code>c</code>D<pre>e</pre>"),
    "crossed": ("<code>a<pre>b</code>c</pre>", "<code>a<pre>b</code>C</pre>"),
    "translate": (
        "<b translate=no>a<b>c</b></b>d<i Translate='NO'>e",
        "<b translate=no>a<b>c</b></b>D<i Translate='NO'>e",
    ),
    "said elsewhere": ("<b title=' translate=no '>a", "<b title=' translate=no '>A"),
    "no end": ("<img translate=no>a<br translate='no'>b", "<img translate=no>A<br translate='no'>B"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_texts_alone_are_exchanged(name: str) -> None:
    source, changed = CASES[name]
    markup = Markup(source)
    assert markup.with_texts([text.upper() for text in markup.texts]) == changed
    assert markup.with_texts(markup.texts) == source


TAGS = [
    "<script>",
    "</script>",
    "<p>",
    "<b translate=no>",
    "<!--",
    "-->",
    "--!>",
    "<![CDATA[",
    "]]>",
    "&nbsp;",
    "&amp;",
]
PARTS = [*TAGS, *"<>!?/='\"aB1&;# \n", "</", "script", "style", "title", "translate=no"]


@given(st.lists(st.sampled_from(PARTS), max_size=25))
def test_nothing_is_altered_or_lost(parts: list[str]) -> None:
    source = "".join(parts)
    markup = Markup(source)
    assert markup.with_texts(markup.texts) == source
    rest = iter(source)
    assert all(letter in rest for letter in markup.with_texts([""] * len(markup.texts)))


HOSTILE = [
    "<a ",
    "<a",
    "<",
    "</",
    "<!",
    "<!--",
    "<!---->",
    "<![CDATA[",
    "<?",
    "<a b='",
    '<a b="><',
    "<a =",
    "<script>",
    "</script",
    "&nbsp;",
    "&",
    "&#",
    ";",
]


@pytest.mark.parametrize("unit", [*HOSTILE, "<p>a", "<code>", "<a translate=", "<textarea></textarea>", " \n", "<a  "])
@pytest.mark.parametrize("end", ["", ">", "'>", "--!>"])
def test_time_grows_as_the_document_does(unit: str, end: str) -> None:
    source = (unit * 10**5)[: 10**5] + end
    start = time.process_time()
    markup = Markup(source)
    assert time.process_time() - start < 2
    assert markup.with_texts(markup.texts) == source
