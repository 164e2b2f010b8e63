"""Looking inside a model: what it looked at, how well that explains it, and which words it takes for translations."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from patchword import api
from patchword.errors import RecipeError
from patchword.explain.explanation import explained as explanation
from patchword.explain.forms import form_of, written
from patchword.explain.measuring import Table, keep, measure
from patchword.files import write_bytes
from patchword.system import System
from patchword.training.events import Listener, ignore
from patchword.wings import wing_of


def explained(
    model: System | Path | str,
    given: Any,
    *,
    name: str | None = None,
    against: System | Path | str | None = None,
    walk: bool = True,
    device: str = "auto",
    **options: Any,
) -> dict[str, Any]:
    """What a model looked at while it answered, as a document; see `explain.explanation`.

    Args:
        model: a system, or the path of a model or run folder, or "hf:owner/name".
        given: a sentence for a translator; for a classifier an image, as `classify` takes it.
        name: what the document calls the model; by default the name of its folder.
        against: another model for the same task, whose document for the same input becomes the first's "against".
        walk: whether to have the networks' steps too.
        device: of a model that is given by its path.
        options: the task's own: search options, and `target_ids`, a translation to explain instead of the model's own.

    Raises:
        RecipeError: if the other model is for another task, or an option is not the task's.
        DataError: if the text or the image cannot be read.
        ModelFolderError: if a model cannot be read.
    """
    first = _system(model, device)
    second = None if against is None else _system(against, device)
    if second is not None and second.task != first.task:
        raise RecipeError(
            f"{name_of(against)} is {wing_of(second.task).noun}, and {name or name_of(model)} "
            f"{wing_of(first.task).noun}; two models of one task are compared"
        )
    document = explanation(first, given, name=name or name_of(model), walk=walk, **options)
    if second is not None:
        document["against"] = explanation(second, given, name=name_of(against), walk=walk, **options)
    return document


def write_explanation(document: dict[str, Any], out: Path | str, form: str | None = None) -> None:
    """Write a document of `explained` as one file.

    Args:
        document: of one model, or of two.
        out: the file.
        form: a name in `explain.forms.FORMS`; by default the one that the file's name ends with.

    Raises:
        RecipeError: if there is no such form, or the document has no such thing.
        OutputError: if the file cannot be written.
    """
    write_bytes(Path(out), written(document, form_of(Path(out)) if form is None else form))


def measure_explanations(
    model: System | Path | str,
    data: Sequence[Path | str],
    *,
    listener: Listener = ignore,
    seed: int = 1,
    images: int = 64,
    device: str = "auto",
) -> tuple[Table, Path | None]:
    """Measure how well a model's explanations explain, and keep the result beside the model.

    Args:
        model: see `explained`.
        data: for a translator files of pairs with known word links; for a classifier labelled images.
        listener: hears how far it is.
        seed: of what is drawn.
        images: how many are taken, for a classifier.
        device: of a model that is given by its path.

    Returns:
        the table, and the file in the model folder from where explanations read it; None if nothing was kept.

    Raises:
        DataError: if the data cannot be used.
        OutputError: if the model folder cannot be written.
    """
    system = _system(model, device)
    table = measure(system, [Path(path) for path in data], listener, seed, images)
    return table, keep(system, table)


def align(
    model: System | Path | str, sources: Sequence[str], targets: Sequence[str], *, device: str = "auto"
) -> list[list[tuple[int, int]]]:
    """Which words of given sentences and their translations translate each other.

    Args:
        model: a translator, from the language of the sources to that of the targets; see `explained`.
        sources: sentences.
        targets: their translations, in the same order.
        device: of a model that is given by its path.

    Returns:
        for each pair its links, a source word's and a target word's number, from 0; see `explain.words.text_words`.

    Raises:
        RecipeError: if the model does not translate.
        DataError: if a pair cannot be aligned, or there are not as many targets as sources.
    """
    from patchword.explain.aligner import word_links

    return word_links(translating(_system(model, device), model), sources, targets)


def translating(system: System, model: System | Path | str) -> Any:
    """The system, if it translates; `model` is what to call it.

    Raises:
        RecipeError: if it does not.
    """
    from patchword.text.translator import Translator

    if not isinstance(system, Translator):
        raise RecipeError(f"words are aligned by a translator; {name_of(model)} is {wing_of(system.task).noun}")
    return system


def stream_pairs(
    paths: Sequence[Path], columns: str | None = None, languages: tuple[str, str] = ("", "")
) -> Iterator[tuple[str, str]]:
    """Pairs of texts as they come; see `text.pair_stream`.

    Args:
        paths: two aligned files, or one table.
        columns: of a table, "1,3" or two names.
        languages: of source and target, such as a translator's.
    """
    from patchword.text.language import said
    from patchword.text.pair_stream import stream_pairs as pairs
    from patchword.text.recipe import TranslationData

    form = TranslationData.parse(
        {"train": [str(path) for path in paths], **({} if columns is None else {"columns": columns})}, "align"
    )
    return pairs(paths, form.columns, (said(languages[0]), said(languages[1])))


def count_pairs(path: Path) -> int | None:
    """How many pairs a file has, if that is known before they are read; see `text.pair_stream`."""
    from patchword.text.pair_stream import count_pairs as count

    return count(path)


def name_of(model: System | Path | str | None) -> str:
    """What a model is called: its folder, and of a run's best model the run."""
    if isinstance(model, System):
        model = model.folder
    if model is None:
        return "the model"
    path = Path(model)
    return path.parent.name if path.name == "best" and path.parent.name else path.name or str(path)


def _system(model: System | Path | str, device: str) -> System:
    return api.load(model, device=device) if isinstance(model, str | Path) else model
