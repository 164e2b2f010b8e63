"""Where a recipe comes from: a file, some data that it is to suit, or a run that goes on."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patchword.config import dotted_fields
from patchword.converters.published import is_published, published
from patchword.errors import RecipeError, RunFolderError, nearest, shown
from patchword.models.registry import ARCHITECTURES, ModelChoice
from patchword.training.events import Listener, ignore
from patchword.training.recipe import Recipe, Settings, read_toml, with_settings
from patchword.wings import WINGS, refuse_option, wing_of

TASKS = tuple(WINGS)

# What a run that goes on may change, and stay the same run.
LIMITS = frozenset(
    f"training.{name}"
    for name in ("max_steps", "max_epochs", "max_minutes", "patience", "device", "threads", "parallel", "tensorboard")
)

# Options of `train` for every task, and the recipe key that each stands for; a wing adds its own.
OPTIONS: dict[str, str] = {
    "init": "init",
    "freeze": "freeze",
    "model": "model.architecture",
    "epochs": "training.max_epochs",
    "max_steps": "training.max_steps",
    "max_minutes": "training.max_minutes",
    "learning_rate": "optimizer.learning_rate",
    "seed": "training.seed",
    "threads": "training.threads",
    "device": "training.device",
    "parallel": "training.parallel",
    "tensorboard": "training.tensorboard",
    "strict": "data.strict",
}


def new_recipe(
    source: str,
    data: Sequence[Path | str] = (),
    validation: Sequence[Path | str] = (),
    options: Mapping[str, Any] | None = None,
    settings: Settings = (),
    listener: Listener = ignore,
) -> tuple[Recipe, list[str]]:
    """The recipe of a new run.

    Args:
        source: a recipe file, or a task, whose recipe is then chosen to suit the data.
        data: see `choose_recipe` and `read_recipe_file`.
        validation: the same.
        options: by names in `OPTIONS` or `Wing.training_options`; None leaves what the recipe has.
        settings: changes by recipe key; they come after `options`.
        listener: hears of an init model that is fetched.

    Returns:
        the recipe, and sentences that say what was picked and why.

    Raises:
        RecipeError: if there is no such task or file, option or key, or a value is out of its range.
        PatchwordError: if data or the init model cannot be read.
    """
    if source in TASKS:
        values: dict[str, Any] = {"task": source}
    elif not source.endswith(".toml") and not os.path.exists(source):  # noqa: PTH110 - Path's raises on long names
        raise RecipeError(f"{shown(source)} is neither a recipe file nor a task; {nearest(source, TASKS)}")
    else:
        values = read_recipe_file(source, data, validation)
    task = _task(values, source)
    changes = with_settings(with_settings({}, settings_of(task, options or {})), settings)
    check_keys(task, changes)
    init = changes.get("init", values.get("init"))
    if isinstance(init, str) and is_published(init):
        changes["init"] = str(published(init, listener))
    elif options and init is not None and init == options.get("init"):
        changes["init"] = str(Path(init).expanduser().resolve())
    notes: list[str] = []
    if source in TASKS:
        values, notes = choose_recipe(source, data, validation, changes)
    return read_recipe(_merged(values, changes), "train" if source in TASKS else source), notes


def settings_of(task: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What options of `train` stand for: values by recipe key.

    Raises:
        RecipeError: if one is for another task, or there is none of its name.
    """
    wing = wing_of(task)
    known = OPTIONS | dict(wing.training_options)
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in known:
            refuse_option(wing, name, "training_options", known)
    # Who says how long by one of these means it instead of what the recipe says by the other.
    instead = {"epochs": "training.max_steps", "max_steps": "training.max_epochs"}
    dropped = {instead[name]: None for name in given if name in instead}
    return dropped | {known[name]: value for name, value in given.items()}


def check_keys(task: str, values: Mapping[str, Any], above: str = "") -> None:
    """See that recipe keys exist, before any data are read.

    Raises:
        RecipeError: naming the first that does not, and the nearest one of any table.
    """
    names = recipe_keys(task)
    tables = {name.rpartition(".")[0] for name in names}
    for key, value in values.items():
        name = f"{above}{key}"
        if name in tables and isinstance(value, Mapping):
            check_keys(task, value, f"{name}.")
        elif name not in names:
            # Who knows the key but not its table is told the table.
            alike = [each for each in names if each.rpartition(".")[2] == str(key).rpartition(".")[2]]
            hint = f"did you mean {' or '.join(map(repr, alike))}?" if alike else nearest(name, names)
            raise RecipeError(f"unknown key {shown(name)}; {hint}")


def recipe_keys(task: str) -> tuple[str, ...]:
    """Every key that a recipe of a task can have, with the tables that it is in: "training.max_epochs"."""
    architectures = [found for found in ARCHITECTURES.values() if found.task == task]
    model = {"model.architecture": None, **{f"model.{found.config.SIZE_KEY}": None for found in architectures}}
    for found in architectures:
        fields = (name for name in found.config.model_fields if name not in found.config.GIVEN)
        model |= dict.fromkeys(f"model.{name}" for name in fields)
    own = (name for name in dotted_fields(wing_of(task).recipe) if not name.startswith("model."))
    return (*own, *model)


def read_recipe(values: Mapping[str, Any], origin: str) -> Recipe:
    """Validate a recipe's values by the wing that its task names.

    Args:
        values: as read from TOML.
        origin: the file that they came from, for messages.

    Raises:
        RecipeError: naming the field, what was found, and the nearest valid name.
    """
    return wing_of(_task(values, origin)).recipe.parse(values, origin)


def choose_recipe(
    task: str, data: Sequence[Path | str], validation: Sequence[Path | str] = (), given: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Recipe values that suit some data, for `read_recipe`.

    Args:
        task: "translation" or "classification".
        data: paths: two aligned files or one .tsv or .jsonl; or one image folder, zip or CSV.
        validation: the same for validation; without any, some of the data is held out.
        given: recipe values that are set already, such as `init`, or `model` with an `architecture`.

    Returns:
        the values, those that are given included, and sentences that say what was picked and why.

    Raises:
        RecipeError: if there is no such task or architecture, no data, or a given `model` that is no table.
        PatchwordError: if the data or the init model cannot be read.
    """
    wing, given = wing_of(task), dict(given or {})
    if not data:
        raise RecipeError(f"train {task} needs its data: {wing.data_options}")
    ModelChoice.parse(given.get("model", {}), "model")
    values, notes = wing.choose([Path(path) for path in data], [Path(path) for path in validation], given)
    # An init model has its architecture; what is picked for one says nothing of it.
    model = {**values.get("model", {}), **given.get("model", {})}
    start: dict[str, Any] = {name: given[name] for name in ("init", "freeze") if name in given}
    return {**values, **start, **({"model": model} if model else {})}, notes


def read_recipe_file(
    path: Path | str, data: Sequence[Path | str] = (), validation: Sequence[Path | str] = ()
) -> dict[str, Any]:
    """A recipe file's values, with its data where the caller says.

    Args:
        path: the file.
        data: a folder that the recipe's paths are relative to, or the training data themselves.
        validation: validation data.

    Raises:
        DataError: if the file is missing or is not TOML, with the line.
    """
    values = read_toml(Path(path))
    table, paths = values.get("data", {}), [Path(each) for each in data]
    if not isinstance(table, dict):
        raise RecipeError(f"{path}: data = {shown(table)}: expected a table")
    table = dict(table)
    if len(paths) == 1 and (paths[0].is_dir() or not paths[0].exists()):
        table["folder"] = str(paths[0].resolve())
    elif paths:
        table["train"] = [str(each.resolve()) for each in paths]
        table.pop("validation", None)
    if validation:
        table["validation"] = [str(Path(each).resolve()) for each in validation]
    return {**values, "data": table}


def resumed_recipe(out: Path, settings: Settings = (), options: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe that a run was started with, for resuming it; only its limits may be changed.

    Args:
        out: the run folder.
        settings: changes such as "training.max_epochs=40".
        options: see `new_recipe`.

    Raises:
        RunFolderError: if the folder holds no run.
        RecipeError: if a setting would make it another run.
    """
    for name, value in (options or {}).items():
        if value is not None and OPTIONS.get(name) not in LIMITS:
            raise RecipeError(
                f"--{name.replace('_', '-')} is for a new run; --resume goes on with what the run in {out} has"
            )
    kept = out / "recipe.toml"
    if not kept.is_file():
        raise RunFolderError(out, "nothing to resume: the folder holds no run")
    values = read_toml(kept)
    recipe = read_recipe(values, str(kept))
    before: dict[str, Any] = recipe.model_dump()
    changes = with_settings(with_settings({}, settings_of(recipe.task, options or {})), settings)
    check_keys(recipe.task, changes)
    limits = set(LIMITS)
    if recipe.schedule.name == "cosine":
        limits -= {"training.max_steps", "training.max_epochs"}  # the schedule depends on them
    try:
        after = read_recipe(_merged(values, changes), "train --resume")
    except RecipeError:
        # What could not even be another run is not worth the details.
        _same_run(_names(changes), limits)
        raise
    changed = {
        f"{table}.{key}".rstrip(".")
        for table, fields in after.model_dump().items()
        for key, value in (fields.items() if isinstance(fields, dict) else [("", fields)])
        if value != (_entry(before, table).get(key) if isinstance(fields, dict) else before.get(table))
    }
    _same_run(changed, limits)
    return after


def _same_run(changed: set[str], limits: set[str]) -> None:
    if changed - limits:
        raise RecipeError(
            f"--resume goes on with the same run: {', '.join(sorted(changed - limits))} cannot change; "
            f"only {', '.join(sorted(limits))} can"
        )


def _names(values: Mapping[str, Any], above: str = "") -> set[str]:
    """Dotted names of the values in nested tables."""
    found: set[str] = set()
    for key, value in values.items():
        found |= _names(value, f"{above}{key}.") if isinstance(value, Mapping) else {f"{above}{key}"}
    return found


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(values)
    for key, value in changes.items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _task(values: Mapping[str, Any], origin: str) -> str:
    task = values.get("task")
    if task is None:
        raise RecipeError(f"{origin}: key 'task' is missing; expected {' or '.join(map(repr, TASKS))}")
    if not isinstance(task, str):
        raise RecipeError(f"{origin}: task = {shown(task)}; expected {' or '.join(map(repr, TASKS))}")
    try:
        return wing_of(task).task
    except RecipeError as error:
        raise RecipeError(f"{origin}: {error}") from None


def _entry(values: Mapping[str, Any], table: str) -> Mapping[str, Any]:
    found = values.get(table)
    return found if isinstance(found, dict) else {}
