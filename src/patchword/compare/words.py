"""Sentences for the reader of a report, in both of its languages."""

from typing import NamedTuple


class Text(NamedTuple):
    """The same in English and in Chinese."""

    en: str
    zh: str

    def __add__(self, other: object) -> "Text":
        """One text after the other."""
        assert isinstance(other, Text)
        return Text(f"{self.en} {other.en}", self.zh + other.zh)


def both(text: str) -> Text:
    """What is the same in every language: names and numbers."""
    return Text(text, text)
