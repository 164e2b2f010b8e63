"""One ONNX graph: a module whose inputs and outputs have names, some of whose sizes are free."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from patchword.errors import ExportError

OPSET = 18
PACKAGES = ("onnx", "onnxscript")  # PyTorch's exporter is built on them
MAX_WEIGHTS_IN_GRAPH = 1_900_000_000  # bytes; protobuf ends at 2 GB, above this the weights are a file beside the graph

_TYPES = {"float32": torch.float32, "int64": torch.int64, "bool": torch.bool}


@dataclass(frozen=True)
class GraphTensor:
    """An input or an output.

    Attributes:
        name: in the graph.
        type: of its elements.
        shape: sizes; a word is a free size, and the same word is the same size in every tensor of the graph.
        meaning: a sentence for whoever feeds or reads it.
    """

    name: str
    type: Literal["float32", "int64", "bool"]
    shape: tuple[int | str, ...]
    meaning: str

    def description(self) -> dict[str, Any]:
        """As it stands in config.json."""
        return {"type": self.type, "shape": list(self.shape), "meaning": self.meaning}


@dataclass(frozen=True)
class Graph:
    """What is written as one file.

    Attributes:
        file: the file's name.
        module: from a dict of the inputs by name to a dict of the outputs by name, both in the order below.
        inputs: of the graph.
        outputs: of the graph.
    """

    file: str
    module: nn.Module
    inputs: Sequence[GraphTensor]
    outputs: Sequence[GraphTensor]

    def description(self) -> dict[str, Any]:
        """As it stands in config.json."""
        return {
            "inputs": {tensor.name: tensor.description() for tensor in self.inputs},
            "outputs": {tensor.name: tensor.description() for tensor in self.outputs},
        }


def require_packages() -> None:
    """Make sure that PyTorch's exporter can run.

    Raises:
        ExportError: naming the package that is not installed.
    """
    for package in PACKAGES:
        if find_spec(package) is None:
            raise ExportError(f"--to onnx needs {package}: pip install 'patchword[export]'")


def write_graph(graph: Graph, folder: Path) -> None:
    """Trace the module and write its graph, with its weights inside or, if they are too large, beside it.

    Args:
        graph: what to write.
        folder: exists.
    """
    words = {size for tensor in graph.inputs for size in tensor.shape if isinstance(size, str)}
    # Sizes of 0 and 1 would be taken as fixed, and equal sizes as one.
    sizes = {word: 2 + index for index, word in enumerate(sorted(words))}
    free = {word: torch.export.Dim(word, min=0) for word in words}
    device = next(graph.module.parameters()).device
    examples = {tensor.name: _example(tensor, sizes).to(device) for tensor in graph.inputs}
    shapes = {
        tensor.name: {axis: free[size] for axis, size in enumerate(tensor.shape) if isinstance(size, str)}
        for tensor in graph.inputs
    }
    with torch.no_grad(), _expected_warnings():
        program = torch.onnx.export(
            graph.module.eval(),
            kwargs={"inputs": examples},
            dynamic_shapes={"inputs": shapes},
            input_names=[tensor.name for tensor in graph.inputs],
            output_names=[tensor.name for tensor in graph.outputs],
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    _strip(program.model)
    weights = sum(tensor.nbytes for tensor in (*graph.module.parameters(), *graph.module.buffers()))
    program.save(folder / graph.file, external_data=weights > MAX_WEIGHTS_IN_GRAPH)


def _strip(model: Any) -> None:
    """Remove the exporter's notes of which line of which source file each node came from: half of a small graph."""
    for annotated in (model, model.graph, *model.graph.inputs, *model.graph.initializers.values()):
        annotated.metadata_props.clear()
    for node in model.graph.all_nodes():
        for annotated in (node, *node.outputs):
            annotated.metadata_props.clear()


def _example(tensor: GraphTensor, sizes: dict[str, int]) -> Tensor:
    shape = [sizes[size] if isinstance(size, str) else size for size in tensor.shape]
    return torch.ones(shape, dtype=_TYPES[tensor.type])


@contextmanager
def _expected_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        # torch.onnx copies a structure by means that torch itself has deprecated.
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
        # Said of every further axis that has the same name; that they are one size is what the name means here.
        warnings.filterwarnings(
            "ignore", r"# The axis name: (\w+) will not be used, .* with another axis: \1\.", UserWarning
        )
        yield
