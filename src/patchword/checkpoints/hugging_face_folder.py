"""The folder that Hugging Face's `transformers` loads with no code of ours."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from patchword.checkpoints.exportable import Exportable
from patchword.checkpoints.tables import Table, converted_back
from patchword.checkpoints.vit_hugging_face_export import hugging_face_vit
from patchword.errors import ExportError
from patchword.files import write_text
from patchword.models.registry import architecture_of

# By architecture: the table of names, and the JSON files by name; refuses what the class there cannot express.
_ARCHITECTURES: dict[str, Callable[[Exportable], tuple[Table, dict[str, Any]]]] = {
    "vision_transformer": hugging_face_vit,
}


def write_hugging_face_folder(content: Exportable, folder: Path) -> None:
    """Fill an empty folder.

    Args:
        content: the network and what belongs to it; its weights are not changed.
        folder: exists.

    Raises:
        ExportError: if the class of `transformers` cannot express the model, with the reason.
    """
    architecture = architecture_of(content.model)
    if architecture not in _ARCHITECTURES:
        raise ExportError(f"--to hf: transformers has no class for our {architecture}")
    table, documents = _ARCHITECTURES[architecture](content)
    ours = {name: parameter.detach() for name, parameter in content.model.named_parameters()}
    save_file(converted_back(table, ours), folder / "model.safetensors", metadata={"format": "pt"})
    for name, values in documents.items():
        write_text(folder / name, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
