"""Looking at data before they are trained on; a task's own look is its wing's (`wings.Checks`)."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patchword.errors import RecipeError, nearest, shown
from patchword.files import check_new_folder, new_folder
from patchword.findings import TEST, TRAIN, VALIDATION, Findings, dropped
from patchword.recipes import TASKS, read_recipe, read_recipe_file
from patchword.runs import paths_of
from patchword.training.events import Listener, ignore
from patchword.wings import WINGS, Wing, wing_of

Paths = Path | str | Sequence[Path | str]


def check(
    data: Paths = (),
    recipe: str | None = None,
    *,
    validation: Paths = (),
    test: Paths = (),
    fix: Path | str | None = None,
    drop: Sequence[str] = (),
    listener: Listener = ignore,
    **options: Any,
) -> Findings:
    """Look for what is wrong with data, before they are trained on; nothing of them is changed.

    Args:
        data: as `train` takes it.
        recipe: a task, or a recipe file with its own data; by default the task that the data look like.
        validation: as `train` takes it.
        test: data that the model will be scored on.
        fix: a new folder for the same data without the items that do harm; test data are not written, since scores on
            a part of them are no scores of theirs.
        drop: names of further kinds of items that go, such as "near-duplicate".
        listener: hears how far it is, and what was written.
        options: the task's own: `columns`, `source_language`, `target_language`, `max_tokens`; `max_pixels`.

    Raises:
        RecipeError: if an option or a kind is not known, or a library is missing.
        DataError: if the data cannot be read at all, or there is something at `fix`.
    """
    wing, splits, settings = _asked(data, recipe, validation, test, options)
    if drop and fix is None:
        raise RecipeError("--drop says what --fix leaves out; give --fix OUT too")
    without = dropped(wing.checks.kinds, drop)
    if fix is not None:
        check_new_folder(Path(fix))
    findings = wing.checks.look(splits, settings, listener)
    if fix is None:
        return findings
    written = {}
    with new_folder(Path(fix)) as folder:
        kept = {split: paths for split, paths in splits.items() if split != TEST}
        for split, (paths, count) in wing.checks.clean(kept, settings, findings, without, folder).items():
            written[split] = [Path(fix) / path.relative_to(folder) for path in paths], count
    return findings.with_written(written)


def _asked(
    data: Paths, recipe: str | None, validation: Paths, test: Paths, options: Mapping[str, Any]
) -> tuple[Wing, dict[str, list[Path]], dict[str, Any]]:
    """Which wing is to look at which files, with which settings."""
    given = {name: value for name, value in options.items() if value is not None}
    more = {split: paths_of(paths) for split, paths in ((VALIDATION, validation), (TEST, test)) if paths}
    paths = paths_of(data) if data else []
    settings: dict[str, Any] = {}
    if recipe is not None and recipe not in TASKS:
        if not recipe.endswith(".toml") and not os.path.exists(recipe):  # noqa: PTH110 - Path's raises on long names
            raise RecipeError(f"{shown(recipe)} is neither a recipe file nor a task; {nearest(recipe, TASKS)}")
        read = read_recipe(read_recipe_file(recipe, paths, more.get(VALIDATION, [])), recipe)
        wing = wing_of(read.task)
        splits, settings = wing.checks.of_recipe(read)
        splits |= more
    else:
        if not paths:
            raise RecipeError("what to check? --data ..., or --source FILE --target FILE")
        wing = wing_of(recipe) if recipe is not None else _recognised(paths)
        splits = {TRAIN: paths, **more}
    for name in given:
        if name not in wing.checks.options:
            flag = f"--{name.replace('_', '-')}"
            if any(name in other.checks.options for other in map(wing_of, WINGS)):
                raise RecipeError(f"{flag} is for other data; these are taken for {wing.noun}'s")
            raise RecipeError(f"unknown option {shown(name)}; {nearest(name, wing.checks.options)}")
    return wing, splits, settings | given


def _recognised(paths: Sequence[Path]) -> Wing:
    """The wing that some data are most likely for."""
    return max(map(wing_of, WINGS), key=lambda wing: wing.checks.certainty(paths))
