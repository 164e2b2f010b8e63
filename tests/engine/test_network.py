"""What runs follows the network that can be looked into."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from patchword.engine import native
from patchword.engine import network as network_module
from patchword.engine.choice import packed
from patchword.engine.network import Network
from patchword.engine.plain_transformer import PlainTransformer
from patchword.engine.transformer import PackedTransformer
from patchword.errors import RecipeError
from patchword.models.transformer import Transformer, TransformerConfig


def transformer() -> Transformer:
    torch.manual_seed(1)
    sizes = {"d_model": 16, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 16}
    return Transformer(TransformerConfig.parse({"source_vocab_size": 30, "target_vocab_size": 30, **sizes}, "test"))


class Other(nn.Module):
    config = None

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))


def memory(network: Network) -> Tensor:
    with torch.inference_mode():
        return torch.as_tensor(network.fast.encode(torch.tensor([[5, 6, 3]])).rows)


def test_a_transformer_runs_packed_and_the_reference_when_asked() -> None:
    model = transformer()
    assert isinstance(Network(model).fast, PackedTransformer if native.best() else PlainTransformer)
    assert Network(model, reference=True).fast is model


def test_a_changed_weight_is_packed_again() -> None:
    model = transformer()
    network = Network(model)
    before = memory(network)
    assert torch.equal(memory(network), before)
    with torch.no_grad():
        model.encoder.layers[0].feed_forward.inner.weight.mul_(2)
    assert not torch.equal(memory(network), before)


def test_weights_given_up_are_read_again_and_can_be_changed() -> None:
    network = Network(transformer(), reread=lambda: transformer().eval())
    before = memory(network)
    torch.testing.assert_close(network.model.encode(torch.tensor([[5, 6, 3]]))[0], before)
    assert torch.equal(memory(network), before)
    with torch.no_grad():
        network.model.source_embedding.weight.mul_(2)
    assert not torch.equal(memory(network), before)


def test_a_network_that_the_engine_does_not_know_runs_as_it_is() -> None:
    other = Other()
    assert Network(other).fast is other
    with pytest.raises(RecipeError, match="precision 'int8' needs a Transformer or a ViT"):
        Network(other, "int8")


def test_half_precision_weights_run_as_they_are() -> None:
    model = transformer().bfloat16()
    assert Network(model).fast is model


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_the_reference_has_float32_alone(precision: Any) -> None:
    with pytest.raises(RecipeError, match=f"the reference path has no precision '{precision}'"):
        Network(transformer(), precision, reference=True)


@pytest.mark.parametrize("multiplied", [True, False])
def test_auto_is_bfloat16_where_the_processor_multiplies_it(monkeypatch: pytest.MonkeyPatch, multiplied: bool) -> None:
    kernels = native.best()
    if kernels is None:
        pytest.skip("no kernels here")
    monkeypatch.setattr(kernels, "multiplies_bfloat16", multiplied)
    assert Network(transformer(), "auto").precision == ("bfloat16" if multiplied else "float32")
    assert Network(transformer(), "auto", reread=lambda: transformer().eval()).precision == (
        "bfloat16" if multiplied else "float32"
    )
    for exact in (Network(transformer(), "auto", reference=True), Network(Other(), "auto")):
        assert exact.precision == "float32"


def test_auto_is_float32_without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "best", lambda: None)
    assert Network(transformer(), "auto").precision == "float32"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_copy_of_a_packed_network_packs_itself(copied: Any) -> None:
    network = Network(transformer(), "int8", reread=lambda: transformer().eval())
    before = memory(network)
    other = copied(network)
    assert torch.equal(memory(other), before)
    assert other.fast is not network.fast


def test_what_was_packed_within_inference_mode_runs_without(variant: str) -> None:
    values = {**transformer().config.model_dump(), "positions": "learned", "max_positions": 30}
    model = Transformer(TransformerConfig.parse(values, "a test")).eval()
    with torch.inference_mode():
        networks = [Network(model, reread=lambda: model)]
    other = Transformer(TransformerConfig.parse(values, "a test")).eval()
    for network in [*networks, Network(other, reread=lambda: other)]:
        source = torch.tensor([[5, 6, 3]])
        memory = network.fast.encode(source)
        assert memory.rows.shape[0] == 3
        network.fast.decode_step(torch.tensor([2]), network.fast.start(memory, source))


def test_threads_that_ask_at_once_share_one_packed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    network, made = Network(transformer()), []
    monkeypatch.setattr(network_module, "packed", lambda *arguments, **options: made.append(1) or packed(*arguments))
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: id(network.fast), range(16)))) == 1
    assert len(made) == 1
