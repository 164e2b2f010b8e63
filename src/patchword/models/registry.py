"""The architectures that a model folder and a recipe can name: one line each."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ConfigDict
from torch import nn

from patchword.config import Config
from patchword.errors import RecipeError, nearest, shown
from patchword.models.contracts import Model
from patchword.models.model_config import ModelConfig
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from patchword.models.transformer import Transformer
from patchword.models.transformer_config import TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig


class Architecture(NamedTuple):
    """One architecture.

    Attributes:
        config: its config.
        model: its network.
        task: what it is for.
        short: what `--model` calls it; a recipe may say so too.
    """

    config: type[ModelConfig]
    model: type[Model]
    task: str
    short: str


# The first of a task is what a recipe means that names none.
ARCHITECTURES: dict[str, Architecture] = {
    "transformer": Architecture(TransformerConfig, Transformer, "translation", "transformer"),
    "recurrent": Architecture(RecurrentConfig, Recurrent, "translation", "rnn"),
    "vision_transformer": Architecture(VisionTransformerConfig, VisionTransformer, "classification", "vit"),
    "residual_network": Architecture(ResidualNetworkConfig, ResidualNetwork, "classification", "cnn"),
}


def architecture_of(model: nn.Module) -> str:
    """The name under which a model's class is registered.

    Raises:
        ValueError: if it is none of them.
    """
    for name, architecture in ARCHITECTURES.items():
        if isinstance(model, architecture.model):
            return name
    raise ValueError(f"{type(model).__name__} is not a registered architecture")


def architecture_of_config(config: ModelConfig) -> str:
    """The name of the architecture that a config is of."""
    return next(name for name, architecture in ARCHITECTURES.items() if type(config) is architecture.config)


def architecture_for(task: str, name: str | None = None) -> str:
    """An architecture of a task, by its name or its short name; the task's first without one.

    Raises:
        RecipeError: with the nearest valid name.
    """
    names = {key: key for key, found in ARCHITECTURES.items() if found.task == task}
    names |= {ARCHITECTURES[key].short: key for key in names}
    if name is None:
        return next(iter(names.values()))
    if name not in names:
        raise RecipeError(f"unknown model {shown(name)} for {task}; {nearest(name, names)}")
    return names[name]


def regularisation(task: str) -> frozenset[str]:
    """Fields that act in training alone, of any of a task's architectures."""
    found: Iterable[frozenset[str]] = (a.config.REGULARISATION for a in ARCHITECTURES.values() if a.task == task)
    return frozenset().union(*found)


class ModelChoice(Config):
    """A recipe's `[model]`: an architecture, the name of one of its sizes, and fields that differ from it.

    Which fields there are, the architecture's own config says.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    architecture: str | None = None
    """Which network, by its name or its short name; unset, the task's first, or the init model's."""

    def fields(self) -> dict[str, Any]:
        """What was said beside the architecture."""
        return dict(self.model_extra or {})

    def config(self, task: str, given: Mapping[str, Any]) -> ModelConfig:
        """The whole config.

        Args:
            task: that the recipe is for.
            given: what the data decides; see `ModelConfig.chosen`.

        Raises:
            RecipeError: naming the field, what was found, and the nearest valid name.
        """
        return ARCHITECTURES[architecture_for(task, self.architecture)].config.chosen(self.fields(), given)

    def resolved(self, task: str, config: ModelConfig) -> dict[str, Any]:
        """Plain values that mean the same, whatever defaults a later version has."""
        return {"architecture": architecture_for(task, self.architecture), **config.resolved(self.fields())}
