"""Google's .npz files: flax modules under the names of its two code bases, and timm's own reading of them."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from patchword.converters.imported import ImportOptions
from patchword.converters.importing import convert
from patchword.converters.vit.big_vision import sincos_2d
from patchword.errors import CheckpointError
from patchword.images.classifier import ImageClassifier
from tests.converters.reference import imported, photographs, reference

jax: Any = reference("jax")
jnp: Any = reference("jax.numpy")
nn: Any = reference("flax.linen")
traverse: Any = reference("flax.traverse_util")
timm: Any = reference("timm")

# Parts of an encoder block as each code base numbers them: first norm, attention, second norm, feed-forward.
FIRST = ("LayerNorm_0", "MultiHeadDotProductAttention_1", "LayerNorm_2", "MlpBlock_3")
BIG_VISION = ("LayerNorm_0", "MultiHeadDotProductAttention_0", "LayerNorm_1", "MlpBlock_0")
EPS = 1e-6


class Mlp(nn.Module):
    d_ff: int

    @nn.compact
    def __call__(self, x: Any) -> Any:
        return nn.Dense(x.shape[-1], name="Dense_1")(nn.gelu(nn.Dense(self.d_ff, name="Dense_0")(x)))


class Block(nn.Module):
    names: tuple[str, str, str, str]
    heads: int
    d_ff: int

    @nn.compact
    def __call__(self, x: Any) -> Any:
        y = nn.LayerNorm(epsilon=EPS, name=self.names[0])(x)
        x = x + nn.MultiHeadDotProductAttention(num_heads=self.heads, name=self.names[1])(y, y)
        y = nn.LayerNorm(epsilon=EPS, name=self.names[2])(x)
        return x + Mlp(self.d_ff, name=self.names[3])(y)


class PositionEmbedding(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        return x + self.param("pos_embedding", nn.initializers.normal(0.5), (1, *x.shape[1:]))


class Transformer(nn.Module):
    names: tuple[str, str, str, str]
    layers: int
    heads: int
    d_ff: int

    @nn.compact
    def __call__(self, x: Any) -> Any:
        if self.names == FIRST:
            x = PositionEmbedding(name="posembed_input")(x)
        for i in range(self.layers):
            x = Block(self.names, self.heads, self.d_ff, name=f"encoderblock_{i}")(x)
        return nn.LayerNorm(epsilon=EPS, name="encoder_norm")(x)


class FlaxViT(nn.Module):
    names: tuple[str, str, str, str] = FIRST
    class_token: bool = True
    representation: int = 0
    classes: int = 5
    patch: int = 8
    d_model: int = 64
    layers: int = 3
    heads: int = 4
    d_ff: int = 96

    @nn.compact
    def __call__(self, images: Any) -> Any:
        size = (self.patch, self.patch)
        x = nn.Conv(self.d_model, size, strides=size, padding="VALID", name="embedding")(images)
        x = x.reshape(x.shape[0], -1, x.shape[-1])
        if self.names == BIG_VISION:
            x = x + self.param("pos_embedding", nn.initializers.normal(0.5), (1, *x.shape[1:]))
        if self.class_token:
            token = self.param("cls", nn.initializers.normal(0.5), (1, 1, self.d_model))
            x = jnp.concatenate([jnp.tile(token, (x.shape[0], 1, 1)), x], axis=1)
        x = Transformer(self.names, self.layers, self.heads, self.d_ff, name="Transformer")(x)
        x = x[:, 0] if self.class_token else x.mean(axis=1)
        if self.representation:
            x = jnp.tanh(nn.Dense(self.representation, name="pre_logits")(x))
        return nn.Dense(self.classes, name="head")(x) if self.classes else x


def build(size: int = 64, **choices: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """A flax network and its parameters by name, all of them random, as the code bases flatten them."""
    model = FlaxViT(**choices)
    shapes = jax.eval_shape(model.init, jax.random.PRNGKey(0), jnp.zeros((1, size, size, 3)))["params"]
    generator = np.random.default_rng(0)
    flat = {}
    for name, shape in traverse.flatten_dict(shapes, sep="/").items():
        scale = 0.3 if len(shape.shape) == 1 else 1.5 / math.sqrt(math.prod(shape.shape[:-1][:2]))
        flat[name] = (generator.normal(0, min(scale, 0.5), shape.shape) + name.endswith("scale")).astype(np.float32)
    return model, flat


def logits_of(model: Any, flat: dict[str, np.ndarray], pixels: torch.Tensor) -> torch.Tensor:
    parameters = traverse.unflatten_dict({tuple(name.split("/")): array for name, array in flat.items()})
    images = jnp.asarray(pixels.permute(0, 2, 3, 1).numpy())
    return torch.from_numpy(np.array(model.apply({"params": parameters}, images)))


def assert_equal_logits(classifier: ImageClassifier, model: Any, flat: dict[str, np.ndarray], images: int = 4) -> None:
    pixels = classifier.preprocessing(photographs()[:images])
    expected = logits_of(model, flat, pixels)
    assert float(expected.std()) > 0.05
    with torch.inference_mode():
        torch.testing.assert_close(classifier.model(pixels), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "choices",
    [{}, {"representation": 40}, {"class_token": False}, {"classes": 0}, {"classes": 0, "representation": 40}],
    ids=["plain", "pre_logits", "mean", "no head", "pre_logits without head"],
)
@pytest.mark.parametrize("names", [FIRST, BIG_VISION], ids=["vision_transformer", "big_vision"])
def test_an_imported_network_says_what_flax_says(names: Any, choices: dict[str, Any], tmp_path: Path) -> None:
    model, flat = build(names=names, **choices)
    prefix = "params/" if names == BIG_VISION else ""
    np.savez(tmp_path / "theirs.npz", **{prefix + name: array for name, array in flat.items()})
    classifier = imported(tmp_path / "theirs.npz", tmp_path / "ours")
    assert classifier.model.config.activation == "gelu_tanh"
    assert_equal_logits(classifier, model, flat)


@pytest.mark.parametrize("names", [FIRST, BIG_VISION], ids=["vision_transformer", "big_vision"])
def test_full_size(names: Any, tmp_path: Path) -> None:
    sizes = {"patch": 16, "d_model": 384, "layers": 12, "heads": 6, "d_ff": 1536, "classes": 1000}  # S/16
    model, flat = build(224, names=names, **sizes)
    prefix = "params/" if names == BIG_VISION else ""
    np.savez(tmp_path / "theirs.npz", **{prefix + name: array for name, array in flat.items()})
    assert_equal_logits(imported(tmp_path / "theirs.npz", tmp_path / "ours"), model, flat, images=2)


def test_layers_in_one_tensor_are_taken_apart(tmp_path: Path) -> None:
    model, flat = build(names=BIG_VISION)
    block = "Transformer/encoderblock_"
    scanned = {f"params/{name}": array for name, array in flat.items() if not name.startswith(block)}
    for name in [name for name in flat if name.startswith(f"{block}0/")]:
        rest = name.split("/", 2)[2]
        layers = [flat[f"{block}{i}/{rest}"] for i in range(3)]
        scanned[f"params/Transformer/encoderblock/{rest}"] = np.stack(layers)
    np.savez(tmp_path / "theirs.npz", **scanned)
    assert_equal_logits(imported(tmp_path / "theirs.npz", tmp_path / "ours"), model, flat)


def test_a_file_without_positions_gets_the_fixed_ones(tmp_path: Path) -> None:
    model, flat = build(names=BIG_VISION, class_token=False)
    flat["pos_embedding"] = sincos_2d((8, 8), 64)[None].numpy()
    kept = {f"params/{name}": array for name, array in flat.items() if name != "pos_embedding"}
    np.savez(tmp_path / "theirs.npz", **kept)
    classifier = imported(tmp_path / "theirs.npz", tmp_path / "ours", ImportOptions(image_size=(64, 64)))
    assert "assumed fixed sines and cosines" in str(classifier.facts["assumed"])
    assert_equal_logits(classifier, model, flat)


@pytest.mark.parametrize("names", [FIRST, BIG_VISION], ids=["vision_transformer", "big_vision"])
def test_timm_reads_the_same_file_as_the_same_network(names: Any, tmp_path: Path) -> None:
    _, flat = build(names=names, heads=2)
    prefix = "params/" if names == BIG_VISION else ""
    np.savez(tmp_path / "theirs.npz", **{prefix + name: array for name, array in flat.items()})
    sizes = {"img_size": 64, "patch_size": 8, "embed_dim": 64, "depth": 3, "num_heads": 2, "mlp_ratio": 1.5}
    theirs = timm.create_model(
        "vit_tiny_patch16_224",
        **sizes,
        num_classes=5,
        no_embed_class=names == BIG_VISION,
        act_layer="gelu_tanh",
    ).eval()
    theirs.load_pretrained(str(tmp_path / "theirs.npz"))
    classifier = imported(tmp_path / "theirs.npz", tmp_path / "ours")
    pixels = classifier.preprocessing(photographs())
    with torch.inference_mode():
        torch.testing.assert_close(classifier.model(pixels), theirs(pixels), atol=1e-4, rtol=0)


def test_another_image_size_resizes_positions_as_the_jax_code_does(tmp_path: Path) -> None:
    from scipy.ndimage import zoom

    model, flat = build()
    np.savez(tmp_path / "theirs.npz", **flat)
    classifier = imported(tmp_path / "theirs.npz", tmp_path / "ours", ImportOptions(image_size=(96, 48)))
    name = "Transformer/posembed_input/pos_embedding"
    grid = flat[name][0, 1:].reshape(8, 8, -1)
    resized = zoom(grid, (12 / 8, 6 / 8, 1), order=1).reshape(1, 72, -1)
    flat[name] = np.concatenate([flat[name][:, :1], resized], axis=1)
    assert_equal_logits(classifier, model, flat)


def test_what_is_not_supported_is_refused_by_its_name(tmp_path: Path) -> None:
    _, flat = build(names=BIG_VISION)
    arrays = {f"params/{name}": array for name, array in flat.items()}
    np.savez(tmp_path / "map.npz", **arrays, **{"params/MAPHead_0/probe": np.zeros((1, 1, 64), np.float32)})
    with pytest.raises(CheckpointError, match=r"ends in a MAP head \(MAPHead_0\), which is not supported"):
        convert(tmp_path / "map.npz")
    _, flat = build()
    np.savez(tmp_path / "hybrid.npz", **flat, **{"conv_root/kernel": np.zeros((7, 7, 3, 64), np.float32)})
    with pytest.raises(CheckpointError, match="a hybrid ViT"):
        convert(tmp_path / "hybrid.npz")
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    with pytest.raises(CheckpointError, match="of an unknown layout"):
        convert(tmp_path / "other.npz")
