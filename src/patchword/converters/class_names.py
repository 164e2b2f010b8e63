"""Class names as people and libraries write them: lists, and dictionaries in either direction."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patchword.checkpoints.json_file import parse_json, read_bytes
from patchword.converters.imported import ImportOptions, distinct
from patchword.errors import CheckpointError, DataError, shown

LARGEST = 16 * 2**20  # bytes of a file of class names


def class_names(
    origin: Path, num_classes: int, options: ImportOptions, values: Any = None, said_by: str = "id2label"
) -> tuple[list[str], tuple[str, ...]]:
    """Names of the classes: the option's, the config's, or their numbers.

    Args:
        origin: named in errors.
        num_classes: as many as the head has.
        options: whose names come before the checkpoint's.
        values: of the config: a list, numbers to names, or names to numbers; None for nothing.
        said_by: the key that they are from.

    Returns:
        a name a class, all different; and what had to be assumed, a sentence each.

    Raises:
        CheckpointError: if the names given are not as many as the classes, or the config's are none.
    """
    if options.classes is not None:
        if len(options.classes) != num_classes:
            raise CheckpointError(origin, f"has {num_classes} classes, but {len(options.classes)} names were given")
        return distinct(options.classes), ()
    if values is None or values in ({}, []) or num_classes == 0:
        return distinct(str(number) for number in range(num_classes)), ()
    try:
        named = _by_number(values)
    except ValueError as error:
        raise CheckpointError(origin, f"config.json: {said_by} {error}") from None
    beyond = sorted(number for number in named if number >= num_classes)
    if beyond:
        raise CheckpointError(
            origin,
            f"config.json: {said_by} names {len(named)} classes up to {beyond[-1]}, but the head has {num_classes}; "
            "give --classes",
        )
    gaps = [number for number in range(num_classes) if number not in named]
    notes: tuple[str, ...] = ()
    if gaps:
        notes = (f"{said_by} has no name for {len(gaps)} classes, such as {gaps[0]}: they are called by their numbers",)
    return distinct(named.get(number, str(number)) for number in range(num_classes)), notes


def read_class_names(path: Path) -> tuple[str, ...]:
    """Names from a file: one a line, in order; or JSON, a list or a dictionary as `class_names` knows them.

    Raises:
        DataError: if it cannot be read, or holds no names.
    """
    try:
        data = read_bytes(path, LARGEST)
        if path.suffix.lower() != ".json":
            return tuple(data.decode("utf-8-sig").splitlines())
        named = _by_number(parse_json(data))
    except DataError as error:
        raise DataError(path, f"cannot be read as class names: {str(error).removeprefix(f'{path}: ')}") from None
    except (OSError, ValueError) as error:
        raise DataError(path, f"cannot be read as class names: {error}") from None
    gap = next((number for number in range(len(named)) if number not in named), None)
    if gap is not None:
        raise DataError(path, f"has no name for class {gap}, but for {max(named)}")
    return tuple(named[number] for number in range(len(named)))


def _by_number(values: Any) -> dict[int, str]:
    """Names by their classes' numbers.

    Raises:
        ValueError: a clause, if they are none.
    """
    pairs: list[tuple[int | None, Any]]
    if isinstance(values, Sequence) and not isinstance(values, str):
        pairs = list(enumerate(values))
    elif isinstance(values, Mapping):
        pairs = [(_number(key), _last(value)) for key, value in values.items()]
        if values and all(number is None for number, _ in pairs):  # label2id
            pairs = [(_number(value), key) for key, value in values.items()]
    else:
        raise ValueError(f"= {shown(values)}: expected a JSON object or a list of names")
    named: dict[int, str] = {}
    for number, name in pairs:
        if number is None or number in named or not isinstance(name, str | int | float):
            raise ValueError(f"= {shown(values)}: expected a name for each number")
        try:
            str(name).encode()
        except UnicodeEncodeError:
            raise ValueError(f"= {shown(values)}: half a surrogate pair is no text") from None
        named[number] = str(name)
    return named


def _number(key: Any) -> int | None:
    """0 of 0, "0" and "00"."""
    text = str(key)
    return int(text) if not isinstance(key, bool) and text.isdecimal() and len(text) < 10 else None


def _last(value: Any) -> Any:
    """ImageNet's own file has [synset, name] for each number."""
    return value[-1] if isinstance(value, list) and value else value
