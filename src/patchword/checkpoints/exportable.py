"""What of a trained system is handed to an exporter, and what an importer hands over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from torch import nn


class Details(Protocol):
    """What a wing's model folders say beside the network.

    Attributes:
        TASK: that a model with such details is for.
        USAGE: a command line that uses the folder.
    """

    TASK: ClassVar[str]
    USAGE: ClassVar[str]

    def as_dict(self) -> dict[str, Any]:
        """For config.json; see `model_folder.Description`."""


@dataclass(frozen=True)
class Exportable:
    """A network with everything that its users need beside the weights.

    Attributes:
        model: one of the registered architectures, in evaluation mode.
        task: a name in `wings.WINGS`.
        details: preprocessing, class names, languages; as in `model_folder.Description`.
        files: the task's own files by name, such as vocabulary.model.
    """

    model: nn.Module
    task: str
    details: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)
