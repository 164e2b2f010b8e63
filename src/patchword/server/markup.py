"""HTML as the texts in it, and put together again with other texts."""

import html
from collections.abc import Sequence
from html.parser import HTMLParser

_UNTRANSLATED = frozenset(("script", "style", "code", "pre", "textarea", "svg", "math"))  # elements


class Markup(HTMLParser):
    """A piece of HTML.

    Args:
        source: as it was given; what is no HTML is text.

    Attributes:
        texts: those between tags that are to be translated, without the white space around each.
    """

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.texts: list[str] = []
        self._pieces: list[str | int] = []  # as it stands, or the number of a text
        self._text = ""
        self._inside: list[str] = []  # elements that are not translated
        self.feed(source)
        self.close()
        self._end_text()

    def with_texts(self, texts: Sequence[str]) -> str:
        """The same with other texts.

        Args:
            texts: as many as there are.
        """
        return "".join(
            piece if isinstance(piece, str) else html.escape(texts[piece], quote=False) for piece in self._pieces
        )

    def _end_text(self) -> None:
        text, self._text = html.unescape(self._text), ""
        bare = text.strip()
        if not any(character.isalpha() for character in bare):
            self._pieces.append(html.escape(text, quote=False))
            return
        start = text.index(bare)
        self._pieces += [text[:start], len(self.texts), text[start + len(bare) :]]
        self.texts.append(bare)

    def _keep(self, piece: str) -> None:
        if self._text:
            self._end_text()
        self._pieces.append(piece)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        self._keep(self.get_starttag_text() or "")
        kept = tag in _UNTRANSLATED or ("translate", "no") in attrs
        if kept or (self._inside and tag == self._inside[-1]):
            self._inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        self._keep(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser`."""
        self._keep(f"</{tag}>")
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        """See `HTMLParser`."""
        if self._inside:
            self._keep(data)
        else:
            self._text += data

    def handle_entityref(self, name: str) -> None:
        """See `HTMLParser`."""
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        """See `HTMLParser`."""
        self.handle_data(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        """See `HTMLParser`."""
        self._keep(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        """See `HTMLParser`."""
        self._keep(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        """See `HTMLParser`."""
        self._keep(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        """See `HTMLParser`."""
        self._keep(f"<![{data}]{']' * data.startswith('CDATA[')}>")
