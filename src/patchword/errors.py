"""What a user can put right, as types whose text is one clear sentence."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class PatchwordError(Exception):
    """Base of all errors that are the input's, not the program's; the command line prints it and exits with 2."""


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
