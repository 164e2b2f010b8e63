"""Opening a model folder without torch."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

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

# What a system that has a GPU for torch has too; a GPU is asked for by no device, and looked for by "auto".
_SIGNS_OF_A_GPU = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/nvgpu", "/dev/nvhost-gpu", "/dev/dxg", "/dev/kfd")


class Unsuited(Exception):  # noqa: N818 - nothing is wrong
    """A model, or what is wanted of it, needs more than this runs; the message is a clause that says what."""


def load(path: Path | str, *, precision: str = "float32", device: str = "auto") -> RuntimeTranslator:
    """Open a translator's model folder, or a run folder's best model.

    Args:
        path: the folder.
        precision: "float32", "bfloat16", "int8" or "auto"; see `System.load`.
        device: "cpu", or "auto" for the processor where nothing looks like a GPU.

    Raises:
        Unsuited: if it takes `patchword.load`.
        ModelFolderError: if the folder is missing, damaged, for another task, or its parts do not fit.
        RecipeError: if there is no such precision.
    """
    found = parse_precision(precision)
    kernels = native.best()
    if kernels is None:
        raise Unsuited(native.missing_reason() or "the engine's kernels are not used")
    if device != "cpu" and (device != "auto" or may_have_gpu()):
        raise Unsuited(f"device {device} may be another than the processor")
    folder = model_path(Path(path))
    description = for_task(folder, read_any(folder), TranslatorDetails.TASK)
    if description.architecture not in NATIVE:
        raise Unsuited(f"there is no {description.architecture} without torch")
    if found == "auto":
        found = "bfloat16" if kernels.multiplies_bfloat16 else "float32"
    try:
        details = TranslatorDetails.read(description.details)
        network = _network(folder, description, found)
        return RuntimeTranslator(network, Vocabulary.load(folder), details, folder)
    except (ValueError, RecipeError) as error:
        raise ModelFolderError(folder, str(error)) from None


def suited(path: str, precision: str, device: str) -> RuntimeTranslator | None:
    """`load`, or None if `patchword.load` is to try: it can do more, or says better what is wrong.

    Raises:
        PatchwordError: what `load` raises, and if it takes torch, where there is none.
    """
    torch = find_spec("torch") is not None
    try:
        found = load(path, precision=precision, device=device)
        if found.options.method == "sample":
            raise Unsuited("the model's search draws samples")
        return found
    except Unsuited as why:
        if not torch:
            raise RecipeError(f"{why}, and torch is not installed: pip install 'patchword[train]'") from None
    except PatchwordError:
        if not torch:
            raise
    return None


def may_have_gpu() -> bool:
    """Whether something here looks like a GPU that torch could use; without torch nobody can know."""
    if os.name == "nt":
        return (Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvcuda.dll").exists()
    return sys.platform == "linux" and any(Path(sign).exists() for sign in _SIGNS_OF_A_GPU)


def _network(folder: Path, description: Description, precision: Precision) -> object:
    kind, weights = NATIVE[description.architecture], folder / WEIGHTS
    config = kind.config.parse(description.model, "config.json")
    if not weights.exists():
        raise ModelFolderError(folder, f"{WEIGHTS} is missing")
    try:
        shapes = weight_shapes(weights)
        if config.layers > len(shapes):
            wrong: str | None = f"{len(shapes)} tensors are too few for {config.layers:,} layers"
        else:
            wrong = misfit(kind.shapes(config), shapes)
        if wrong is not None:
            raise ModelFolderError(weights, f"does not fit config.json: {wrong}")
        try:
            arrays = MappedArrays(weights, kind.also(config))
        except ValueError as error:
            raise Unsuited(str(error)) from None
        return kind.network(config, arrays, precision)
    except NotFiniteError as error:
        raise ModelFolderError(weights, str(error)) from None
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelFolderError(weights, f"damaged or not a safetensors file: {error}") from None
    except DataError as error:
        raise ModelFolderError(folder, str(error).removeprefix(f"{folder}/")) from None
