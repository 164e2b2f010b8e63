"""A network of torch's as arrays."""

from numpy import float32
from numpy.typing import NDArray
from torch import nn

from patchword.engine.tensors import address
from patchword.memory import give_back


class ModuleWeights:
    """A network of torch's as `native_layers.Weights`.

    Args:
        model: on the CPU, float32.
        consume: empty parameters as they are given up.
    """

    def __init__(self, model: nn.Module, consume: bool) -> None:
        self._parameters = dict(model.named_parameters(remove_duplicate=False))
        self._consume = consume

    def __getitem__(self, name: str) -> NDArray[float32]:
        parameter = self._parameters[name].detach().contiguous()
        address(parameter)  # float32 on the CPU
        found: NDArray[float32] = parameter.numpy()
        return found

    def give_up(self, name: str) -> None:
        """See `Weights.give_up`."""
        for key, parameter in self._parameters.items() if self._consume else ():
            if key.startswith(f"{name}."):
                give_back(parameter)
                parameter.data = parameter.new_empty(0)
