"""Which networks the engine can take over."""

from typing import Any

import torch
from torch import nn

from patchword.engine.anatomy import is_as_described
from patchword.engine.products import Precision
from patchword.engine.transformer import PackedTransformer
from patchword.engine.vision import packed_vision_transformer
from patchword.errors import NotFiniteError
from patchword.models.transformer import Transformer
from patchword.models.vision_transformer import VisionTransformer


@torch.inference_mode()
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
    if any(p.dtype != torch.float32 or p.device.type != "cpu" for p in model.parameters()):
        return None
    if type(model) not in (Transformer, VisionTransformer) or not is_as_described(model):
        return None
    if type(model) is Transformer:
        return PackedTransformer(model, precision, consume)
    assert isinstance(model, VisionTransformer)
    return packed_vision_transformer(model, precision, consume)


def check_finite(model: nn.Module) -> None:
    """See that all weights are numbers.

    Raises:
        NotFiniteError: if one is infinite or not a number.
    """
    for name, parameter in model.named_parameters():
        tensor = parameter.detach()
        if tensor.numel() and tensor.is_floating_point():
            low, high = tensor.aminmax()
            # Both are NaN if one value is.
            if not (low - low == high - high):
                raise NotFiniteError(f"{name} holds values that are infinite or not a number; the weights are damaged")
