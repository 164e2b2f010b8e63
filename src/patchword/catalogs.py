"""Translators' files filled by a translator: from a file to bytes, to another file or into the same."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchword.errors import DataError, RecipeError
from patchword.files import check_output, write_bytes
from patchword.text.files import opened
from patchword.text.formats.filling import Filled, Filling
from patchword.text.formats.kinds import is_filled

if TYPE_CHECKING:
    from patchword.text.options import SearchOptions
    from patchword.text.translating import Translating

__all__ = ["Filled", "fill", "is_filled", "translate_file"]

MOST_BYTES = 2**28


def fill(
    translator: "Translating",
    path: Path | str,
    options: "SearchOptions | None" = None,
    *,
    split: bool = True,
    started: Callable[[int], None] | None = None,
    advanced: Callable[[int], None] | None = None,
) -> Filled:
    """Translate what is untranslated in a PO or XLIFF file; nothing is written.

    Args:
        translator: of the file's languages.
        path: of the file.
        options: how to search; None for the translator's own.
        split: whether a text is cut into sentences.
        started: told how many texts there are to translate.
        advanced: told how many more are done.

    Returns:
        the new content and what was done.

    Raises:
        DataError: if the file cannot be read, is of another kind or of other languages.
    """
    path = Path(path)
    with opened(path) as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DataError(path, f"has more than {MOST_BYTES // 2**20} MB; no file of translators does")
    filling = Filling(str(path), content, translator.languages)
    if started is not None:
        started(filling.wanted)
    for count in filling.translate(_translation(translator, options, split)):
        if advanced is not None:
            advanced(count)
    return filling.result()


def _translation(
    translator: "Translating", options: "SearchOptions | None", split: bool
) -> Callable[[list[str]], list[tuple[str, str | None]]]:
    def translate(texts: list[str]) -> list[tuple[str, str | None]]:
        if not texts:
            return []
        found: Any = translator.translate_text(texts, options) if split else translator.translate(texts, options)
        return [(each.text, each.error) for each in found]

    return translate


def translate_file(
    model: "Translating | Path | str",
    path: Path | str,
    output: Path | str | None = None,
    *,
    in_place: bool = False,
    **options: Any,
) -> Filled:
    """Translate what is untranslated in a PO or XLIFF file, and write the file so filled.

    Messages without a translation and fuzzy ones are filled, in XLIFF segments without a target or with a state that
    asks for a translation. All else keeps its bytes. What a machine translated is marked: fuzzy with the comment
    "machine translation"; state "needs-review-translation" with state-qualifier "mt-suggestion"; in XLIFF 2 state
    "initial" with subState "patchword:mt". A text whose placeholders or tags would not be kept stays untranslated.

    Args:
        model: a translator, or the path of its folder.
        path: of the file.
        output: where to write; None for nowhere.
        in_place: whether to write into the file itself. It appears whole or not at all, as any output.
        options: fields of `SearchOptions`.

    Raises:
        DataError: if the file cannot be read, is of another kind or of other languages.
        OutputError: if the output cannot be written.
    """
    if in_place and output is not None:
        raise RecipeError("say either an output or in_place, not both")
    path = Path(path)
    target = path.resolve() if in_place else None if output is None else Path(output)
    if target is not None:
        check_output(target)
    if output is not None and path.exists() and Path(output).exists() and path.samefile(output):
        raise RecipeError(f"{path} is the file itself; say in_place=True to write into it")
    translator: Any = _loaded(model) if isinstance(model, str | Path) else model
    if not hasattr(translator, "translate_text"):
        raise RecipeError("files of text are translated by a translator")
    found = fill(translator, path, translator.options.changed(options, "translate"))
    if target is not None:
        write_bytes(target, found.content)
    return found


def sentences(found: Filled, path: Path | str) -> Iterator[str]:
    """What was done to a file, a sentence each, beginning with what stays untranslated."""
    yield from map(str, found.left)
    yield from (f"{path}: {note}" for note in found.notes)
    left = f", {len(found.left):,} left untranslated" if found.left else ""
    yield f"{path}: {found.filled:,} texts translated and marked as a machine's{left}, {found.finished:,} kept"


def _loaded(model: Path | str) -> Any:
    from patchword import runtime

    found = runtime.suited(model, "translation")
    if found is not None:
        return found
    from patchword import api

    return api.load(model)
