import torch
from torch import nn

from patchword.nn.dropout import Dropout
from patchword.training.freezing import freeze, train_mode


def network() -> nn.Module:
    model = nn.Module()
    model.token = nn.Parameter(torch.zeros(2))
    model.head = nn.Linear(2, 2)
    model.head_norm = nn.LayerNorm(2)
    model.body = nn.Sequential(nn.Linear(2, 2), Dropout(0.5))
    return model


def test_frozen_parts_and_only_they_get_no_gradient() -> None:
    model = network()
    freeze(model, ["token", "body", "head_norm"])
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == {"head.weight", "head.bias"}


def test_a_name_that_another_begins_with_does_not_freeze_the_other() -> None:
    model = network()
    freeze(model, ["head"])
    assert not model.head.weight.requires_grad
    assert model.head_norm.weight.requires_grad


def test_a_tied_weight_is_frozen_under_each_of_its_names() -> None:
    model = network()
    model.tied = nn.Linear(2, 2)
    model.tied.weight = model.head.weight
    freeze(model, ["tied"])
    assert not model.head.weight.requires_grad


def test_frozen_parts_stay_in_evaluation_mode() -> None:
    model = network().eval()
    train_mode(model, ["token", "body"])
    assert model.training
    assert model.head.training
    assert not model.body[1].training
