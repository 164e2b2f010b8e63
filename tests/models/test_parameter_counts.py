"""Numbers of parameters, pinned: a change of any is a change of the architecture."""

import pytest
import torch
from torch import nn

from patchword.models import recurrent, residual_network_config, transformer_config, vision_transformer_config
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig

# With the shared vocabulary of 37,000 tokens of Vaswani et al. 2017, section 5.1.
TRANSFORMERS = {"tiny": 6_061_056, "small": 13_425_664, "base": 63_082_496, "big": 214_245_376}
# With a shared vocabulary of 8,000 tokens, with and without input feeding.
RECURRENTS = {
    "tiny": (2_406_656, 2_275_584),
    "small": (5_988_864, 5_464_576),
    "base": (48_187_392, 46_090_240),
    "big": (184_455_168, 176_066_560),
}
# At 224 pixels and 1,000 classes.
VISION_TRANSFORMERS = {
    "Ti/16": 5_717_416,
    "S/16": 22_050_664,
    "B/16": 86_567_656,
    "B/32": 88_224_232,
    "L/16": 304_326_632,
    "L/32": 306_535_400,
    "H/14": 632_045_800,
}
# At 1,000 classes (torchvision's), and at CIFAR's 10 (table 6 of He et al. 2016, in millions).
RESIDUAL_NETWORKS = {
    "resnet18": (1000, 11_689_512),
    "resnet34": (1000, 21_797_672),
    "resnet50": (1000, 25_557_032),
    "resnet101": (1000, 44_549_160),
    "resnet152": (1000, 60_192_808),
    "resnet20": (10, 269_722),
    "resnet32": (10, 464_154),
    "resnet44": (10, 658_586),
    "resnet56": (10, 853_018),
    "resnet110": (10, 1_727_962),
}


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(("size", "expected"), TRANSFORMERS.items())
def test_a_transformer_has_as_many_parameters_as_before(size, expected):
    with torch.device("meta"):
        assert count(Transformer(TransformerConfig.named(size, 37_000, 37_000))) == expected


@pytest.mark.parametrize(("size", "expected"), RECURRENTS.items())
def test_an_rnn_has_as_many_parameters_as_before(size, expected):
    given = {"source_vocab_size": 8000, "target_vocab_size": 8000}
    for input_feeding, parameters in zip((True, False), expected, strict=True):
        config = RecurrentConfig.chosen({"size": size, "input_feeding": input_feeding}, given)
        with torch.device("meta"):
            assert count(Recurrent(config)) == parameters


@pytest.mark.parametrize(("name", "expected"), VISION_TRANSFORMERS.items())
def test_a_vision_transformer_has_as_many_parameters_as_before(name, expected):
    with torch.device("meta"):
        assert count(VisionTransformer(VisionTransformerConfig.named(name, 1000))) == expected


@pytest.mark.parametrize(("name", "expected"), RESIDUAL_NETWORKS.items())
def test_a_residual_network_has_as_many_parameters_as_in_the_paper(name, expected):
    classes, parameters = expected
    with torch.device("meta"):
        assert count(ResidualNetwork(ResidualNetworkConfig.named(name, classes))) == parameters


def test_no_size_is_without_a_pin():
    assert TRANSFORMERS.keys() == transformer_config.SIZES.keys()
    assert RECURRENTS.keys() == recurrent.SIZES.keys()
    assert {name.partition("/")[0] for name in VISION_TRANSFORMERS} == vision_transformer_config.SIZES.keys()
    assert RESIDUAL_NETWORKS.keys() == residual_network_config.SIZES.keys()
