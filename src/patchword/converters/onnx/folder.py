"""The ONNX folder: graphs that onnxruntime runs without Patchword or PyTorch.

config.json         each graph's inputs and outputs by name, type, shape and meaning; preprocessing, classes, token ids
model.onnx          a Vision Transformer or a ResNet; or, for a Transformer,
encoder.onnx        source -> what every decoding step attends to
decoder_step.onnx   newest token and earlier steps' keys and values -> next token's logits
...                 the vocabulary's files
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from patchword.checkpoints.exportable import Exportable
from patchword.converters.onnx.graph import OPSET, Graph, require_packages, write_graph
from patchword.converters.onnx.images import image_graph
from patchword.converters.onnx.transformer import transformer_graphs
from patchword.errors import ExportError
from patchword.files import write_bytes, write_text
from patchword.models.registry import architecture_of


def _transformer(content: Exportable) -> tuple[list[Graph], dict[str, Any]]:
    return transformer_graphs(content.model)  # type: ignore[arg-type]


def _vision_transformer(content: Exportable) -> tuple[list[Graph], dict[str, Any]]:
    model: Any = content.model
    return [image_graph(model, model.config.image_size)], {}


def _residual_network(content: Exportable) -> tuple[list[Graph], dict[str, Any]]:
    model: Any = content.model
    return [image_graph(model, content.details["preprocessing"]["image_size"])], {}


# By architecture: makes a model's graphs, and what config.json says of it beside them.
_ARCHITECTURES: dict[str, Callable[[Exportable], tuple[list[Graph], dict[str, Any]]]] = {
    "transformer": _transformer,
    "vision_transformer": _vision_transformer,
    "residual_network": _residual_network,
}


def write_onnx_folder(content: Exportable, folder: Path) -> list[str]:
    """Fill an empty folder.

    Args:
        content: the network and what belongs to it; its weights are not changed.
        folder: exists.

    Returns:
        nothing: all that is known is in config.json and the files.

    Raises:
        ExportError: if the network is of an architecture that has no graph here, or PyTorch's exporter lacks a package.
    """
    require_packages()
    architecture = architecture_of(content.model)
    if architecture not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        raise ExportError(f"--to onnx: the architecture {architecture} has no graph; only these have: {known}")
    graphs, facts = _ARCHITECTURES[architecture](content)
    description: dict[str, Any] = {
        "format": "onnx",
        "opset": OPSET,
        "task": content.task,
        "architecture": architecture,
        **content.details,
        **facts,
        "files": sorted(content.files),
        "graphs": {},
    }
    for graph in graphs:
        write_graph(graph, folder)
        description["graphs"][graph.file] = graph.description()
    for name, data in content.files.items():
        write_bytes(folder / name, data)
    write_text(folder / "config.json", json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    return []
