import pytest
import torch
from torch import nn

from patchword.errors import RecipeError
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.registry import ARCHITECTURES, ModelChoice, architecture_for, architecture_of, regularisation
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig


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


@pytest.mark.parametrize(
    ("task", "said", "meant"),
    [
        ("translation", None, "transformer"),
        ("translation", "rnn", "recurrent"),
        ("translation", "recurrent", "recurrent"),
        ("classification", None, "vision_transformer"),
        ("classification", "cnn", "residual_network"),
    ],
)
def test_an_architecture_is_chosen_by_its_name_or_its_short_one_and_the_first_without(task, said, meant):
    assert architecture_for(task, said) == meant
    assert ARCHITECTURES[meant].task == task


def test_an_architecture_of_another_task_is_refused_with_the_nearest():
    with pytest.raises(RecipeError, match="unknown model 'rnn' for classification; did you mean 'cnn'"):
        architecture_for("classification", "rnn")


VOCABULARY = {"source_vocab_size": 50, "target_vocab_size": 50, "share_embeddings": True}


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"d_modle": 8}, "unknown key 'model.d_modle'; did you mean 'd_model'?"),
        ({"pad_id": 3}, "unknown key 'model.pad_id'; valid: "),
        ({"architecture": "rnn", "d_model": 8}, "unknown key 'model.d_model'; valid: "),
        ({"architecture": "rnn", "hidden_size": 0}, "model.hidden_size = 0: input should be greater than 0"),
        ({"size": "samll"}, "model.size = 'samll': unknown Transformer size 'samll'; did you mean 'small'?"),
        ({"d_model": 9, "num_heads": 2}, "d_model 9 is not a multiple of num_heads 2"),
    ],
)
def test_a_recipes_model_is_validated_by_its_architectures_own_config(choice, message):
    with pytest.raises(RecipeError) as caught:
        ModelChoice(**choice).config("translation", VOCABULARY)
    assert message in str(caught.value)


@pytest.mark.parametrize("choice", [{}, {"architecture": "rnn", "size": "tiny", "cell": "gru"}, {"norm_first": True}])
def test_a_resolved_choice_means_the_same_and_says_every_field(choice):
    config = ModelChoice(**choice).config("translation", VOCABULARY)
    resolved = ModelChoice(**ModelChoice(**choice).resolved("translation", config))
    assert resolved.config("translation", VOCABULARY) == config
    assert set(resolved.fields()) - {"size"} == set(type(config).model_fields) - config.GIVEN


def test_what_acts_in_training_alone_is_gathered_over_a_tasks_architectures():
    assert regularisation("classification") == {"dropout", "attention_dropout", "activation_dropout", "drop_path"}
