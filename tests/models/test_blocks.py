"""What can be gathered by itself where weights are divided: called once a pass, by `forward` alone."""

import pytest
import torch

from patchword.models.contracts import Model
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig


def networks() -> dict[str, tuple[Model, tuple[torch.Tensor, ...], int]]:
    ids, images = torch.tensor([[2, 4, 3]]), torch.randn(2, 3, 16, 16)
    transformer = {"d_model": 16, "num_heads": 2, "d_ff": 16, "encoder_layers": 2, "decoder_layers": 3}
    vision = {"d_model": 16, "num_heads": 2, "d_ff": 16, "num_layers": 2, "patch_size": 8}
    residual = {"depths": [1, 2], "widths": [8, 8], "num_classes": 3}
    return {
        "transformer": (
            Transformer(TransformerConfig(source_vocab_size=9, target_vocab_size=9, **transformer)),
            (ids, ids),
            5,
        ),
        "vision_transformer": (
            VisionTransformer(VisionTransformerConfig(image_size=(16, 16), num_classes=3, **vision)),
            (images,),
            2,
        ),
        "residual_network": (ResidualNetwork(ResidualNetworkConfig(**residual)), (images,), 3),
    }


@pytest.mark.parametrize("name", ["transformer", "vision_transformer", "residual_network"])
def test_a_pass_calls_each_block_once_in_order(name: str) -> None:
    model, inputs, count = networks()[name]
    blocks = model.blocks()
    called: list[torch.nn.Module] = []
    for block in blocks:
        block.register_forward_hook(lambda module, *_: called.append(module))
    model(*inputs)
    assert called == blocks
    assert len(blocks) == count
