import math

import pytest
import torch
from torch import nn

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


def test_one_adam_step_is_the_papers() -> None:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    optimizer = make_optimizer(model, OptimizerConfig(name="adam"))
    set_learning_rate(optimizer, 0.01)
    model(torch.tensor([[3.0]])).sum().backward()
    optimizer.step()
    assert model.weight.item() == pytest.approx(1.0 - 0.01, rel=1e-5)  # the first step is the rate itself
