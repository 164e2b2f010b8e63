"""What Dosovitskiy et al. 2021 says, equation by equation and table by table."""

import pytest
import torch
from torch.nn import functional as F

from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import SIZES, VisionTransformerConfig
from patchword.nn.patches import patchify
from patchword.nn.positions import GridPositions


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


def test_section_3_1_patches_are_p_squared_times_c_values_and_n_is_hw_over_p_squared() -> None:
    images = torch.randn(2, 3, 32, 48)
    patches = patchify(images, 8)
    assert patches.shape == (2, 32 * 48 // 8**2, 8**2 * 3)
    torch.testing.assert_close(patches[1, 7], images[1, :, 8:16, 8:16].flatten())


def test_section_3_1_head_is_an_mlp_with_one_hidden_layer_or_a_single_linear_layer() -> None:
    config = VisionTransformerConfig.named("Ti/16", 10, num_layers=1)
    assert [type(part).__name__ for part in VisionTransformer(config).head.modules()][1:] == ["Sequential", "Linear"]
    mlp = VisionTransformer(config.model_copy(update={"head_hidden": 192})).head
    assert [type(part).__name__ for part in mlp.hidden] == ["Linear", "Tanh"]


def test_section_3_2_position_embeddings_are_interpolated_in_2_d_for_a_higher_resolution() -> None:
    positions = GridPositions((14, 14), 16)
    resized = positions.resized((24, 24))  # 384 pixels in patches of 16, as in fine-tuning
    assert resized.shape == (1 + 24 * 24, 16)
    assert torch.equal(resized[0], positions.embedding[0])
    image = positions.embedding[1:].view(1, 14, 14, 16).permute(0, 3, 1, 2)
    expected = F.interpolate(image, size=(24, 24), mode="bicubic", antialias=True).permute(0, 2, 3, 1).flatten(0, 2)
    torch.testing.assert_close(resized[1:], expected)
