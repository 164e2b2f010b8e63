"""One short training, the same for every side of a claim: optimizer, schedule, steps, order of the batches."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from patchword.compare.claim import Work
from patchword.training.optimizer import make_optimizer, set_learning_rate
from patchword.training.recipe import OptimizerConfig, ScheduleConfig
from patchword.training.schedule import learning_rate_factor

Batch = tuple[Tensor, ...]
Part = Literal["train", "validation", "test"]


class Task(Protocol):
    """What a network is trained to do."""

    def batches(self, size: int, steps: int, generator: torch.Generator) -> Iterator[Batch]:
        """Training batches, one a step; the generator decides their order, and what is made afresh."""

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """A mean with a gradient."""

    def measured(self, network: nn.Module, part: Part) -> dict[str, float]:
        """Figures of a part of the data, `accuracy` among them; the network is in evaluation mode."""


@dataclass(frozen=True)
class Budget:
    """How long and how; the same for both sides.

    Attributes:
        steps: updates of the weights.
        batch: examples a step.
        warmup: steps over which the rate rises from 0.
        schedule: what it does then.
        clip: largest norm of the gradient.
        weight_decay: of matrices, by AdamW.
        measure_every: steps between measurements on the validation data, which go to the history; none by default.
    """

    steps: int
    batch: int = 32
    warmup: int = 20
    schedule: Literal["cosine", "constant", "inverse_sqrt"] = "cosine"
    clip: float | None = 1.0
    weight_decay: float = 0.0
    measure_every: int | None = None


@dataclass
class History:
    """What a training was like.

    Attributes:
        losses: of each step.
        norms: of each step's gradient, before clipping.
        diverged: whether a loss or a gradient was no number; training ended there.
        measured: on the validation data, by step.
        seconds: that the steps took, without measuring: of the processor's own time where that is what trains.
    """

    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    diverged: bool = False
    measured: dict[int, dict[str, float]] = field(default_factory=dict)
    seconds: float = 0.0

    def last(self, share: float = 0.1) -> float:
        """Mean loss of the last steps; 1e9 after a divergence, since a figure must be a number."""
        if self.diverged or not self.losses:
            return 1e9
        tail = self.losses[-max(1, round(share * len(self.losses))) :]
        return math.fsum(tail) / len(tail)


def train(network: nn.Module, task: Task, budget: Budget, work: Work) -> History:
    """Train a network on a task with `work.rate`, on `work.setup.device`; the order of the batches depends on the seed
    alone.
    """
    network.to(work.setup.device)
    optimizer = make_optimizer(
        network,
        OptimizerConfig(
            name="adamw", learning_rate=work.rate, betas=(0.9, 0.98), eps=1e-8, weight_decay=budget.weight_decay
        ),
    )
    schedule = ScheduleConfig(name=budget.schedule, warmup_steps=budget.warmup)
    batches = task.batches(budget.batch, budget.steps, work.generator("order"))
    history = History()
    network.train()
    # Other programs beside this one take time, but none of this thread's.
    clock = time.thread_time if work.setup.device == "cpu" else time.perf_counter
    for step, batch in enumerate(batches, 1):
        start = clock()
        loss = task.loss(network, tuple(tensor.to(work.setup.device) for tensor in batch))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
        history.losses.append(float(loss.detach()))
        history.norms.append(float(norm))
        if not math.isfinite(history.losses[-1]) or not math.isfinite(history.norms[-1]):
            history.losses.pop()
            history.norms.pop()
            history.diverged = True
            break
        if budget.clip is not None:
            nn.utils.clip_grads_with_norm_(network.parameters(), budget.clip, norm)
        set_learning_rate(optimizer, work.rate * learning_rate_factor(schedule, step, budget.steps))
        optimizer.step()
        history.seconds += clock() - start
        if budget.measure_every and step % budget.measure_every == 0:
            history.measured[step] = measured(network, task, "validation")
            network.train()
        work.tell(step / budget.steps)
    network.eval()
    return history


def training_step(
    network: nn.Module, inputs: Tensor, classes: Tensor, optimizer: torch.optim.Optimizer | None = None
) -> Callable[[], None]:
    """One step of learning classes, to be timed or counted; without an optimizer the weights stay as they are."""

    def step() -> None:
        nn.functional.cross_entropy(network(inputs), classes).backward()
        if optimizer is not None:
            optimizer.step()
            optimizer.zero_grad()

    return step


def measured(network: nn.Module, task: Task, part: Part = "test") -> dict[str, float]:
    """Figures of a part of the data."""
    network.eval()
    with torch.inference_mode():
        return task.measured(network, part)


def figures(network: nn.Module, task: Task, history: History) -> dict[str, float]:
    """What most claims' cells have: `validation` and `test` accuracy, `loss` at the end, `diverged`, `parameters`."""
    return {
        "validation": measured(network, task, "validation")["accuracy"],
        "test": measured(network, task, "test")["accuracy"],
        "loss": history.last(),
        "diverged": float(history.diverged),
        "parameters": float(sum(p.numel() for p in network.parameters())),
    }


def shuffled(count: int, size: int, steps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers for each step: epoch after epoch, each in an order of its own; the same for both sides."""
    size = min(size, count)
    while steps > 0:
        for rows in torch.randperm(count, generator=generator)[: count // size * size].split(size)[:steps]:
            yield rows
            steps -= 1


def beside(network: nn.Module, tensor: Tensor) -> Tensor:
    """A tensor on the device that a network is on."""
    return tensor.to(next(network.parameters()).device)
