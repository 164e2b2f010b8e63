"""A network that is not what its config says runs as it is."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from patchword.engine.choice import packed
from patchword.engine.network import Network
from patchword.errors import NotFiniteError, RecipeError
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig


def transformer(**changes: Any) -> Transformer:
    torch.manual_seed(1)
    sizes = {"d_model": 16, "num_heads": 2, "encoder_layers": 2, "decoder_layers": 2, "d_ff": 16, **changes}
    config = TransformerConfig.parse({"source_vocab_size": 30, "target_vocab_size": 30, **sizes}, "test")
    return Transformer(config).eval()


def vision_transformer() -> VisionTransformer:
    torch.manual_seed(1)
    sizes = {"image_size": (8, 8), "patch_size": 4, "d_model": 16, "num_heads": 2, "num_layers": 2, "d_ff": 16}
    return VisionTransformer(VisionTransformerConfig.parse({"num_classes": 3, **sizes}, "test")).eval()


def widen(layer: Any) -> None:
    layer.feed_forward.inner, layer.feed_forward.outer = nn.Linear(16, 400), nn.Linear(400, 16)


def set_(path: str, value: Any) -> Callable[[Any], None]:
    def change(layer: Any) -> None:
        *parents, name = path.split(".")
        for parent in parents:
            layer = getattr(layer, parent)
        setattr(layer, name, value)

    return change


CHANGES: dict[str, Callable[[Any], None]] = {
    "a wider feed-forward": widen,
    "another activation": set_("feed_forward.activation", F.elu),
    "another number of heads": set_("self_attention.num_heads", 4),
    "another order": set_("self_attention_residual.norm_first", 3),
    "another epsilon": set_("feed_forward_residual.norm.eps", 0.1),
    "no bias in a norm": set_("self_attention_residual.norm.bias", None),
    "no bias in a layer": set_("feed_forward.outer.bias", None),
    "another module": set_("feed_forward_residual.layer_scale", nn.Tanh()),
    "a hook": lambda layer: layer.register_forward_hook(lambda *_: None),
    "a hook before": lambda layer: layer.feed_forward.inner.register_forward_pre_hook(lambda *_: None),
    "another forward": set_("feed_forward.forward", lambda x: x),
}


def stacks(model: Any) -> list[Any]:
    return [model.encoder] if isinstance(model, VisionTransformer) else [model.encoder, model.decoder]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("make", [transformer, vision_transformer])
def test_a_changed_layer_is_not_ignored(make: Callable[[], Any], change: Callable[[Any], None]) -> None:
    for index in range(len(stacks(make()))):
        model = make()
        network = Network(model)
        assert network.fast is not model
        change(stacks(model)[index].layers[1])
        assert network.fast is model
        assert packed(model, "float32") is None
        with pytest.raises(RecipeError, match="precision 'int8' needs"):
            Network(model, "int8")


def test_a_hook_on_all_modules_is_not_ignored() -> None:
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        assert packed(transformer(), "float32") is None
    finally:
        handle.remove()
    assert packed(transformer(), "float32") is not None


def test_what_acts_in_training_alone_may_be_changed() -> None:
    model = transformer()
    for module in model.modules():
        if hasattr(module, "probability"):
            module.probability = 0.4
    model.encoder.layers[0].self_attention.dropout = 0.3
    assert packed(model, "float32") is not None


def test_a_layer_that_is_put_back_runs_packed_again() -> None:
    model = transformer()
    network = Network(model)
    layer = model.decoder.layers[1]
    handle = layer.register_forward_hook(lambda *_: None)
    assert network.fast is model
    handle.remove()
    assert network.fast is not model


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_weight_that_is_no_number_is_named(precision: Any, value: float) -> None:
    for make, name in ((transformer, "decoder.layers.1.feed_forward.outer.bias"), (vision_transformer, "class_token")):
        model = make()
        model.get_parameter(name).data[3] = value
        with pytest.raises(NotFiniteError, match=f"^{name} holds values that are infinite or not a number"):
            assert Network(model, precision).fast
        with pytest.raises(NotFiniteError, match=name):
            Network(model, reference=True, reread=make)
