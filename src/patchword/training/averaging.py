"""Averages of a model's weights over training: exponential, and of the last checkpoints."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from patchword.checkpoints.safetensors_writer import write_tensors
from patchword.errors import RunFolderError, clipped
from patchword.files import replacing
from patchword.models.tensors import named_buffers


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """The tensors that change in training, by name; a tied weight once. A batch norm's statistics are among them."""
    weights = {name: _own(parameter) for name, parameter in model.named_parameters() if parameter.requires_grad}
    return weights | dict(named_buffers(model))


def _own(parameter: Any) -> Tensor:
    """Of a weight that is divided among processes, this one's share: an average of shares is a share of the average."""
    tensor: Tensor = parameter.detach()
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


class ExponentialAverage:
    """w_avg <- d * w_avg + (1 - d) * w after each update (Polyak averaging; `ema_decay` in recipes).

    Early on the decay is (1 + step) / (10 + step), so that the random start is soon forgotten.

    Args:
        model: whose weights to average.
        decay: d, below 1; 0.999 looks back about a thousand updates.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: weight.clone() for name, weight in weights_of(model).items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after update number `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        now = weights_of(model)
        blended = [name for name, weight in now.items() if weight.is_floating_point()]
        torch._foreach_lerp_([self.weights[name] for name in blended], [now[name] for name in blended], 1 - decay)
        for name in now.keys() - blended:
            self.weights[name].copy_(now[name])  # a count has no average


class LastCheckpoints:
    """Files of the last few validations' weights, to be averaged at the end (Vaswani et al. 2017, section 6.1).

    Args:
        folder: where the files are.
        keep: how many.
        names: files that exist already, oldest first, when a run is resumed.
    """

    def __init__(self, folder: Path, keep: int, names: Sequence[str] = ()) -> None:
        self.folder = folder
        self.keep = keep
        self.names = list(names)
        self._before = self.names  # of the state before

    def add(self, step: int, weights: Mapping[str, Tensor]) -> list[str]:
        """Save the weights at a step; only the last `keep` count from now on, whose names are returned."""
        name = f"weights-{step:08d}.safetensors"
        with replacing(self.folder / name) as temporary:
            write_tensors(temporary, weights)
        self.names = [*(n for n in self.names if n != name), name][-self.keep :]
        return self.names

    def forget_others(self) -> None:
        """Delete files that no longer count; called once the state that names the kept ones is on disk.

        Those of the state before it stay, too, since that is kept.
        """
        for path in self.folder.glob("weights-*.safetensors"):
            if path.name not in (*self.names, *self._before):
                path.unlink()
        self._before = self.names

    def average(self) -> dict[str, Tensor]:
        """The mean of the kept weights; of counts the last.

        Raises:
            RunFolderError: if a file is missing or damaged, or one has not the tensors that the others have.
        """
        total: dict[str, Tensor] = {}
        shapes: dict[str, torch.Size] | None = None
        for name in self.names:
            found = self._read(name)
            own = {key: weight.shape for key, weight in found.items()}
            if shapes is not None and own != shapes:
                raise RunFolderError(self.folder / name, "has not the weights that the checkpoint before it has")
            shapes = own
            for key, weight in found.items():
                total[key] = total[key] + weight if key in total and weight.is_floating_point() else weight
        return {
            key: weight / len(self.names) if weight.is_floating_point() else weight for key, weight in total.items()
        }

    def _read(self, name: str) -> dict[str, Tensor]:
        try:
            return load_file(self.folder / name)
        except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
            raise RunFolderError(self.folder / name, f"damaged or missing: {clipped(str(error))}") from None


@contextmanager
def using(model: nn.Module, weights: Mapping[str, Tensor] | None) -> Iterator[nn.Module]:
    """The model in evaluation mode with other weights, and as it was afterwards.

    Args:
        model: a model in training.
        weights: by name; None leaves the model's own, and so does a name that is not among them.
    """
    # Each module for itself: frozen ones are in evaluation mode within a model in training.
    modes = {module: module.training for module in model.modules()}
    own = {name: weight.clone() for name, weight in weights_of(model).items()} if weights is not None else {}
    model.eval()
    try:
        if weights is not None:
            _copy(model, weights)
        yield model
    finally:
        if own:
            _copy(model, own)
        for module, training in modes.items():
            module.training = training


@torch.no_grad()
def _copy(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    for name, tensor in (*model.named_parameters(), *named_buffers(model)):
        if name in weights:
            tensor.copy_(weights[name])
