"""Writing a model in a format that other programs read."""

from collections.abc import Callable
from pathlib import Path

from patchword.checkpoints.exportable import Exportable
from patchword.converters.hugging_face.folder import write_hugging_face_folder
from patchword.converters.onnx.folder import write_onnx_folder
from patchword.engine.choice import check_finite
from patchword.errors import RecipeError, nearest, shown
from patchword.files import new_folder

# By name, what fills an empty folder and says what others will do otherwise, a sentence each; it raises ExportError
# where the format cannot express the model.
EXPORTERS: dict[str, Callable[[Exportable, Path], list[str]]] = {
    "hf": write_hugging_face_folder,
    "onnx": write_onnx_folder,
}


def check_format(to: str) -> None:
    """Refuse an unknown format.

    Raises:
        RecipeError: with the nearest valid name.
    """
    if to not in EXPORTERS:
        raise RecipeError(f"--to = {shown(to)}: unknown format; {nearest(to, EXPORTERS)}")


def export(content: Exportable, out: Path, to: str) -> list[str]:
    """Write a folder of another format, whole or not at all.

    Args:
        content: the network and what belongs to it.
        out: the folder to make; new or empty.
        to: a name in `EXPORTERS`.

    Returns:
        what the format cannot say and whoever reads it will do otherwise, a sentence each.

    Raises:
        RecipeError: if there is no format of that name.
        DataError: if there is something at `out` already.
        OutputError: if it cannot be written.
        NotFiniteError: if a weight is infinite or not a number.
        ExportError: if the format cannot express the model or needs a package that is missing.
    """
    check_format(to)
    check_finite(content.model)
    with new_folder(out) as folder:
        return EXPORTERS[to](content, folder)
