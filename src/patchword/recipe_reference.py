"""The recipe reference, docs/recipes.md: every key of a recipe, as the configs that validate recipes have it.

`make docs/recipes.md` writes it; nothing in it is written by hand but the introduction below.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from inspect import cleandoc
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from patchword.config import Config, dotted_fields
from patchword.models.model_config import ModelConfig
from patchword.models.registry import ARCHITECTURES, Architecture
from patchword.recipes import OPTIONS
from patchword.training.recipe import Recipe
from patchword.wings import WINGS, wing_of

INTRODUCTION = """
# Recipes

<!-- Written by `make docs/recipes.md` from the configs' own descriptions; change those. -->

A recipe is a TOML file that says everything about a training run: the data, the model, and how it is trained.
`patchword train RECIPE.toml --data FOLDER --out RUN` follows one; [recipes/](../recipes) has those behind
[the results](results.md). `patchword train TASK --data ...` chooses one that suits the data, and says what it picked.
Either way the run keeps the whole of it, `recipe.toml` in the run folder, and that file is a recipe too.

`--set KEY=VALUE` changes a key, with its table's name in front: `--set schedule.warmup_steps=2000`. The value is TOML;
what is not is taken as a string, so `--set optimizer.name=sgd` needs no quotation marks. In Python it is
`patchword.train(..., settings={"schedule.warmup_steps": 2000})`. A key that there is not, or a value out of its range,
is one sentence before any data are read. A key that is unset by default has no value to write; leave it out.
""".strip()

SIZE = "Which of the sizes above; the other keys change single values of it."
_HEAD = ("key", "type and range", "default", "meaning")
_NAMES = {int: "whole number", float: "number", bool: "true or false", str: "text"}
_BOUNDS = ("gt", "ge", "lt", "le", "min_length", "max_length")


def recipe_reference() -> str:
    """The whole of docs/recipes.md."""
    recipes = {task: wing_of(task).recipe for task in WINGS}
    shared = [
        name
        for name, field in Recipe.model_fields.items()
        if all(repr(recipe.model_fields[name]) == repr(field) for recipe in recipes.values())
    ]
    parts = [INTRODUCTION, _options(), "## Every task", "Outside tables, before the first:"]
    parts += _sections(Recipe, shared)
    for task, recipe in recipes.items():
        own = [name for name in recipe.model_fields if name not in shared]
        parts += [f"## {task}", _about(recipe), *_sections(recipe, own)]
        found = [(name, each) for name, each in ARCHITECTURES.items() if each.task == task]
        parts += (_architecture(name, each, first=number == 0) for number, (name, each) in enumerate(found))
    return "\n\n".join(parts) + "\n"


def key_meanings(task: str) -> dict[str, str | None]:
    """By every key of a task's recipes what it means, as the reference says it; None where no config does."""
    meanings = {name: field.description for name, field in dotted_fields(wing_of(task).recipe).items()}
    for config in (found.config for found in ARCHITECTURES.values() if found.task == task):
        meanings |= {f"model.{key}": meaning for key, meaning in _model_meanings(config).items()}
    return meanings


def _model_meanings(config: type[ModelConfig]) -> dict[str, str | None]:
    return {config.SIZE_KEY: SIZE} | {name: field.description for name, field in _model_fields(config).items()}


def _model_fields(config: type[ModelConfig]) -> dict[str, FieldInfo]:
    """The fields that a recipe can have."""
    return {name: field for name, field in config.model_fields.items() if name not in config.GIVEN}


def _sections(recipe: type[Recipe], names: Iterable[str]) -> Iterator[str]:
    """Some of a recipe's fields: keys outside tables, and then each table."""
    fields = {name: recipe.model_fields[name] for name in names}
    kinds = {name: field.annotation for name, field in fields.items()}
    tables = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Config)}
    yield _key_table({name: field for name, field in fields.items() if name not in tables})
    for name, table in tables.items():
        yield f"### [{name}]"
        yield _about(table)
        yield _key_table(table.model_fields)


def _about(config: type[Config]) -> str:
    return cleandoc(config.__doc__ or "")


def _options() -> str:
    """Options of `train` that stand for keys, for each task."""
    known = {task: {**OPTIONS, **wing_of(task).training_options} for task in WINGS}
    names = dict.fromkeys(name for options in known.values() for name in options)
    rows = [(_code(f"--{name.replace('_', '-')}"), *(_code(known[task].get(name)) for task in WINGS)) for name in names]
    title = "## Options of `train` that stand for keys"
    about = "In Python they are arguments of `patchword.train`, with underscores. `--set` comes after them."
    return "\n\n".join((title, about, _markdown(("option", *WINGS), rows)))


def _architecture(name: str, architecture: Architecture, first: bool) -> str:
    """What [model] has for an architecture: its named sizes, and its keys."""
    config = architecture.config
    sizes = {size: config.size(size) for size in config.SIZE_NAMES}
    sized = list(dict.fromkeys(key for fields in sizes.values() for key in fields))
    default = {key: config.model_fields[key].default for key in sized}
    size_rows = [
        (_code(size), *(_value(fields.get(key, default[key])) for key in sized)) for size, fields in sizes.items()
    ]
    rows = [(_code(config.SIZE_KEY), "one of the sizes", _value(config.DEFAULT_SIZE), SIZE)]
    for key, field in _model_fields(config).items():
        rows.append((_code(key), _kind(field), "the size's" if key in sized else _default(field), _meaning(field)))
    names = " or ".join(dict.fromkeys(_value(each) for each in (name, architecture.short)))
    implied = ", which is what is meant without it" if first else ""
    paper = cleandoc(import_module(config.__module__).__doc__ or "")
    return "\n\n".join(
        (
            f"### [model] with {architecture.short}",
            f"`architecture` = {names}{implied}. {paper} Sections that name no paper are its.",
            _markdown((_code(config.SIZE_KEY), *map(_code, sized)), size_rows),
            _markdown(_HEAD, rows),
        )
    )


def _key_table(fields: Mapping[str, FieldInfo]) -> str:
    rows = [(_code(name), _kind(field), _default(field), _meaning(field)) for name, field in fields.items()]
    return _markdown(_HEAD, rows)


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    assert not any("|" in cell for line in lines for cell in line), "a cell would be two"
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _meaning(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def _default(field: FieldInfo) -> str:
    return "required" if field.is_required() else _value(field.default)


def _value(value: Any) -> str:
    """As TOML has it."""
    return "unset" if value is None else _code(json.dumps(value))


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _kind(field: FieldInfo) -> str:
    return _described(field.annotation, field.metadata)


def _described(kind: Any, constraints: Sequence[Any]) -> str:
    """A type and its range, in words.

    Args:
        kind: as annotated.
        constraints: objects that have some of `_BOUNDS`.
    """
    if get_origin(kind) is Annotated:
        inner, *extra = get_args(kind)
        flat = [each for found in extra for each in (found.metadata if isinstance(found, FieldInfo) else [found])]
        return _described(inner, [*constraints, *flat])
    parts = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_described(part, constraints) for part in parts if part is not NoneType)
    if get_origin(kind) is Literal:
        return ", ".join(_value(part) for part in parts)
    bounds = {name: getattr(each, name) for name in _BOUNDS for each in constraints if hasattr(each, name)}
    if get_origin(kind) is tuple:
        least, most = bounds.get("min_length", 0), bounds.get("max_length")
        some = least if least == most else f"{least} to {most}" if least else f"at most {most}"
        count = some if parts[-1] is Ellipsis else len(parts)
        items = dict.fromkeys(_described(part, []) for part in parts if part is not Ellipsis)
        return f"list of {count}: {', '.join(items)}"
    if kind is str:
        return f"text of at most {bounds['max_length']:,} characters" if "max_length" in bounds else "text"
    return ", ".join(filter(None, (_NAMES[kind], _range(bounds))))


def _range(bounds: Mapping[str, Any]) -> str:
    if "ge" in bounds and "le" in bounds:
        return f"{_number(bounds['ge'])} to {_number(bounds['le'])}"
    words = {"ge": "at least", "gt": "above", "lt": "below", "le": "at most"}
    return ", ".join(f"{word} {_number(bounds[name])}" for name, word in words.items() if name in bounds)


def _number(value: float) -> str:
    if isinstance(value, int) and abs(value) == 2**63:
        return f"{'-' if value < 0 else ''}2^63"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


if __name__ == "__main__":
    sys.stdout.write(recipe_reference())
