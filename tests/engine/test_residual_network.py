"""The folded ResNet gives the reference's answers in every configuration."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from patchword.engine import convolutions, native, residual_network
from patchword.engine.choice import packed
from patchword.engine.network import Network
from patchword.errors import RecipeError
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from tests.converters.resnet.reference import randomise

CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "basic": ("resnet18", {}),
    "bottleneck": ("resnet50", {}),
    "stride in the 1x1": ("resnet50", {"bottleneck_stride": "1x1", "downsample_in_first_stage": True}),
    "blur, average": ("resnet50", {"downsampling": "blur", "shortcut": "average"}),
    "cifar": ("resnet20", {"depths": (2, 1), "widths": (8, 16), "stem_width": 8}),
    "cifar, projections": ("resnet20", {"depths": (1, 1), "widths": (8, 16), "shortcut": "projection"}),
    "one stage": ("resnet20", {"depths": (2,), "widths": (16,)}),
    "backbone": ("resnet18", {"num_classes": 0}),
}


def network(name: str) -> ResidualNetwork:
    size, changes = CONFIGS[name]
    fields = {"num_classes": 5, "depths": (2, 1), "widths": (16, 32), **changes}
    model: ResidualNetwork = randomise(ResidualNetwork(ResidualNetworkConfig.named(size, **fields)))
    return model


@pytest.mark.parametrize("name", CONFIGS)
@torch.inference_mode()
def test_it_answers_as_the_reference_does(variant: str, name: str) -> None:
    model = network(name)
    fast: Any = packed(model, "float32")
    for size in ((3, 3, 32, 48), (1, 3, 33, 40), (3, 3, 32, 48)):
        images = torch.randn(size)
        kept = images.clone()
        torch.testing.assert_close(fast(images), model(images), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(fast.features(images), model.features(images), atol=1e-5, rtol=1e-5)
        assert torch.equal(images, kept)


@torch.inference_mode()
def test_without_fused_operators_it_answers_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolutions, "FUSED", False)
    monkeypatch.setattr(native, "best", lambda: None)
    model, images = network("blur, average"), torch.randn(2, 3, 32, 48)
    fast: Any = packed(model, "float32")
    torch.testing.assert_close(fast(images), model(images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["bottleneck", "cifar", "basic"])
@torch.inference_mode()
def test_an_image_has_the_same_bits_in_every_batch(variant: str, name: str) -> None:
    fast: Any = packed(network(name), "float32")
    images = torch.randn(9, 3, 64, 48)
    alone = torch.cat([fast(image[None]) for image in images])
    if variant == "none":  # oneDNN may take another algorithm for another batch
        torch.testing.assert_close(fast(images), alone, atol=1e-5, rtol=0)
        return
    for count in (2, 5, 9):
        assert torch.equal(fast(images[:count]), alone[:count])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    assert torch.equal(fast(images), alone)
    torch.set_num_threads(threads)


class _Operations(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found.append(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


@torch.no_grad()
def test_torch_shares_nothing_out_between_the_kernels(variant: str) -> None:
    if variant == "none":
        pytest.skip("torch does everything there")
    fast: Any = packed(network("bottleneck"), "float32")
    images = torch.randn(3, 3, 64, 48)
    fast(images)
    with _Operations() as operations:
        fast(images)
    assert set(operations.found) <= {"empty", "view", "_unsafe_view", "split", "slice", "detach", "alias"}


@pytest.mark.parametrize("name", ["bottleneck", "cifar", "one stage"])
@torch.inference_mode()
def test_batches_of_any_size_go_through_in_pieces(variant: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(name)
    images = torch.randn(11, 3, 32, 32)
    monkeypatch.setattr(residual_network, "CACHED_VALUES", 2 * 32 * 32 * model.stem.layer.convolution.out_channels)
    monkeypatch.setattr(residual_network, "PIECES", 2)
    torch.testing.assert_close(packed(model, "float32")(images), model(images), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_threads_do_not_share_a_plan(variant: str) -> None:
    fast: Any = packed(network("bottleneck"), "float32")
    batches = [torch.randn(1 + place % 2, 3, 48, 48) for place in range(8)]
    expected = [fast(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for found, right in zip(pool.map(torch.inference_mode()(fast), batches * 5), expected * 5, strict=True):
            torch.testing.assert_close(found, right, atol=0 if variant != "none" else 1e-5, rtol=0)


@pytest.mark.parametrize("name", ["basic", "bottleneck", "cifar", "cifar, projections"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@torch.inference_mode()
def test_a_pixel_that_is_not_finite_is_seen_in_its_image_alone(variant: str, name: str, value: float) -> None:
    fast: Any = packed(network(name), "float32")
    images = torch.randn(3, 3, 40, 40)
    expected = fast(images)
    images[1, 0, 5, 6] = value
    found = fast(images)
    assert not found[1].isfinite().any()
    assert torch.equal(found[[0, 2]], expected[[0, 2]])


@torch.inference_mode()
def test_folding_does_not_change_the_model_and_consuming_empties_it() -> None:
    model, images = network("bottleneck"), torch.randn(2, 3, 32, 32)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    expected = model(images)
    packed(model, "float32")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    fast: Any = packed(model, "float32", consume=True)
    assert sum(weight.numel() for name, weight in model.named_parameters() if not name.startswith("head")) == 0
    torch.testing.assert_close(fast(images), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_changed_statistics_are_seen() -> None:
    model, images = network("basic"), torch.randn(2, 3, 32, 32)
    held = Network(model)
    before = held.fast(images)
    model.train()(images)
    model.eval()
    torch.testing.assert_close(held.fast(images), model(images), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(held.fast(images), before, atol=1e-3)


def test_int8_is_refused_in_one_sentence() -> None:
    with pytest.raises(RecipeError, match="precision 'int8' needs a Transformer or a ViT"):
        Network(network("basic"), "int8")
