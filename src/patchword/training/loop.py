"""The training loop: one for both wings."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patchword.errors import RunFolderError
from patchword.memory import memory_for
from patchword.training.averaging import ExponentialAverage, LastCheckpoints, using, weights_of
from patchword.training.events import Listener, Note, ignore
from patchword.training.events import Progress as ProgressEvent
from patchword.training.finite import REMEDY, DivergedError, check_optimizer, check_scores, check_weights, gradient_norm
from patchword.training.freezing import freeze, train_mode
from patchword.training.interrupt import StopRequest, stop_on_signals
from patchword.training.limits import fraction, limit_reached
from patchword.training.lock import FolderLock
from patchword.training.metrics import MetricsLog, draw_curves, read_metrics
from patchword.training.optimizer import make_optimizer, set_learning_rate
from patchword.training.recipe import Recipe
from patchword.training.restoring import check_fit, restore
from patchword.training.schedule import learning_rate_factor
from patchword.training.state import Progress, save_state
from patchword.training.task import BatchLoss, Task

LOG_EVERY = 25  # steps between rows of metrics.jsonl


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        step: updates made.
        best: the best validation score, None if there was no validation.
        signal: number of the signal that stopped the run, None if it came to its end.
    """

    step: int
    best: float | None
    signal: int | None


class Trainer:
    """Trains a task in a run folder.

    Args:
        task: model, data and validation.
        recipe: optimizer, schedule and limits.
        folder: the run folder; made if missing.
        resume: go on from the folder's state, with the same batches and the same losses.
        facts: what goes into the model's description beside its scores, such as the command.
        listener: hears how far the run is, and its scores.
        lock: of the folder; looked at before anything is kept.

    Raises:
        RunFolderError: if there is a state but `resume` is False, or the other way round, or the state is damaged or is
            that of other data.
    """

    def __init__(
        self,
        task: Task,
        recipe: Recipe,
        folder: Path,
        *,
        resume: bool = False,
        facts: Mapping[str, Any] | None = None,
        listener: Listener = ignore,
        lock: FolderLock | None = None,
    ) -> None:
        self.task, self.recipe, self.folder = task, recipe, folder
        self._check_lock = lock.check if lock is not None else lambda: None
        self.limits = recipe.training
        self.facts, self._tell = dict(facts or {}), listener
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = task.model.to(self.device)
        freeze(self.model, task.frozen)
        self.optimizer = make_optimizer(self.model, recipe.optimizer, task.model.depth)
        self.average = ExponentialAverage(self.model, self.limits.ema_decay) if self.limits.ema_decay else None
        self.progress = Progress()
        self.state_file = folder / "state" / "latest.pt"
        if resume:
            self.progress = restore(self.state_file, task, self.model, self.optimizer, self.average, listener)
        elif self.state_file.exists():
            raise RunFolderError(folder, "already holds a run; go on with --resume, or choose another folder")
        self.checkpoints = LastCheckpoints(folder / "state", self.limits.average_last, self.progress.checkpoints)
        self.metrics = MetricsLog(folder / "metrics.jsonl", self.progress if resume else None)
        if self.progress.finished and fraction(self.limits, self.progress) < 1.0:
            self.progress.finished, self.progress.waited = False, 0  # a limit was raised: train on
        self._recent: tuple[float, int] = (time.perf_counter(), 0)

    def run(self) -> Outcome:
        """Train until a limit, the early stop or a signal; afterwards the best model is in `best/`."""
        started = time.perf_counter() - self.progress.seconds
        saved = time.perf_counter()
        train_mode(self.model, self.task.frozen)
        with stop_on_signals() as request:
            self._progress("")
            if self.recipe.init is not None and not self.state_file.exists():
                self._keep_init()
            for batches in self._updates(request):
                self._update(batches)
                self.progress.seconds = time.perf_counter() - started
                if self.progress.step % LOG_EVERY == 0:
                    self._log()
                if self._validation_due():
                    self._validate()
                    self._save()
                    saved = time.perf_counter()
                elif time.perf_counter() - saved > 60 * self.limits.save_every_minutes:
                    self._save()
                    saved = time.perf_counter()
                if limit_reached(self.limits, self.progress):
                    break
            if request.signal is None:
                self._finish()
            self._save()
        return Outcome(self.progress.step, self.progress.best, request.signal)

    def _updates(self, request: StopRequest) -> Iterator[list[Any]]:
        """Groups of batches, one group an optimizer update, from where the run is; the position moves with them."""
        progress = self.progress
        while request.signal is None and not limit_reached(self.limits, self.progress):
            epoch = self.task.epoch(progress.epoch)
            size = self.recipe.optimizer.accumulate
            while progress.batch < len(epoch) and request.signal is None:
                group = list(epoch[progress.batch : progress.batch + size])
                progress.batch += len(group)
                if progress.batch >= len(epoch):
                    # The position is saved between updates, so after the last one it is the next epoch's start.
                    progress.epoch, progress.batch = progress.epoch + 1, 0
                    yield group
                    break
                yield group

    def _update(self, batches: list[Any]) -> None:
        """One optimizer update on the mean loss of all items of the batches."""
        step = self.progress.step + 1
        set_learning_rate(self.optimizer, self._learning_rate(step))
        self.optimizer.zero_grad(set_to_none=True)
        count = 0
        with memory_for(f"a batch at step {step}", f"lower {self.task.size_key} or choose a smaller model"):
            for batch in batches:
                loss = self._loss(batch)
                loss.total.backward()
                count += loss.count
                plain = float(loss.plain)
                self.progress.loss_sum += plain
                if not math.isfinite(plain):
                    raise self._diverged(step, [batch], f"the loss is {plain}")
            gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
            torch._foreach_mul_(gradients, 1 / count)
            if self.recipe.optimizer.clip_norm is not None:
                norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.optimizer.clip_norm)
            else:
                norm = gradient_norm(gradients)
            if not math.isfinite(norm):
                raise self._diverged(step, batches, f"the gradient's norm is {float(norm)}")
            self.optimizer.step()
        self.progress.step = step
        self.progress.loss_count += count
        if self.average is not None:
            self.average.update(self.model, step)
        self._recent = (self._recent[0], self._recent[1] + count)

    def _diverged(self, step: int, batches: list[Any], what: str) -> DivergedError:
        items = "; ".join(self.task.named(batch) for batch in batches[:3])
        epoch = self.progress.epoch + (self.progress.batch > 0)  # after an epoch's last batch the next has begun
        place = f"{self.folder}: step {step}, epoch {epoch}, batch of {items}"
        return DivergedError(f"{place}: {what}; {REMEDY}; {self._kept()}")

    def _kept(self) -> str:
        """What is left of a run that cannot go on."""
        if not self.state_file.exists():
            return "nothing had been saved"
        return "best/ and state/ are as they were saved last"

    def _learning_rate(self, step: int) -> float:
        factor = learning_rate_factor(self.recipe.schedule, step, self.limits.max_steps)
        return self.recipe.optimizer.learning_rate * factor

    def _loss(self, batch: Any) -> BatchLoss:
        tensors = self.task.load(batch, self.device)
        bfloat16 = self.limits.precision == "bfloat16" or (
            self.limits.precision == "auto" and self.device.type == "cuda" and torch.cuda.is_bf16_supported()
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
            return self.task.loss(self.model, tensors)

    def _log(self) -> None:
        """Write a row of metrics and say how far the run is."""
        progress = self.progress
        loss = progress.loss_sum / max(1, progress.loss_count)
        now = time.perf_counter()
        rate = self._recent[1] / max(1e-9, now - self._recent[0])
        self._recent = (now, 0)
        progress.loss_sum, progress.loss_count = 0.0, 0
        self.metrics.add(
            {
                "step": progress.step,
                "epoch": progress.epoch,
                "loss": loss,
                "learning_rate": self._learning_rate(progress.step),
                f"{self.task.unit}_per_second": round(rate, 1),
                "seconds": round(progress.seconds, 1),
            }
        )
        self._progress(
            f"step {progress.step} · epoch {progress.epoch + 1} · loss {loss:.3f} · {rate:,.0f} {self.task.unit}/s",
        )

    def _validation_due(self) -> bool:
        if self.limits.validate_every is not None:
            return self.progress.step % self.limits.validate_every == 0
        return self.progress.batch == 0

    def _validate(self) -> None:
        """Score the averaged weights if there are such, keep them if they are the best so far."""
        progress = self.progress
        self._progress(f"step {progress.step} · validating")
        progress.validated = progress.step
        weights = self.average.weights if self.average is not None else None
        if self.limits.average_last > 1:
            self.checkpoints.add(progress.step, weights if weights is not None else weights_of(self.model))
            progress.checkpoints = self.checkpoints.names
        self._score(weights)
        self._recent = (time.perf_counter(), 0)  # the rate is of training alone

    def _score(self, weights: Mapping[str, Tensor] | None, kind: str = "") -> None:
        progress = self.progress
        place = f"{self.folder}: step {progress.step}{kind}"
        enough = memory_for("the validation", f"lower {self.task.size_key} or choose a smaller model")
        with using(self.model, weights) as model, torch.inference_mode(), enough:
            scores = self.task.validate(model)
            check_scores(scores, place, self._kept())
            check_weights(weights_of(model), place, self._kept())
            score = scores[self.task.metric]
            sign = 1 if self.task.greater_is_better else -1
            better = progress.best is None or sign * score > sign * progress.best
            if better:
                self._check_lock()
                progress.best, progress.waited = score, 0
                facts = {**self.facts, "scores": {f"validation_{name}": value for name, value in scores.items()}}
                facts |= {"steps": progress.step, "epochs": progress.epoch, "minutes": round(progress.seconds / 60, 1)}
                self.task.save(model, self.folder / "best", facts)
            else:
                progress.waited += 1
        self.metrics.add({"step": progress.step, "epoch": progress.epoch, "validation": scores})
        draw_curves(read_metrics(self.metrics.path), self.folder / "curves.png")
        shown = " · ".join(f"{name} {value:.3f}" for name, value in scores.items())
        text = f"step {progress.step:>6}{kind} · validation {shown}{' · best' if better else ''}"
        self._tell(Note(text))

    def _keep_init(self) -> None:
        """Score and save the weights that training starts from.

        The best model is then never worse than they are, and a resumed run needs the init model no more.
        """
        self._score(None)
        self._save()
        self._recent = (time.perf_counter(), 0)

    def _finish(self) -> None:
        """The last validation, and that of the averaged last checkpoints, which is kept only if it scores better."""
        if self.progress.finished:
            return
        if self.progress.validated != self.progress.step and self.progress.step > 0:
            self._validate()
        if len(self.checkpoints.names) > 1:
            mean = self.checkpoints.average()
            check_fit(self.folder / "state", mean, weights_of(self.model))
            self._score(mean, f", mean of the last {len(self.checkpoints.names)}")
        self.progress.finished = True
        self._tell(ProgressEvent("training", 1.0, f"step {self.progress.step} · done"))

    def _progress(self, text: str) -> None:
        self._tell(ProgressEvent("training", fraction(self.limits, self.progress), text))

    def _save(self) -> None:
        self._check_lock()
        check_weights(weights_of(self.model), f"{self.folder}: step {self.progress.step}", self._kept())
        check_optimizer(self.optimizer, f"{self.folder}: step {self.progress.step}", self._kept())
        save_state(
            self.state_file,
            self.progress,
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "average": None if self.average is None else self.average.weights,
                "data": self.task.fingerprint.as_dict(),
            },
        )
        self.checkpoints.forget_others()
