"""Looking on while a text of many sentences is translated, as if it were one."""

from collections.abc import Sequence
from threading import RLock

from patchword.text.layout import Joined, Layout
from patchword.text.watch import Watch, listens


class _Growing:
    """What is certain of a text's translation, from its beginning.

    Args:
        layout: of the text.
        language: of the translation.
    """

    def __init__(self, layout: Layout, language: str) -> None:
        self._layout = layout
        self._parts: dict[int, str] = {}  # by number, of sentences that cannot be put behind the others yet
        self._complete: set[int] = set()
        self._text = Joined(language)  # of all pieces before `_place`
        self._place = 0
        self._sentence = 0
        self._pass()

    def note(self, sentence: int, text: str, complete: bool) -> None:
        """So much is certain of one of the sentences."""
        self._parts[sentence] = text.strip() if complete else text.lstrip()
        if complete:
            self._complete.add(sentence)
        self._pass()

    def text(self) -> str:
        """All that is certain."""
        part = self._parts.get(self._sentence)
        if not part:
            return str(self._text)
        return self._text.with_part(self._layout.pieces[self._place], part)

    def _pass(self) -> None:
        """Put complete sentences, and pieces that stay as they are, behind what is there."""
        pieces, spoken = self._layout.pieces, self._layout.spoken
        while self._place < len(pieces) and (not spoken[self._place] or self._sentence in self._complete):
            piece = pieces[self._place]
            part = self._parts.pop(self._sentence) if spoken[self._place] else piece.text
            self._text.add(piece, part)
            self._sentence += spoken[self._place]
            self._place += 1


class SentenceWatch:
    """Tells a watch of texts what a search tells of their sentences: a sentence when those before it are complete.

    Args:
        watch: of the texts.
        layouts: of the texts.
        texts: the text of every sentence.
        language: of the translations.
    """

    def __init__(self, watch: Watch, layouts: Sequence[Layout], texts: Sequence[int], language: str) -> None:
        self._watch = watch
        self._listens = [listens(watch, text) for text in range(len(layouts))]
        self._growing = [_Growing(layout, language) for layout in layouts]
        first = {text: index for index, text in reversed(list(enumerate(texts)))}
        self._sentences = [(text, index - first[text]) for index, text in enumerate(texts)]
        self._told = [0] * len(layouts)
        self._given_up: set[int] = set()
        self._lock = RLock()  # sentences of one text are decoded in several threads
        for text in range(len(layouts)):
            if text not in first and self._listens[text]:  # nothing of it is translated
                self._tell(text)

    def wanted(self, index: int) -> bool:
        """See `Watch`; once a text is given up, so are all of its sentences."""
        text, _ = self._sentences[index]
        with self._lock:
            if text not in self._given_up and not self._watch.wanted(text):
                self._given_up.add(text)
            return text not in self._given_up

    def listens(self, index: int) -> bool:
        """See `ChoosyWatch`."""
        return self._listens[self._sentences[index][0]]

    def told(self, index: int, text: str) -> None:
        """See `Watch`."""
        self._note(index, text, complete=False)

    def ended(self, index: int, text: str) -> None:
        """See `EndWatch`."""
        self._note(index, text, complete=True)

    def _note(self, index: int, text: str, complete: bool) -> None:
        number, sentence = self._sentences[index]
        with self._lock:
            if number not in self._given_up:
                self._growing[number].note(sentence, text, complete)
                self._tell(number)

    def _tell(self, number: int) -> None:
        text = self._growing[number].text()
        if len(text) > self._told[number]:
            self._told[number] = len(text)
            self._watch.told(number, text)
