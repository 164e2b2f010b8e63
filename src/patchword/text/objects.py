"""Pairs in JSON lines, in the forms that people have them.

{"source": ..., "target": ...}, or src and tgt; {"en": ..., "de": ...}; either of them within "translation"; or a list
of two texts. Keys that name languages are found by the languages that are said, in any of their codes (deu, de_DE,
German); where none are said they are the two that the first object has, in its order.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from patchword.text.files import Damage
from patchword.text.language import language_code

Languages = tuple[str | None, str | None]

_SIDES = (("source", "target"), ("src", "tgt"), ("src", "trg"))
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonLines:
    """Objects as pairs of texts.

    Args:
        name: of the file, for messages.
        languages: of source and target; None where nothing is said.

    Attributes:
        keys: of the source's and the target's text, if they name languages.
    """

    def __init__(self, name: str, languages: Languages = (None, None)) -> None:
        self.name = name
        self.keys: tuple[str, str] | None = None
        self._languages = languages

    @property
    def names(self) -> tuple[str, str] | None:
        """What the file calls the two sides."""
        return self.keys

    def pairs(self, lines: Iterator[str | Damage]) -> Iterator[tuple[int, str, str] | Damage]:
        """The number of a line, source and target; or what is wrong with the line."""
        for number, line in enumerate(lines, 1):
            if isinstance(line, Damage):
                yield line
            elif not line.strip():
                yield Damage(self.name, number, "is an empty line", blank=True)
            else:
                found = self._pair(line)
                yield Damage(self.name, number, found) if isinstance(found, str) else (number, *found)

    def _pair(self, line: str) -> tuple[str, str] | str:
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            hint = "; expected one object on every line" if line.strip() == "{" or line.lstrip()[:1] == "[" else ""
            return f"not JSON: {error.msg} at column {error.colno}{hint}"
        except RecursionError:
            return "JSON of too many brackets within each other"
        except ValueError:  # Python's limit for the digits of a number
            return "JSON with a number of too many digits"
        texts = self._texts(value)
        if isinstance(texts, str):
            return texts
        for side, text in zip(("source", "target"), texts, strict=True):
            if lone := _SURROGATE.search(text):
                return f"the {side} has half a surrogate pair, U+{ord(lone[0]):04X}, which is no text"
        return texts

    def _texts(self, value: Any) -> tuple[str, str] | str:
        if isinstance(value, Mapping) and isinstance(value.get("translation"), Mapping):
            value = value["translation"]
        if isinstance(value, list) and len(value) == 2 and all(isinstance(text, str) for text in value):
            return value[0], value[1]
        texts = {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}
        for keys in _SIDES:
            if all(key in texts for key in keys):
                return texts[keys[0]], texts[keys[1]]
        if self.keys is None:
            self.keys = self._found(list(texts))
        if self.keys is not None and all(key in texts for key in self.keys):
            return texts[self.keys[0]], texts[self.keys[1]]
        said = [repr(language) for language in self._languages if language is not None]
        wanted = f", or {' and '.join(said)}" if said else ""
        remedy = "" if len(said) == 2 else "; name other keys with --source-language and --target-language"
        return f"expected an object with the texts 'source' and 'target'{wanted}{remedy}"

    def _found(self, keys: list[str]) -> tuple[str, str] | None:
        """The keys of the two languages."""
        codes = {key: language_code(key) for key in keys}
        source, target = (self._key(language, codes) for language in self._languages)
        said = [language for language in self._languages if language is not None]
        named = [key for key in keys if codes[key] is not None]
        both = named if len(named) == 2 else keys
        if len(both) == 2 and len(said) < 2:
            if not said:
                return both[0], both[1]
            if target is None and source in both:
                target = both[1 - both.index(source)]
            elif source is None and target in both:
                source = both[1 - both.index(target)]
        return None if source is None or target is None or source == target else (source, target)

    def _key(self, language: str | None, codes: Mapping[str, str | None]) -> str | None:
        if language is None:
            return None
        if language in codes:
            return language
        code = language_code(language)
        alike = [key for key, other in codes.items() if code is not None and other == code]
        return alike[0] if len(alike) == 1 else None
