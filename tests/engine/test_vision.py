"""The packed ViT gives the reference's answers in every configuration."""

from typing import Any

import pytest
import torch

from patchword.engine import native, native_vision_transformer, threads
from patchword.engine.choice import packed
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig

CONFIGS: dict[str, dict[str, Any]] = {
    "paper": {},
    "post-norm": {"norm_first": False, "activation": "relu"},
    "mean": {"pool": "mean", "class_token": False, "norm_after_pool": True},
    "dino": {"layer_scale": 0.3, "register_tokens": 2, "activation": "swiglu", "pool": "class_token_and_mean"},
    "deit": {"distillation_token": True, "distillation_head": True, "activation": "gelu_tanh"},
    "pretraining": {"head_hidden": 20, "positions": "none", "activation": "silu"},
    "backbone": {"num_classes": 0},
}
SIZES = {"num_classes": 5, "image_size": (8, 12), "patch_size": 4, "d_model": 32, "num_heads": 4, "num_layers": 2}


def network(name: str) -> VisionTransformer:
    torch.manual_seed(1)
    model = VisionTransformer(VisionTransformerConfig.parse({**SIZES, "d_ff": 48, **CONFIGS[name]}, "test")).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    return model


@pytest.mark.parametrize("name", CONFIGS)
@torch.inference_mode()
def test_it_answers_as_the_reference_does(variant: str, name: str) -> None:
    model, images = network(name), torch.randn(3, 3, 8, 12)
    fast: Any = packed(model, "float32")
    torch.testing.assert_close(fast(images), model(images), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(fast.features(images), model.features(images), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_an_image_does_not_depend_on_its_batch() -> None:
    fast: Any = packed(network("paper"), "float32")
    images = torch.randn(5, 3, 8, 12)
    alone = torch.cat([fast(image[None]) for image in images])
    torch.testing.assert_close(fast(images), alone, atol=1e-6, rtol=0)


@pytest.mark.skipif(native.best() is None, reason="torch shares its operations out by itself")
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("images", [1, 7, 24])
def test_threads_take_images_of_their_own_and_change_no_answer(
    monkeypatch: pytest.MonkeyPatch, count: int, images: int
) -> None:
    fast: Any = packed(network("paper"), "float32")
    given = torch.randn(images, 3, 8, 12)
    monkeypatch.setattr(native_vision_transformer, "CACHED_ROWS", 21)  # three images a part
    right = fast(given)
    seen, run = [], fast.native._encoded_together
    monkeypatch.setattr(native_vision_transformer, "WORTH_A_THREAD", 0)
    monkeypatch.setattr(threads, "_of_torch", lambda: count)
    monkeypatch.setattr(fast.native, "_encoded_together", lambda part: seen.append(threads.count()) or run(part))
    assert torch.equal(fast(given), right)
    parts = -(-images // 3)
    alone = parts - parts % count if count > 1 else 0
    assert sorted(seen) == sorted([1] * alone + [count] * (parts - alone))


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
@torch.inference_mode()
def test_rounded_weights_are_near_the_reference(variant: str, precision: Any) -> None:
    model, images = network("paper"), torch.randn(16, 3, 8, 12)
    fast: Any = packed(model, precision)
    expected = model(images)
    error = (fast(images) - expected).std() / expected.std()
    assert 0 < error < 0.1


def test_packing_leaves_the_model_as_it_was() -> None:
    model = network("dino")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    packed(model, "int8")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert type(model.encoder).__name__ == "Encoder"


@pytest.mark.skipif(native.best() is None, reason="torch checks its own arguments")
@torch.inference_mode()
def test_images_of_another_shape_are_refused() -> None:
    fast: Any = packed(network("paper"), "float32")
    for shape in ((1, 8, 12, 3), (1, 3, 12, 8), (1, 6, 4, 12), (2, 3, 8, 6)):
        for ask in (fast, fast.features):
            with pytest.raises(ValueError, match="expected float32"):
                ask(torch.randn(shape))
    with pytest.raises(ValueError, match="float64"):
        fast(torch.randn(1, 3, 8, 12).double())
