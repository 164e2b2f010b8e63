"""A model with what its users need beside the weights: what both wings' systems have in common."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch

from patchword.checkpoints.card import model_card
from patchword.checkpoints.description import Description, model_path
from patchword.checkpoints.exportable import Details, Exportable
from patchword.checkpoints.model_folder import number_of_parameters, read_description, read_model, write_model_folder
from patchword.devices import find_device
from patchword.engine import native
from patchword.engine.network import Network
from patchword.engine.precision import Precision
from patchword.errors import ModelFolderError, NoSuchPrecisionError, RecipeError
from patchword.models.registry import architecture_of, architecture_of_config


class System:
    """Opens and writes model folders, and holds the network.

    Args:
        model: one of the registered architectures.
        facts: what is known about the model.
        precision: of the matrix products on the CPU: "float32"; "int8", which is faster and takes a quarter
            of the memory, for a small loss; "bfloat16", which takes half, for less of one, and is faster where the
            processor multiplies it; "auto" for bfloat16 there, and float32 elsewhere.
        reference: run the network of `models` itself, not the engine's packed one.
        reread: makes the same model again; see `engine.network.Network`.
        device: where it runs; None for the processor.

    Raises:
        RecipeError: if another precision than float32 is asked for and the network has no packed form.

    Attributes:
        folder: the model folder that it came from; None if it came from none.
    """

    task: ClassVar[str]
    folder: Path | None = None

    def __init__(
        self,
        model: Any,
        facts: Mapping[str, Any] | None = None,
        *,
        precision: Precision | Literal["auto"] = "float32",
        reference: bool = False,
        reread: Callable[[], Any] | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.network = Network(model, precision, reference, reread, device)
        self.facts = dict(facts or {})

    @property
    def model(self) -> Any:
        """The network, for looking into and for changing; what is run follows its weights."""
        return self.network.model

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        precision: Precision | Literal["auto"] = "float32",
        reference: bool = False,
        device: str = "auto",
    ) -> Self:
        """Open a model folder, or a run folder's best model.

        Args:
            path: the folder.
            precision: "float32"; "int8" or "bfloat16" for less memory at a small loss, and more speed (bfloat16 where
                the processor multiplies it); "auto" for bfloat16 there, and float32 elsewhere.
            reference: run the network of `models` itself, not the engine's packed one.
            device: see `devices.find_device`; with "auto" bfloat16 and int8 are the processor's.

        Raises:
            ModelFolderError: if the folder is missing, damaged, for another task, or its parts do not fit.
            NoSuchPrecisionError: if the engine has no such precision for its network.
            RecipeError: if there is no such device.
        """
        place = find_device("cpu" if device == "auto" and precision in ("bfloat16", "int8") else device)
        folder = model_path(Path(path))
        description = read_description(folder, cls.task)
        # What is packed at once need not be read whole before.
        mapped = not reference and place.type == "cpu" and native.best() is not None
        try:
            found = cls.described(
                folder,
                description,
                read_model(folder, description, mapped),
                precision=precision,
                reference=reference,
                reread=lambda: read_model(folder, description),
                device=place,
            )
        except NoSuchPrecisionError:
            raise
        except (ValueError, RecipeError) as error:
            raise ModelFolderError(folder, str(error)) from None
        found.folder = folder
        return found

    @classmethod
    @abstractmethod
    def described(cls, folder: Path, description: Description, model: Any, **how: Any) -> Self:
        """The system that a folder's description means.

        Args:
            folder: that has the further files.
            description: its config.json.
            model: the network, filled.
            how: keyword arguments of `System`.

        Raises:
            ModelFolderError: if one of the parts is missing or damaged.
            ValueError: if the parts do not fit together.
        """

    @property
    @abstractmethod
    def details(self) -> Details:
        """What config.json says beside the network."""

    @property
    def files(self) -> dict[str, bytes]:
        """Further files of the model folder by name."""
        return {}

    @property
    @abstractmethod
    def title(self) -> str:
        """The model card's heading."""

    @abstractmethod
    def _summary(self) -> str:
        """What it is for, in a few words."""

    def __repr__(self) -> str:
        # By the config: the network itself may have been given up for what is packed.
        kind = architecture_of_config(self.network.config)
        parameters = number_of_parameters(kind, self.network.config)
        how = f"{self.network.precision} on {self.network.device}"
        name = type(self).__name__
        return f"<{name}: {self._summary()}; {kind.replace('_', ' ')}, {parameters:,} parameters, {how}>"

    def save(self, path: Path | str) -> None:
        """Write a model folder."""
        parameters = sum(p.numel() for p in self.model.parameters())
        kind = architecture_of(self.model).replace("_", " ")
        card = model_card(
            self.title, f"A {kind} with {parameters:,} parameters, made by Patchword.", self.details.USAGE, self.facts
        )
        write_model_folder(
            Path(path),
            self.model,
            task=self.task,
            details=self.details.as_dict(),
            facts=self.facts,
            card=card,
            files=self.files,
        )

    def to(self, device: str | torch.device) -> Self:
        """Move the network to another device, and give this system back.

        Args:
            device: see `devices.find_device`, or torch's own.

        Raises:
            RecipeError: if there is no such device, or the network is in bfloat16 or int8, which are the processor's.
        """
        self.network.to(find_device(device) if isinstance(device, str) else device)
        return self

    def exportable(self) -> Exportable:
        """What an exporter needs of it."""
        return Exportable(self.model, self.task, self.details.as_dict(), self.files)
