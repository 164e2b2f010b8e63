"""Where a recipe comes from: a file, some data that it is to suit, or a run that goes on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patchword.errors import RecipeError, RunFolderError, shown
from patchword.models.registry import ModelChoice
from patchword.training.recipe import Recipe, read_toml, with_settings
from patchword.wings import WINGS, wing_of

TASKS = tuple(WINGS)


def read_recipe(values: Mapping[str, Any], origin: str) -> Recipe:
    """Validate a recipe's values by the wing that its task names.

    Args:
        values: as read from TOML.
        origin: the file that they came from, for messages.

    Raises:
        RecipeError: naming the field, what was found, and the nearest valid name.
    """
    task = values.get("task")
    if task is None:
        raise RecipeError(f"{origin}: key 'task' is missing; expected {' or '.join(map(repr, TASKS))}")
    if not isinstance(task, str):
        raise RecipeError(f"{origin}: task = {shown(task)}; expected {' or '.join(map(repr, TASKS))}")
    try:
        wing = wing_of(task)
    except RecipeError as error:
        raise RecipeError(f"{origin}: {error}") from None
    return wing.recipe.parse(values, origin)


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


def resumed_recipe(out: Path, settings: Sequence[str] = ()) -> Recipe:
    """The recipe that a run was started with, for resuming it; only its limits may be changed.

    Args:
        out: the run folder.
        settings: changes such as "training.max_epochs=40".

    Raises:
        RunFolderError: if the folder holds no run.
        RecipeError: if a setting would make it another run.
    """
    kept = out / "recipe.toml"
    if not kept.is_file():
        raise RunFolderError(out, "nothing to resume: the folder holds no run")
    values = read_toml(kept)
    before: dict[str, Any] = read_recipe(values, str(kept)).model_dump()
    after = read_recipe(with_settings(values, settings), "--set")
    changed = {
        f"{table}.{key}".rstrip(".")
        for table, fields in after.model_dump().items()
        for key, value in (fields.items() if isinstance(fields, dict) else [("", fields)])
        if value != (_entry(before, table).get(key) if isinstance(fields, dict) else before.get(table))
    }
    limits = {f"training.{name}" for name in ("max_steps", "max_epochs", "max_minutes", "patience")}
    if after.schedule.name == "cosine":
        limits.remove("training.max_steps")  # the schedule depends on it
    if changed - limits:
        raise RecipeError(
            f"--resume goes on with the same run: {', '.join(sorted(changed - limits))} cannot change; "
            f"only {', '.join(sorted(limits))} can"
        )
    return after


def _entry(values: Mapping[str, Any], table: str) -> Mapping[str, Any]:
    found = values.get(table)
    return found if isinstance(found, dict) else {}
