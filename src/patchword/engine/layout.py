"""What Python and the kernels hand to each other, read from `kernels/arguments.h`: its structures and functions."""

import ctypes
import re
from ctypes import CFUNCTYPE, POINTER, Structure, c_double, c_int64, c_void_p
from typing import Any

_NUMBERS: dict[str, Any] = {"int64_t": c_int64, "double": c_double}
_STRUCTURE = re.compile(r"\bstruct (\w+) \{(.*?)\};", re.DOTALL)
_FUNCTION = re.compile(r"int64_t \(\*(\w+)\)\((.*)\)", re.DOTALL)
_DECLARATION = re.compile(r"(?:const )?(\w+)([ *]+\w+(?:,[ *]*\w+)*)")


def structures(header: str) -> dict[str, Any]:
    """The header's structures as ctypes classes, by name, in order.

    A pointer to a structure is one within structures; all other pointers, and all that functions take, are addresses.

    Raises:
        ValueError: if the header has what this does not understand.
    """
    found: dict[str, Any] = {}
    for name, body in _STRUCTURE.findall(re.sub(r"//.*", "", header)):
        fields: list[tuple[str, Any]] = []
        for statement in filter(None, (" ".join(part.split()) for part in body.split(";"))):
            fields += _fields(statement, found)
        found[name] = type(name, (Structure,), {"__doc__": f"{name} of kernels/arguments.h.", "_fields_": fields})
    return found


def constants(header: str, name: str) -> tuple[str, ...]:
    """The names of an enumeration, in lower case."""
    listed = re.search(rf"\benum {name} \{{(.*?)\}}", header, re.DOTALL)
    if listed is None:
        raise ValueError(f"no enum {name} in the header")
    return tuple(constant.strip().lower() for constant in listed[1].split(","))


def sizes(found: dict[str, Any]) -> list[int]:
    """Bytes of each structure, in order."""
    return [ctypes.sizeof(structure) for structure in found.values()]


def _fields(statement: str, known: dict[str, Any]) -> list[tuple[str, Any]]:
    if function := _FUNCTION.fullmatch(statement):
        arguments = [_argument(argument) for argument in function[2].split(",")]
        return [(function[1], CFUNCTYPE(c_int64, *arguments))]
    declaration = _DECLARATION.fullmatch(statement)
    if declaration is None:
        raise ValueError(f"cannot read {statement!r} in the header")
    kind = declaration[1]
    # `float *a, *b` has a star a name, and the formatter moves the star of a single one to its type.
    return [
        (name.strip(" *"), _pointer(kind, known) if "*" in name else _value(kind, known))
        for name in declaration[2].split(",")
    ]


def _pointer(kind: str, known: dict[str, Any]) -> Any:
    return POINTER(known[kind]) if kind in known else c_void_p


def _value(kind: str, known: dict[str, Any]) -> Any:
    if kind not in _NUMBERS and kind not in known:
        raise ValueError(f"cannot read the type {kind!r} in the header")
    return _NUMBERS.get(kind) or known[kind]


def _argument(declaration: str) -> Any:
    return c_void_p if "*" in declaration else _value(declaration.split()[0], {})
