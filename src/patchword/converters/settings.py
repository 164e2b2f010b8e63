"""A foreign checkpoint's settings, each of the type that it should have."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from patchword.checkpoints.json_file import read_json_file
from patchword.errors import CheckpointError, DataError, shown


class Settings:
    """A JSON object whose values are checked when they are asked for; null is the same as nothing.

    Args:
        path: the file, named in errors.
        values: what is in it.
        defaults: where the file has nothing.
    """

    def __init__(self, path: Path, values: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> None:
        self._path = path
        self._values = {**(defaults or {}), **{key: value for key, value in values.items() if value is not None}}

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def get(self, key: str, default: Any = None) -> Any:
        """Of any type."""
        return self._values.get(key, default)

    def whole(self, key: str, default: int | None = None, least: int = 0) -> int:
        """A whole number.

        Raises:
            CheckpointError: if it is something else, below `least`, or missing without a default.
        """
        value = self._found(key, default)
        if type(value) is not int or not least <= value < 2**31:
            raise self._error(key, f"a whole number, {least} or more")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false.

        Raises:
            CheckpointError: if it is something else.
        """
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self._error(key, "true or false")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A finite number.

        Raises:
            CheckpointError: if it is something else, or missing without a default.
        """
        value = self._found(key, default)
        if not _is_number(value):
            raise self._error(key, "a number")
        return float(value)

    def numbers(self, key: str, default: list[float] | None = None) -> list[float]:
        """A list of finite numbers.

        Raises:
            CheckpointError: if it is something else, or missing without a default.
        """
        value = self._found(key, default)
        if not isinstance(value, list | tuple) or not all(map(_is_number, value)):
            raise self._error(key, "a list of numbers")
        return [float(item) for item in value]

    def sides(self, key: str, default: Any = None) -> tuple[int, int]:
        """(height, width) from a side, a pair of them, or an object that names them.

        Raises:
            CheckpointError: if it is something else, or missing without a default.
        """
        value = self._found(key, default)
        pair = [value.get("height"), value.get("width")] if isinstance(value, dict) else value
        pair = [pair, pair] if type(pair) is int else pair
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(type(side) is int for side in pair):
            raise self._error(key, "a number, or height and width")
        if not all(0 < side < 2**16 for side in pair):
            raise self._error(key, "sides of 1 to 65535")
        return pair[0], pair[1]

    def table(self, key: str) -> dict[str, Any]:
        """A JSON object; an empty one where there is none.

        Raises:
            CheckpointError: if it is something else.
        """
        value = self._values.get(key) or {}
        if not isinstance(value, dict):
            raise self._error(key, "a JSON object")
        return value

    def _found(self, key: str, default: Any) -> Any:
        value = self._values.get(key, default)
        if value is None:
            raise CheckpointError(self._path, f"key {key!r} is missing")
        return value

    def _error(self, key: str, expected: str) -> CheckpointError:
        return CheckpointError(self._path, f"{key} = {shown(self._values[key])}: expected {expected}")


def is_there(path: Path) -> bool:
    """Whether a folder has an entry of that name, a link to nothing or a pipe too, which `read_json` then refuses."""
    return path.exists() or path.is_symlink()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        CheckpointError: if the file is missing or holds something else.
    """
    try:
        if not is_there(path):
            raise CheckpointError(path.parent, f"{path.name} is missing")
        values = read_json_file(path)
    except DataError as error:
        raise CheckpointError(path, str(error).removeprefix(f"{path}: ")) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(path, f"cannot be read as JSON: {error}") from None
    if not isinstance(values, dict):
        raise CheckpointError(path, f"expected a JSON object, found a {type(values).__name__}")
    return values


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max  # false of NaN too
