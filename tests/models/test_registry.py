import pytest
import torch
from torch import nn

from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.registry import ARCHITECTURES, architecture_of
from patchword.models.residual_network import ResidualNetwork, ResidualNetworkConfig
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer, VisionTransformerConfig


def test_a_model_is_found_under_its_architectures_name():
    with torch.device("meta"):
        assert architecture_of(Transformer(TransformerConfig.named("tiny", 9, 9))) == "transformer"
        config = RecurrentConfig.chosen({"size": "tiny"}, {"source_vocab_size": 9, "target_vocab_size": 9})
        assert architecture_of(Recurrent(config)) == "recurrent"
        assert architecture_of(VisionTransformer(VisionTransformerConfig.named("Ti/16", 2))) == "vision_transformer"
        assert architecture_of(ResidualNetwork(ResidualNetworkConfig.named("resnet20", 2))) == "residual_network"
    assert set(ARCHITECTURES) == {"transformer", "recurrent", "vision_transformer", "residual_network"}


def test_a_module_that_is_no_architecture_is_refused():
    with pytest.raises(ValueError, match="Linear is not a registered architecture"):
        architecture_of(nn.Linear(1, 1))
