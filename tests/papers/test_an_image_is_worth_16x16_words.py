"""What Dosovitskiy et al. 2021 says, equation by equation and table by table."""

import pytest
import torch

from patchword.models.vision_transformer import SIZES, VisionTransformer, VisionTransformerConfig
from patchword.nn.patches import patchify


def test_224_pixels_in_patches_of_16_are_196_patches_and_197_positions() -> None:
    model = VisionTransformer(VisionTransformerConfig.named("B/16", 1000, num_layers=1))
    assert patchify(torch.zeros(1, 3, 224, 224), 16).shape == (1, 196, 768)
    assert model.position_embedding.embedding.shape == (197, 768)
    assert model.encode(torch.zeros(1, 3, 224, 224)).shape == (1, 197, 768)


def test_equations_1_to_4() -> None:
    config = VisionTransformerConfig.named(
        "Ti/8", 3, image_size=(16, 16), d_model=32, num_heads=2, num_layers=2, d_ff=64
    )
    model = VisionTransformer(config).eval()
    image = torch.randn(1, 3, 16, 16)
    projection, positions = model.patch_embedding.projection, model.position_embedding.embedding
    z = torch.cat([model.class_token[None], patchify(image, 8)[0] @ projection.weight.T + projection.bias]) + positions
    z = z[None]
    for layer in model.encoder.layers:
        z = layer.self_attention(layer.self_attention_residual.norm(z)) + z
        z = layer.feed_forward(layer.feed_forward_residual.norm(z)) + z
    y = model.encoder.norm(z[:, 0])
    torch.testing.assert_close(model.features(image), y, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model(image), model.head(y), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("size", "layers", "width", "mlp", "heads", "millions"),
    [("B", 12, 768, 3072, 12, 86), ("L", 24, 1024, 4096, 16, 307), ("H", 32, 1280, 5120, 16, 632)],
)
def test_table_1_variants(size: str, layers: int, width: int, mlp: int, heads: int, millions: int) -> None:
    assert SIZES[size] == {"num_layers": layers, "d_model": width, "d_ff": mlp, "num_heads": heads}
    with torch.device("meta"):
        model = VisionTransformer(VisionTransformerConfig.named(f"{size}/{14 if size == 'H' else 16}", 1000))
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.02)
