"""The folder that Hugging Face's `transformers` loads with no code of ours."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.checkpoints.exportable import Exportable
from patchword.checkpoints.safetensors_writer import write_tensors
from patchword.converters.marian.export import hugging_face_marian, untold_by_marian
from patchword.converters.resnet.hugging_face_export import hugging_face_resnet
from patchword.converters.tables import converted_back
from patchword.converters.vit.hugging_face_export import hugging_face_vit
from patchword.errors import ExportError
from patchword.files import write_bytes
from patchword.models.registry import architecture_of
from patchword.models.tensors import named_tensors


def _vision_transformer(content: Exportable) -> tuple[dict[str, Tensor], dict[str, Any]]:
    table, documents = hugging_face_vit(content)
    return converted_back(table, named_tensors(content.model)), documents


# By architecture: the tensors under their names, and the other files by name, as bytes or as values for JSON; refuses
# what the class there cannot express.
_ARCHITECTURES: dict[str, Callable[[Exportable], tuple[dict[str, Tensor], dict[str, Any]]]] = {
    "transformer": hugging_face_marian,
    "vision_transformer": _vision_transformer,
    "residual_network": hugging_face_resnet,
}


def write_hugging_face_folder(content: Exportable, folder: Path) -> list[str]:
    """Fill an empty folder.

    Args:
        content: the network and what belongs to it; its weights are not changed.
        folder: exists.

    Returns:
        what these classes will do otherwise, a sentence each.

    Raises:
        ExportError: if the class of `transformers` cannot express the model, with the reason.
    """
    architecture = architecture_of(content.model)
    if architecture not in _ARCHITECTURES:
        raise ExportError(f"--to hf: transformers has no class for our {architecture}")
    tensors, files = _ARCHITECTURES[architecture](content)
    write_tensors(folder / "model.safetensors", tensors, {"format": "pt"})
    for name, values in files.items():
        if not isinstance(values, bytes):
            values = (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()
        write_bytes(folder / name, values)
    return untold_by_marian(content) if architecture == "transformer" else []
