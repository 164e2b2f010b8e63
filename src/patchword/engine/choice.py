"""Which networks the engine can take over."""

from typing import Any

import torch
from torch import nn

from patchword.engine.products import Precision
from patchword.engine.recurrent import PackedRecurrent
from patchword.engine.residual_network import PackedResidualNetwork
from patchword.engine.transformer import PackedTransformer
from patchword.engine.vision import packed_vision_transformer
from patchword.models.recurrent import Recurrent
from patchword.models.residual_network import ResidualNetwork
from patchword.models.transformer import Transformer
from patchword.models.vision_transformer import VisionTransformer


@torch.inference_mode()
def packed(model: nn.Module, precision: Precision, consume: bool = False) -> Any | None:
    """The engine for a network, or None if it has none: another architecture, or weights that are not float32.

    Args:
        model: in evaluation mode.
        precision: of the engine's products.
        consume: empty the model's matrices as they are packed, so that no time sees all weights twice; otherwise it is
            left as it is.
    """
    if any(p.dtype != torch.float32 or p.device.type != "cpu" for p in model.parameters()):
        return None
    if type(model) is Transformer:
        return PackedTransformer(model, precision, consume)
    if type(model) is Recurrent:
        return PackedRecurrent(model, precision, consume)
    if type(model) is VisionTransformer:
        return packed_vision_transformer(model, precision, consume)
    if type(model) is ResidualNetwork and precision == "float32":
        return PackedResidualNetwork(model, consume)
    return None
