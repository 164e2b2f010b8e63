"""Which networks the engine can take over."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from patchword.engine import native
from patchword.engine.anatomy import is_as_described
from patchword.engine.precision import PRECISIONS, Precision
from patchword.engine.recurrent import PackedRecurrent
from patchword.engine.residual_network import PackedResidualNetwork
from patchword.engine.transformer import packed_transformer
from patchword.engine.vision import packed_vision_transformer
from patchword.errors import NotFiniteError
from patchword.models.recurrent import Recurrent
from patchword.models.residual_network import ResidualNetwork
from patchword.models.tensors import named_tensors, not_finite
from patchword.models.transformer import Transformer
from patchword.models.vision_transformer import VisionTransformer

# What packs a network, from it, the precision, and whether to empty it meanwhile.
_PACKERS: dict[type[nn.Module], Callable[[Any, Precision, bool], Any]] = {
    Transformer: packed_transformer,
    Recurrent: PackedRecurrent,
    VisionTransformer: packed_vision_transformer,
    ResidualNetwork: lambda model, precision, consume: PackedResidualNetwork(model, consume),
}

# Convolutions have float32 kernels alone; in int8 they were no faster.
_FLOAT_ALONE = (ResidualNetwork,)


@torch.inference_mode(False)  # what is packed within can be run outside too
@torch.no_grad()
def packed(model: nn.Module, precision: Precision, consume: bool = False) -> Any | None:
    """The engine for a network, or None if it has none.

    It has none for another architecture, for weights that are not float32, and for a network that is no longer what
    its config says: with a layer of another size, another activation, a hook.

    Args:
        model: in evaluation mode.
        precision: of the engine's products.
        consume: empty the model's matrices as they are packed, so that no time sees all weights twice; otherwise it is
            left as it is.

    Raises:
        NotFiniteError: if a weight is infinite or not a number.
    """
    check_finite(model)
    return _PACKERS[type(model)](model, precision, consume) if _is_known(model, precision) else None


def chosen(model: nn.Module) -> Precision:
    """What "auto" means for a network here: bfloat16 where the processor multiplies it, float32 elsewhere."""
    kernels = native.best()
    if kernels is not None and kernels.multiplies_bfloat16 and _is_known(model, "bfloat16"):
        return "bfloat16"
    return "float32"


def precisions(model: nn.Module) -> tuple[Precision, ...]:
    """The precisions that the engine has for a network of this class."""
    return PRECISIONS[:1] if isinstance(model, _FLOAT_ALONE) else PRECISIONS


def _is_known(model: nn.Module, precision: Precision) -> bool:
    plain = all(p.dtype == torch.float32 and p.device.type == "cpu" for p in model.parameters())
    return plain and precision in precisions(model) and type(model) in _PACKERS and is_as_described(model)


def check_finite(model: nn.Module) -> None:
    """See that all weights and statistics are numbers.

    Raises:
        NotFiniteError: if one is infinite or not a number.
    """
    name = not_finite(named_tensors(model))
    if name is not None:
        raise NotFiniteError(f"{name} holds values that are infinite or not a number; the weights are damaged")
