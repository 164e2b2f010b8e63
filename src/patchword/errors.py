"""What a user can put right, as types whose text is one clear sentence."""

import errno
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

_OBEYED = frozenset(("Cc", "Cs", "Zl", "Zp"))  # categories of Unicode
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LONGEST = 200  # characters of a bad value that a message repeats


class PatchwordError(Exception):
    """Base of all errors that are the input's, not the program's; the command line prints it and exits with 2.

    Args:
        message: one sentence; what in it could move a terminal's cursor or end the line is written out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class DataError(PatchwordError):
    """Data that cannot be used as it is.

    Args:
        path: the file or folder at fault.
        problem: what was found and what was expected.
        line: the line at fault, counted from 1.
    """

    def __init__(self, path: Path | str, problem: str, line: int | None = None) -> None:
        place = f"{path}" if line is None else f"{path}, line {line}"
        super().__init__(f"{place}: {problem}")


class OutputError(PatchwordError):
    """A file or folder that cannot be written.

    Args:
        path: the file or folder.
        problem: why, a clause.
    """

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.problem = problem


class RecipeError(PatchwordError):
    """A recipe, a setting or an option with a wrong name or value."""


class ModelFolderError(PatchwordError):
    """A model folder that is missing, damaged, or made for another task.

    Args:
        path: the folder.
        problem: what was found and what was expected.
    """

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


class CheckpointError(PatchwordError):
    """A foreign checkpoint that cannot be read, or that holds what our networks cannot express.

    Args:
        path: the file or folder.
        problem: what was found and what was expected.
    """

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


class NoSuchPrecisionError(RecipeError):
    """A precision that the engine has no arithmetic for, for this network."""


class HeadlessError(PatchwordError):
    """A backbone without a classification head, asked for classes."""


class ExportError(PatchwordError):
    """A model that the wanted format cannot express, or a format that needs a package that is missing."""


class RunFolderError(ModelFolderError):
    """A run folder that is in the way, or that cannot be resumed."""


class OutOfMemoryError(PatchwordError):
    """Less memory than the work needs, which smaller pieces of it would not."""


class GroupError(PatchwordError):
    """Processes that were to train together and cannot, or no longer."""


class SaidElsewhereError(PatchwordError):
    """What another process of the group says; this one ends without a word."""

    def __init__(self) -> None:
        super().__init__("another process of the group has met a mistake, and says which")


class NotFiniteError(PatchwordError, ValueError):
    """Weights that hold infinite values or such as are no numbers, or a network that computes them."""

    @classmethod
    def of_logits(cls, length: int) -> "NotFiniteError":
        """For a translation that cannot go on after `length` tokens."""
        return cls(
            f"the network's logits after {length} tokens are infinite or not numbers; its weights are damaged or too "
            "large"
        )


def nearest(name: str, choices: Iterable[str]) -> str:
    """A hint that ends an error message: the valid choice nearest to `name`, or else all of them."""
    choices = sorted(choices)
    close = get_close_matches(name, choices, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"valid: {', '.join(choices)}"


def shown(value: Any) -> str:
    """A bad value as a message repeats it: Python's form of it, cut after `LONGEST` characters."""
    # A number of many digits has no decimal form in Python, and the form of a nested value may be too deep.
    try:
        text = repr(value[: LONGEST + 1] if isinstance(value, str | bytes) else value)
    except (ValueError, RecursionError):
        return f"a very large {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def clipped(text: str) -> str:
    """A text that a message repeats without quotes, cut after `LONGEST` characters."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def one_line(text: str) -> str:
    """A text without what a terminal would obey: control characters, line ends, turns of the direction of writing and
    lone surrogates as escapes. What joins letters or emoji, or is a space of some width, stays."""
    return "".join(ascii(c)[1:-1] if unicodedata.category(c) in _OBEYED or c in _DIRECTIONS else c for c in text)


def reason(error: OSError) -> str:
    """Why the system refused something, as a clause."""
    if error.errno == errno.ENOSPC:
        return "no space left on the disk"
    if error.errno == errno.EROFS:
        return "the disk can only be read"
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]
