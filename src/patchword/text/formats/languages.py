"""Which of the languages that a file has are meant, whatever codes it writes."""

from collections.abc import Sequence
from functools import lru_cache

from patchword.text.language import language_code
from patchword.text.objects import Languages


@lru_cache(maxsize=4096)
def matching(language: str, written: tuple[str, ...]) -> str | None:
    """The name in a file that stands for a language: the same, or of the same region, or else of the same language.

    Args:
        language: such as en, en_US or English.
        written: what the file has, such as EN-GB; earlier ones are preferred.
    """
    wanted = plain(language)
    code = language_code(language)
    tests = (
        lambda other: plain(other) == wanted,
        # en of en-US and en-US of en, not en-GB of en-US while there is a better one.
        lambda other: plain(other).split("-")[0] == wanted or plain(other) == wanted.split("-")[0],
        lambda other: code is not None and language_code(other) == code,
    )
    return next((other for test in tests for other in written if test(other)), None)


def chosen(languages: Languages, written: Sequence[str]) -> Languages:
    """The languages of both sides, where one that is not said can only be one of those that are written."""
    source, target = languages
    if source is not None and target is None:
        target = _other(source, written)
    elif target is not None and source is None:
        source = _other(target, written)
    elif source is None and len(written) == 2:
        source, target = written[0], written[1]
    return source, target


def _other(language: str, written: Sequence[str]) -> str | None:
    code = language_code(language) or plain(language)
    others = [each for each in written if (language_code(each) or plain(each)) != code]
    if not others:  # dialects of one language
        others = [each for each in written if each != matching(language, tuple(written))]
    alike = {language_code(each) or plain(each) for each in others}
    return others[0] if len(alike) == 1 else None


def plain(language: str) -> str:
    """A code as others are compared with it."""
    return language.strip().lower().replace("_", "-")
