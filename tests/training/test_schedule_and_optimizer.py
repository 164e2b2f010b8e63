import math

import pytest
import torch
from torch import nn

from patchword.nn.recurrence import RecurrentLayer
from patchword.training.optimizer import make_optimizer, set_learning_rate
from patchword.training.recipe import OptimizerConfig, ScheduleConfig
from patchword.training.schedule import learning_rate_factor


@pytest.mark.parametrize("name", ["inverse_sqrt", "cosine", "constant"])
def test_all_schedules_rise_linearly_first(name: str) -> None:
    schedule = ScheduleConfig(name=name, warmup_steps=10)
    found = [learning_rate_factor(schedule, step, 100) for step in range(1, 11)]
    assert found == pytest.approx([step / 10 for step in range(1, 11)])


def test_cosine_falls_to_its_final_factor() -> None:
    schedule = ScheduleConfig(name="cosine", warmup_steps=10, final_factor=0.1)
    assert learning_rate_factor(schedule, 55, 100) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2)
    assert learning_rate_factor(schedule, 100, 100) == pytest.approx(0.1)
    assert learning_rate_factor(schedule, 120, 100) == pytest.approx(0.1)


def test_without_a_warm_up_the_first_step_has_the_full_rate() -> None:
    assert learning_rate_factor(ScheduleConfig(name="constant", warmup_steps=0), 1, None) == 1.0


def test_weight_decay_acts_on_matrices_of_linear_layers_only() -> None:
    model = nn.Sequential(nn.Embedding(3, 4), nn.Linear(4, 4), nn.LayerNorm(4))
    optimizer = make_optimizer(model, OptimizerConfig(weight_decay=0.1))
    decayed = {id(p) for g in optimizer.param_groups if g["weight_decay"] for p in g["params"]}
    assert decayed == {id(model[1].weight)}
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(list(model.parameters()))


def test_weight_decay_acts_on_both_matrices_of_a_recurrent_layer() -> None:
    layer = RecurrentLayer("gru", 3, 4)
    optimizer = make_optimizer(layer, OptimizerConfig(weight_decay=0.1))
    decayed = {id(p) for g in optimizer.param_groups if g["weight_decay"] for p in g["params"]}
    assert decayed == {id(layer.input_weight), id(layer.hidden_weight)}


def test_one_adam_step_is_the_papers() -> None:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    optimizer = make_optimizer(model, OptimizerConfig(name="adam"))
    set_learning_rate(optimizer, 0.01)
    model(torch.tensor([[3.0]])).sum().backward()
    optimizer.step()
    assert model.weight.item() == pytest.approx(1.0 - 0.01, rel=1e-5)  # the first step is the rate itself


def depth(name: str) -> int:
    return {"0": 2, "1": 1, "2": 0}[name.split(".")[0]]


def stack() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))


def test_layer_decay_multiplies_the_rate_once_a_layer() -> None:
    model = stack()
    optimizer = make_optimizer(model, OptimizerConfig(layer_decay=0.5, weight_decay=0.1), depth)
    set_learning_rate(optimizer, 0.08)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert [rates[id(p)] for p in model.parameters()] == pytest.approx([0.02, 0.02, 0.04, 0.04, 0.08, 0.08])
    decayed = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {id(model[0].weight), id(model[2].weight)}


def test_with_layer_decay_the_first_adam_step_is_as_large_as_each_layers_rate() -> None:
    model = stack()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = make_optimizer(model, OptimizerConfig(name="adam", layer_decay=0.5), depth)
    set_learning_rate(optimizer, 0.08)
    model(torch.randn(16, 4)).pow(2).sum().backward()
    optimizer.step()
    steps = [(p - old).abs().max().item() for p, old in zip(model.parameters(), before, strict=True)]
    assert steps == pytest.approx([0.02, 0.02, 0.04, 0.04, 0.08, 0.08], rel=1e-3)


def test_without_layer_decay_there_are_the_two_groups_of_weight_decay_alone() -> None:
    model = stack()
    optimizer = make_optimizer(model, OptimizerConfig(weight_decay=0.1), depth)
    assert [group["rate_factor"] for group in optimizer.param_groups] == [1.0, 1.0]
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 4]


def test_frozen_parameters_are_in_no_group() -> None:
    model = stack()
    model[0].requires_grad_(False)
    optimizer = make_optimizer(model, OptimizerConfig(layer_decay=0.5), depth)
    assert {id(p) for g in optimizer.param_groups for p in g["params"]} == {
        id(p) for part in (model[1], model[2]) for p in part.parameters()
    }


def test_an_optimizer_saved_without_factors_goes_on_with_one_rate() -> None:
    saved = make_optimizer(stack(), OptimizerConfig()).state_dict()
    for group in saved["param_groups"]:
        del group["rate_factor"]
    optimizer = make_optimizer(stack(), OptimizerConfig())
    optimizer.load_state_dict(saved)
    set_learning_rate(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]


def test_sgd_has_nesterovs_momentum_and_decays_the_matrices_alone() -> None:
    model = nn.ModuleDict(
        {
            "conv": nn.Conv2d(1, 2, 3),
            "norm": nn.BatchNorm2d(2),
            "rnn": RecurrentLayer("lstm", 2, 2),
            "linear": nn.Linear(2, 2),
        }
    )
    config = OptimizerConfig(name="sgd", learning_rate=0.1, momentum=0.8, weight_decay=0.01)
    optimizer = make_optimizer(model, config)
    assert isinstance(optimizer, torch.optim.SGD)
    decayed = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    names = {name for name, parameter in model.named_parameters() if id(parameter) in decayed}
    assert names == {"conv.weight", "rnn.input_weight", "rnn.hidden_weight", "linear.weight"}
    assert all(group["momentum"] == 0.8 and group["nesterov"] for group in optimizer.param_groups)
