"""Opening a model folder without torch."""

import os
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Union

import safetensors

from patchword.checkpoints.arrays import MappedArrays
from patchword.checkpoints.description import WEIGHTS, Description, for_task, model_path, read_any
from patchword.checkpoints.header import misfit, weight_shapes
from patchword.engine import native
from patchword.engine.native_models import NATIVE
from patchword.engine.precision import Precision, parse_precision
from patchword.errors import DataError, ModelFolderError, NotFiniteError, PatchwordError, RecipeError
from patchword.runtime.translator import RuntimeTranslator
from patchword.text.details import TranslatorDetails
from patchword.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from patchword.runtime.classifier import RuntimeClassifier

# What a system that has a GPU for torch has too; a GPU is asked for by no device, and looked for by "auto".
_SIGNS_OF_A_GPU = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/nvgpu", "/dev/nvhost-gpu", "/dev/dxg", "/dev/kfd")


class Unsuited(Exception):  # noqa: N818 - nothing is wrong
    """A model, or what is wanted of it, needs more than this runs; the message is a clause that says what."""


System = Union[RuntimeTranslator, "RuntimeClassifier"]


def load(path: Path | str, *, task: str | None = None, precision: str = "float32", device: str = "auto") -> System:
    """Open a model folder, or a run folder's best model.

    Args:
        path: the folder.
        task: "translation" or "classification", what the model must be for; None for whatever it is.
        precision: "float32", "bfloat16", "int8" or "auto"; see `System.load`.
        device: "cpu", or "auto" for the processor where torch is missing or nothing looks like a GPU.

    Raises:
        Unsuited: if it takes `patchword.load`.
        ModelFolderError: if the folder is missing, damaged, for another task, or its parts do not fit.
        RecipeError: if there is no such precision.
    """
    found = parse_precision(precision)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # which says what torch's operations cost
        kernels = native.best()
    if kernels is None:
        raise Unsuited(native.missing_reason() or "the engine's kernels are not used")
    if device != "cpu" and (device != "auto" or (has_torch() and may_have_gpu())):
        raise Unsuited(f"device {device} may be another than the processor")
    folder = model_path(Path(path))
    description = for_task(folder, read_any(folder), task)
    if description.architecture not in NATIVE or description.task not in _OPENERS:
        raise Unsuited(f"there is no {description.architecture} without torch")
    if found == "auto":
        found = "bfloat16" if kernels.multiplies_bfloat16 else "float32"
    try:
        return _OPENERS[description.task](folder, description, found)
    except (ValueError, RecipeError) as error:
        raise ModelFolderError(folder, str(error)) from None


def suited(
    path: Path | str, task: str, precision: str = "float32", device: str = "auto", method: str | None = None
) -> System | None:
    """`load`, or None if `patchword.load` is to try: it can do more, or says better what is wrong.

    Args:
        path: of the folder, or what else `patchword.load` takes.
        task: see `load`, as `precision` and `device`.
        method: of a translator's search; None for its own.

    Raises:
        PatchwordError: what `load` raises, and if it takes torch, where there is none.
    """
    torch = has_torch()
    try:
        if str(path).startswith("hf:"):
            raise Unsuited("published models are fetched and converted with torch")
        found = load(path, task=task, precision=precision, device=device)
        if isinstance(found, RuntimeTranslator) and (method or found.options.method) == "sample":
            raise Unsuited("samples are drawn with torch")
        return found
    except Unsuited as why:
        if not torch:
            raise RecipeError(f"{why}, and torch is not installed: pip install 'patchword[train]'") from None
    except PatchwordError:
        if not torch:
            raise
    return None


def again(folder: Path, task: str, precision: str) -> System:
    """The same in another process, for pickles and copies: what is packed is known by its addresses."""
    return load(folder, task=task, precision=precision, device="cpu")


def _translator(folder: Path, description: Description, precision: Precision) -> RuntimeTranslator:
    details = TranslatorDetails.read(description.details)
    network = _network(folder, description, precision)
    return RuntimeTranslator(network, Vocabulary.load(folder), details, folder)


def _classifier(folder: Path, description: Description, precision: Precision) -> "RuntimeClassifier":
    # Imported here, since Pillow would take a translator's time.
    from patchword.images.details import ClassifierDetails
    from patchword.runtime.classifier import RuntimeClassifier

    details = ClassifierDetails.read(folder, description.details)
    return RuntimeClassifier(_network(folder, description, precision), details, folder)


_OPENERS: dict[str, Callable[[Path, Description, Precision], System]] = {
    TranslatorDetails.TASK: _translator,
    "classification": _classifier,
}


def has_torch() -> bool:
    """Whether torch is installed; it is not imported."""
    return find_spec("torch") is not None


def may_have_gpu() -> bool:
    """Whether something here looks like a GPU that torch could use; without torch nobody can know."""
    if os.name == "nt":
        return (Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvcuda.dll").exists()
    return sys.platform == "linux" and any(Path(sign).exists() for sign in _SIGNS_OF_A_GPU)


def _network(folder: Path, description: Description, precision: Precision) -> object:
    kind, weights = NATIVE[description.architecture](), folder / WEIGHTS
    config = kind.config.parse(description.model, "config.json")
    if (lack := kind.lacks(config)) is not None:
        raise Unsuited(lack)
    if not weights.exists():
        raise ModelFolderError(folder, f"{WEIGHTS} is missing")
    try:
        weight_shapes(weights)  # whose header is not too large, and whose library checks all else
        try:
            arrays = MappedArrays(weights, kind.also(config))
        except ValueError as error:
            raise Unsuited(str(error)) from None
        if config.layers > len(arrays.shapes):
            wrong: str | None = f"{len(arrays.shapes)} tensors are too few for {config.layers:,} layers"
        else:
            wrong = misfit(kind.shapes(config), arrays.shapes)
        if wrong is not None:
            raise ModelFolderError(weights, f"does not fit config.json: {wrong}")
        return kind.network(config, arrays, precision)
    except NotFiniteError as error:
        raise ModelFolderError(weights, str(error)) from None
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelFolderError(weights, f"damaged or not a safetensors file: {error}") from None
    except DataError as error:
        raise ModelFolderError(folder, str(error).removeprefix(f"{folder}/")) from None
