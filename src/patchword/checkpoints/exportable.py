"""What of a trained system is handed to an exporter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Exportable:
    """A network with everything that its users need beside the weights.

    Attributes:
        model: one of the registered architectures, in evaluation mode.
        task: "translation" or "classification".
        details: preprocessing, class names, languages; as in `model_folder.Description`.
        files: the task's own files by name, such as vocabulary.model.
    """

    model: nn.Module
    task: str
    details: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)
