"""What one side of parallel text is like: its language, its script, and texts on it that are not so."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

from patchword.text.detection import detected
from patchword.text.function_words import FUNCTION_WORDS
from patchword.text.language import language_code, script_of

_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = {
    "Latin": "A-Za-z\u00aa-\u024f\u1e00-\u1eff",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Cyrillic": "\u0400-\u052f",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff",
    "Indic": "\u0900-\u0dff",
    "Thai": "\u0e00-\u0e7f",
    "East Asian": "\u1100-\u11ff\u2e80-\u2fdf\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7ff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff",
}
_LETTERS = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS.items()}
_NOT_LATIN = re.compile(f"[{''.join(letters for name, letters in _SCRIPTS.items() if name != 'Latin')}]")
_RUN = 6  # letters of its script one after another, by which a short text is known at once
_WIDE = frozenset(("zh", "ja", "ko"))

LEAST_WORDS = 6  # of a text whose language is judged by its words
_LEAST_LETTERS = 6  # of one whose language is judged by its script
_CERTAIN = 0.99


@cache
def _languages() -> dict[str, tuple[str, ...]]:
    """The languages that have each common word."""
    found: dict[str, list[str]] = {}
    for language, words in FUNCTION_WORDS.items():
        for word in words.split():
            found.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}


def _hits(words: Sequence[str]) -> Counter[str]:
    """For each language, how many different words of some are common ones of it."""
    known = _languages()
    return Counter(language for word in set(words) for language in known.get(word, ()))


class Side:
    """One side of a text.

    Args:
        language: as it is said; None if it is not.
        sample: texts of the side, of which most are as they should be.

    Attributes:
        language: its code; None if it is not known.
        mistaken: the code that it rather has, if most of the sample is not in the language that is said.
        script: that most letters of the sample are of.
        wide: whether its script puts no spaces between words.
    """

    def __init__(self, language: str | None, sample: Sequence[str]) -> None:
        joined = "".join(sample)
        counts = Counter({name: len(letters.findall(joined)) for name, letters in _LETTERS.items()})
        self.script = counts.most_common(1)[0][0] if sum(counts.values()) else "Latin"
        code = None if language is None else language_code(language)
        guess = script_of(sample).language or self._guessed(sample)
        self.mistaken = guess if guess and code in (*FUNCTION_WORDS, *_WIDE) and guess != code else None
        self.language = code or guess
        if self.language in _WIDE:
            self.script = "East Asian"
        self.wide = self.script in ("East Asian", "Thai") and self.language != "ko"
        self._letters = _LETTERS[self.script]
        self._run = re.compile(f"[{_SCRIPTS[self.script]}]{{{_RUN}}}")
        self._common = frozenset(FUNCTION_WORDS.get(self.language or "", "").split())

    @staticmethod
    def _guessed(sample: Sequence[str]) -> str | None:
        votes: Counter[str] = Counter()
        for text in sample:
            hits = _hits(_WORD.findall(text.lower())).most_common(2)
            if hits and hits[0][1] >= 2 and (len(hits) == 1 or hits[0][1] > hits[1][1]):
                votes[hits[0][0]] += 1
        best = votes.most_common(1)
        return best[0][0] if best and best[0][1] > max(2, sum(votes.values()) // 2) else None

    @property
    def width(self) -> int:
        """Characters of a shingle; see `shingles`."""
        return 3 if self.wide else 5

    def words(self, text: str) -> int:
        """How many words a text has for certain; where no spaces separate them, half as many as letters."""
        blanks = text.count(" ") + 1
        return len(self._letters.findall(text)) // 2 + blanks if self.wide and not text.isascii() else blanks

    def stranger(self, text: str) -> str | None:
        """The language or script that a text seems to be in, if it is another than the side's; names and short texts
        do not seem to be in any."""
        if self._is_usual(text):
            return None
        words = _WORD.findall(text)
        letters = sum(map(len, words))
        if letters < _LEAST_LETTERS:
            return None
        if len(self._letters.findall(text)) * 10 < letters:
            return self._other_script(text, words)
        if self.script != "Latin" or self.language not in FUNCTION_WORDS or len(words) < LEAST_WORDS:
            return None
        return self._other_language(text, [word.lower() for word in words])

    def _is_usual(self, text: str) -> bool:
        """Whether a text is so clearly of its side that it need not be looked at closely, as most are."""
        if self.script != "Latin":
            return self._run.search(text) is not None and len(text) <= 10 * _RUN
        words = text.lower().split()
        few = len(words) < LEAST_WORDS or 6 * len(self._common.intersection(words)) > len(words)
        return few and (text.isascii() or _NOT_LATIN.search(text) is None)

    def _other_script(self, text: str, words: Sequence[str]) -> str | None:
        counts = Counter({name: len(letters.findall(text)) for name, letters in _LETTERS.items()})
        script = counts.most_common(1)[0][0]
        if script != "Latin":
            return f"{script} script" if script != self.script else None
        # Commands, names and formulas are Latin everywhere; sentences have small words.
        hits = _hits([word for word in words if word.islower()]).most_common(1)
        enough = len([word for word in words if word.islower()]) >= LEAST_WORDS - 2 and hits and hits[0][1] >= 2
        return hits[0][0] if enough else None

    def _other_language(self, text: str, words: Sequence[str]) -> str | None:
        hits = _hits(words)
        own = hits[self.language or ""]
        count = max(hits.values(), default=0)
        if count < 3 or own * 3 > count or count * 8 < len(words):
            return None
        found = detected(text, [self.language or "", *(other for other, n in hits.items() if n == count)])
        return found[0][0] if found[0][0] != self.language and found[0][1] >= _CERTAIN else None
