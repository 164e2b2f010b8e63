"""load, save, import, train, evaluate, export, and what doors ask besides; a task's wing is looked up, never named."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from patchword.checking import check
from patchword.checkpoints.description import model_path
from patchword.checkpoints.model_folder import number_of_parameters, read_description, read_model
from patchword.converters.class_names import read_class_names
from patchword.converters.exporting import check_format
from patchword.converters.exporting import export as write_export
from patchword.converters.imported import Imported, ImportOptions
from patchword.converters.importing import convert
from patchword.converters.published import cache_folder, forget, published_models
from patchword.devices import find_device
from patchword.dry_runs import dry_run
from patchword.engine.native import missing_reason, variant
from patchword.engine.precision import parse_precision
from patchword.evaluation import Evaluation
from patchword.files import check_new_folder
from patchword.given import model_at
from patchword.models.registry import architecture_of_config
from patchword.progress import ProgressPrinter
from patchword.recipes import TASKS, choose_recipe, read_recipe, read_recipe_file, resumed_recipe
from patchword.runs import paths_of, train
from patchword.speed import Speed
from patchword.system import System
from patchword.training.metrics import read_metrics
from patchword.training.outcome import Outcome
from patchword.training.recipe import Recipe, with_settings
from patchword.wings import Wing, refuse_option, wing_of, wing_of_folder

if TYPE_CHECKING:
    from patchword.images.classifier import ImageClassifier
    from patchword.text.translator import Translator

__all__ = [
    "TASKS",
    "Evaluation",
    "ImportOptions",
    "Outcome",
    "ProgressPrinter",
    "Recipe",
    "check",
    "choose_recipe",
    "describe",
    "detected",
    "dry_run",
    "evaluate",
    "evaluation",
    "export",
    "facts",
    "find_device",
    "import_checkpoint",
    "kernels",
    "kernels_missing",
    "load",
    "read_class_names",
    "read_metrics",
    "read_recipe",
    "read_recipe_file",
    "cache_folder",
    "forget",
    "picture",
    "published_models",
    "resumed_recipe",
    "save",
    "count_lines",
    "speeds",
    "stream_lines",
    "train",
    "use_threads",
    "wing_of",
    "with_settings",
]


def load(
    path: Path | str,
    *,
    task: str | None = None,
    precision: str = "float32",
    reference: bool = False,
    device: str = "auto",
) -> "Translator | ImageClassifier":
    """Open a model folder, or a run folder's best model, for what it does.

    Args:
        path: the folder, or the name of a published model, "hf:owner/name"; see `converters.published`.
        task: what the model must be for; None for whatever it is.
        precision: "float32"; "int8" or "bfloat16" for less memory at a small loss, and more speed (bfloat16 where the
            processor multiplies it); "auto" for bfloat16 there, and float32 elsewhere.
        reference: run the network of `models` itself, not the engine's packed one.
        device: "cpu", "cuda", "cuda:1", "mps" or "auto"; the engine's packed networks are the processor's.

    Raises:
        ModelFolderError: if it is missing, damaged, or of another or an unknown task.
        RecipeError: if there is no such precision or device.
    """
    found = parse_precision(precision)
    path = model_at(path)
    wing = wing_of_folder(Path(path)) if task is None else wing_of(task)
    return wing.system.load(path, precision=found, reference=reference, device=device)  # type: ignore[return-value]


def save(system: System, path: Path | str) -> None:
    """Write a translator or a classifier as a model folder."""
    system.save(Path(path))


def describe(path: Path | str) -> dict[str, Any]:
    """What a model folder, or a run folder's best model, says of itself: task, architecture, sizes, scores.

    Raises:
        ModelFolderError: if it is missing or damaged.
    """
    folder = model_path(model_at(path))
    description = read_description(folder)
    network = read_model(folder, description)
    return {
        "folder": str(folder),
        "task": description.task,
        "architecture": description.architecture,
        "parameters": sum(p.numel() for p in network.parameters()),
        "bytes": sum(file.stat().st_size for file in folder.iterdir() if file.is_file()),
        "model": description.model,
        "details": description.details,
        "facts": description.facts,
    }


def facts(system: System) -> dict[str, Any]:
    """What is worth knowing of a loaded system: task, architecture, parameters, precision; languages of a translator,
    the number of classes and the image size of a classifier."""
    config = system.network.config
    found: dict[str, Any] = {
        "task": system.task,
        "architecture": architecture_of_config(config),
        "parameters": number_of_parameters(architecture_of_config(config), config),
        "precision": system.network.precision,
    }
    return found | wing_of(system.task).facts(system)


def use_threads(count: int | None) -> int:
    """Let this process compute with so many threads; it must be one that computes nothing yet.

    Args:
        count: None for torch's own number.

    Returns:
        how many there are.
    """
    if count is not None:
        torch.set_num_threads(count)
    return torch.get_num_threads()


def picture(content: bytes, name: str, max_pixels: int | None = None) -> Any:
    """An image file's content as `classify` and `explain` take it; it is decoded when they do.

    Args:
        content: of the file.
        name: what to call it in errors.
        max_pixels: how many may be decoded, whatever the limit of who decodes it.
    """
    from patchword.images.files import open_image
    from patchword.images.sources import Picture

    return Picture(name, lambda limit: open_image(content, name, limit if max_pixels is None else max_pixels))


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
    check_new_folder(Path(out))
    options = options or ImportOptions()
    imported = convert(source, options).with_languages(options.source_language, options.target_language)
    imported.write(Path(out), {})
    return imported


def detected(text: str, languages: Sequence[str]) -> list[tuple[str, float]]:
    """Which of some languages a text is in, with the confidence in each; see `text.detection`."""
    from patchword.text.detection import detected as found

    return found(text, languages)


def evaluate(model: System | Path | str, data: Path | str | Sequence[Path | str], **options: Any) -> Any:
    """Score a model on data that it was not trained on.

    Args:
        model: a system, or the path of a model folder.
        data: a path or paths: two aligned files, or one .tsv, .csv, .jsonl, .tmx, .po, .mo, .xliff or .zip of pairs,
            for a translator; one image folder, zip or CSV for a classifier.
        options: `search` (SearchOptions), or some of its fields, for a translator; `knn` for a classifier, to score a
            vote of that many nearest neighbours among the features instead of the head, and `neighbours_from`, the
            path of labelled images that the neighbours come from (by default each image's neighbours are the others).

    Returns:
        `TranslationScores`, `ClassificationScores`, or with `knn` `NeighbourScores`.

    Raises:
        RecipeError: if an option is for models of another task.
    """
    return evaluation(model, data, **options).scores


def evaluation(model: System | Path | str, data: Path | str | Sequence[Path | str], **options: Any) -> Evaluation:
    """As `evaluate`, with what the model answered to each item, and why items were left out."""
    system: Any = load(model) if isinstance(model, str | Path) else model
    wing = wing_of(system.task)
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in wing.evaluation_options:
            refuse_option(wing, name, "evaluation_options", wing.evaluation_options)
    return wing.evaluate(system, paths_of(data), given)


def stream_lines(path: Path | None) -> Iterator[str]:
    """Lines of a text file, or of standard input if there is none, as they come; see `text.files`.

    Raises:
        DataError: if it is missing, no regular file or no text, after the lines before.
    """
    from patchword.text.files import stream_lines as lines

    return lines(path)


def count_lines(path: Path) -> int:
    """How many lines `stream_lines` has."""
    from patchword.text.files import count_lines as count

    return count(path)


def speeds(system: System, rounds: int = 3) -> Iterator[Speed]:
    """How fast a system is on this machine, at several numbers of items at once.

    Args:
        system: what to measure.
        rounds: timed repetitions, whose median counts.
    """
    wing: Wing = wing_of(system.task)
    return wing.speeds(system, rounds)


def kernels() -> str:
    """Which instruction set the engine's kernels use on this machine, or "none"."""
    return variant()


def kernels_missing() -> str | None:
    """Why there are no compiled kernels, a sentence without its full stop; None if there are, or none were wanted."""
    return missing_reason()


def export(model: System | Path | str, out: Path | str, to: str) -> list[str]:
    """Write a model in a format that other programs read; the folder appears whole or not at all.

    Args:
        model: a system, or the path of a model or run folder.
        out: the folder to make; new or empty.
        to: the format, a name in `converters.exporting.EXPORTERS`.

    Returns:
        what the format cannot say and whoever reads it will do otherwise, a sentence each.

    Raises:
        RecipeError: if there is no format of that name.
        ModelFolderError: if the model cannot be read.
        DataError: if there is something at `out` already.
        ExportError: if the format cannot express the model or needs a package that is missing.
    """
    check_format(to)
    check_new_folder(Path(out))
    system = load(model, device="cpu") if isinstance(model, str | Path) else model
    return write_export(system.exportable(), Path(out), to)
