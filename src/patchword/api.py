"""load, save, import, train, evaluate, export: finds the wing that a task belongs to."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from patchword.checkpoints.model_folder import read_description
from patchword.converters.exporting import check_format
from patchword.converters.exporting import export as write_export
from patchword.converters.imported import Imported, ImportOptions
from patchword.converters.importing import convert
from patchword.errors import CheckpointError, ModelFolderError, RecipeError, RunFolderError, nearest
from patchword.training.loop import Outcome, Trainer
from patchword.training.recipe import Recipe, read_toml, with_settings
from patchword.training.state import seed_everything

if TYPE_CHECKING:
    from patchword.engine.products import Precision
    from patchword.images.classifier import ImageClassifier
    from patchword.text.translator import Translator

TASKS = ("translation", "classification")


def load(
    path: Path | str, *, precision: "Precision" = "float32", reference: bool = False
) -> "Translator | ImageClassifier":
    """Open a model folder, or a run folder's best model, for what it does.

    Args:
        path: the folder.
        precision: "float32", or "int8" for more speed and less memory at a small loss.
        reference: run the network of `models` itself, not the engine's packed one.

    Raises:
        ModelFolderError: if it is missing, damaged or of an unknown task.
    """
    description = read_description(Path(path))
    if description.task == "translation":
        from patchword.text.translator import Translator

        return Translator.load(path, precision=precision, reference=reference)
    if description.task == "classification":
        from patchword.images.classifier import ImageClassifier

        return ImageClassifier.load(path, precision=precision, reference=reference)
    raise ModelFolderError(path, f"config.json: unknown task {description.task!r}; {nearest(description.task, TASKS)}")


def save(system: "Translator | ImageClassifier", path: Path | str) -> None:
    """Write a translator or a classifier as a model folder."""
    system.save(Path(path))


def import_checkpoint(source: Path | str, out: Path | str, options: ImportOptions | None = None) -> Imported:
    """Bring a published checkpoint into a model folder of ours.

    Args:
        source: a folder or a file, whose format is recognised, or "hf:owner/name" for one on the hub.
        out: the model folder; it appears whole or not at all.
        options: what the checkpoint does not say, and the image size that is wanted.

    Returns:
        what was imported; its `notes` say what had to be assumed.

    Raises:
        CheckpointError: if the checkpoint cannot be read, or is not exactly a network of ours.
        DataError: if there is something at `out` already.
    """
    imported = convert(source, options)
    try:
        if imported.task == "classification":
            from patchword.images.transforms import Preprocessing

            Preprocessing.parse(imported.details["preprocessing"], "preprocessing")
        else:
            from patchword.text.options import SearchOptions

            SearchOptions.parse(imported.details["search"], "search")
    except RecipeError as error:
        raise CheckpointError(source, str(error)) from None
    imported.write(Path(out), {})
    return imported


def read_recipe(values: Mapping[str, Any], origin: str) -> Recipe:
    """Validate a recipe's values by the wing that its task names.

    Args:
        values: as read from TOML.
        origin: the file that they came from, for messages.

    Raises:
        RecipeError: naming the field, what was found, and the nearest valid name.
    """
    task = values.get("task")
    if task == "translation":
        from patchword.text.recipe import TranslationRecipe

        return TranslationRecipe.parse(values, origin)
    if task == "classification":
        from patchword.images.recipe import ClassificationRecipe

        return ClassificationRecipe.parse(values, origin)
    if task is None:
        raise RecipeError(f"{origin}: key 'task' is missing; expected {' or '.join(map(repr, TASKS))}")
    raise RecipeError(f"{origin}: unknown task {task!r}; {nearest(str(task), TASKS)}")


def train(
    recipe: Recipe | Path | str,
    out: Path | str,
    *,
    settings: Sequence[str] = (),
    resume: bool = False,
    facts: Mapping[str, Any] | None = None,
    show: bool = True,
    say: Callable[[str], None] | None = None,
) -> Outcome:
    """Train a model in a run folder; the best one is in its `best/`.

    Args:
        recipe: a recipe, or the path of a TOML file. With `init` in it, the path of a model or run folder, training
            starts from that model's weights; with `freeze`, a part of them stays as it is.
        out: the run folder.
        settings: changes such as "schedule.warmup_steps=2000", for a recipe given as a path.
        resume: go on with the run in `out`.
        facts: put into the model's description, such as the command.
        show: show progress bars.
        say: receives sentences about the data.

    Raises:
        RunFolderError: if `out` holds a run and `resume` is False, or it holds none and `resume` is True.
        PatchwordError: whatever else is wrong with recipe or data, in one sentence.
    """
    out = Path(out)
    if not isinstance(recipe, Recipe):
        recipe = read_recipe(with_settings(read_toml(Path(recipe)), settings), str(recipe))
    kept = out / "recipe.toml"
    if kept.is_file() and not resume:
        raise RunFolderError(out, "already holds a run; go on with --resume, or choose another folder")
    if resume and not kept.is_file():
        raise RunFolderError(out, "nothing to resume: the folder holds no run")
    if out.exists() and not out.is_dir():
        raise RunFolderError(out, "is a file; the output must be a folder")
    if recipe.training.threads is not None:
        torch.set_num_threads(recipe.training.threads)
    seed_everything(recipe.training.seed)
    task = _task(recipe, out, quiet=not show)
    for note in task.notes:
        (say or (lambda _: None))(note)
    resolved: Recipe = task.recipe  # with what an init model decides
    if not resume:
        resolved.write(kept)
    if resolved.init is not None:
        facts = {"init": resolved.init, **(facts or {})}
    state = out / "state" / "latest.pt"
    return Trainer(task, resolved, out, resume=resume and state.is_file(), facts=facts, show=show).run()


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
    before = read_recipe(values, str(kept)).model_dump()
    after = read_recipe(with_settings(values, settings), "--set")
    changed = {
        f"{table}.{key}".rstrip(".")
        for table, fields in after.model_dump().items()
        for key, value in (fields.items() if isinstance(fields, dict) else [("", fields)])
        if value != (before[table][key] if isinstance(fields, dict) else before[table])
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


def evaluate(model: "Translator | ImageClassifier | Path | str", data: Sequence[Path | str], **options: Any) -> Any:
    """Score a model on data that it was not trained on.

    Args:
        model: a system, or the path of a model folder.
        data: paths: two aligned files or one .tsv or .jsonl for a translator; one image folder, zip or CSV for a
            classifier.
        options: `search` (SearchOptions) for a translator; `knn` for a classifier, to score a vote of that many
            nearest neighbours among the features instead of the head, and `neighbours_from`, the path of labelled
            images that the neighbours come from (by default each image's neighbours are the others).

    Returns:
        `TranslationScores`, `ClassificationScores`, or with `knn` `NeighbourScores`.
    """
    system: Any = load(model) if isinstance(model, str | Path) else model
    paths = [Path(path) for path in data]
    if system.task == "translation":
        from patchword.text.evaluation import evaluate_translator
        from patchword.text.pairs import read_pairs

        scores, _ = evaluate_translator(system, read_pairs(paths, system.languages), options.get("search"))
        return scores
    from patchword.images.dataset import read_dataset
    from patchword.images.evaluation import evaluate_classifier

    if options.get("knn") is None:
        return evaluate_classifier(system, read_dataset(paths[0]))
    from patchword.images.neighbours import evaluate_neighbours

    source = options.get("neighbours_from")
    neighbours = None if source is None else read_dataset(Path(source))
    return evaluate_neighbours(system, read_dataset(paths[0]), options["knn"], neighbours)


def export(model: "Translator | ImageClassifier | Path | str", out: Path | str, to: str) -> None:
    """Write a model in a format that other programs read; the folder appears whole or not at all.

    Args:
        model: a system, or the path of a model or run folder.
        out: the folder to make; new or empty.
        to: the format, a name in `checkpoints.exporting.EXPORTERS`.

    Raises:
        RecipeError: if there is no format of that name.
        ModelFolderError: if the model cannot be read.
        DataError: if there is something at `out` already.
        ExportError: if the format cannot express the model or needs a package that is missing.
    """
    check_format(to)
    system = load(model) if isinstance(model, str | Path) else model
    write_export(system.exportable(), Path(out), to)


def _task(recipe: Recipe, out: Path, quiet: bool) -> Any:
    if recipe.task == "translation":
        from patchword.text.recipe import TranslationRecipe
        from patchword.text.task import TranslationTask

        assert isinstance(recipe, TranslationRecipe)
        return TranslationTask.prepare(recipe, out, quiet)
    from patchword.images.recipe import ClassificationRecipe
    from patchword.images.task import ClassificationTask

    assert isinstance(recipe, ClassificationRecipe)
    return ClassificationTask.prepare(recipe, out, quiet)
