"""The training loop: one for both wings."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patchword.errors import RunFolderError
from patchword.memory import memory_for
from patchword.training.averaging import LastCheckpoints, using, weights_of
from patchword.training.curves import Curves
from patchword.training.events import Listener, Note, ignore
from patchword.training.events import Progress as ProgressEvent
from patchword.training.finite import check_optimizer, check_scores, check_weights
from patchword.training.freezing import train_mode
from patchword.training.group import Alone, Found
from patchword.training.holding import hold
from patchword.training.interrupt import StopRequest, stop_on_signals
from patchword.training.limits import fraction, limit_reached
from patchword.training.lock import FolderLock
from patchword.training.metrics import MetricsLog, RowListener
from patchword.training.outcome import Outcome
from patchword.training.pace import FIRST, Pace
from patchword.training.recipe import Recipe
from patchword.training.restoring import check_fit, restore
from patchword.training.state import Progress, save_state
from patchword.training.task import Task
from patchword.training.tensorboard import FOLDER, EventFiles
from patchword.training.thread_watch import ThreadWatch
from patchword.training.update import Updater

LOG_EVERY = 25  # steps between rows of metrics.jsonl


class Trainer:
    """Trains a task in a run folder.

    Args:
        task: model, data and validation.
        recipe: optimizer, schedule and limits.
        folder: the run folder; made if missing.
        resume: go on from the folder's state, with the same batches and, by as many threads, the same losses.
        facts: what goes into the model's description beside its scores, such as the command.
        listener: hears how far the run is, and its scores.
        lock: of the folder; looked at before anything is kept.
        group: the processes that train it; all but the first have a folder that nobody needs.
        most_threads: where their number may change, as many as there are at best.

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
        group: Alone | None = None,
        most_threads: int | None = None,
    ) -> None:
        self.task, self.recipe, self.folder = task, recipe, folder
        self._check_lock = lock.check if lock is not None else lambda: None
        self.limits = recipe.training
        self.facts, self._tell = dict(facts or {}), listener
        self.group = group or Alone()
        with self.group.each(), memory_for("the model", "choose a smaller one"):
            self.held = hold(task, recipe, self.group)
        self.updater = Updater(self.held, self.group, self._kept, listener)
        self.threads = ThreadWatch(most_threads, listener)
        self.pace = Pace(recipe, lambda: -(-len(task.epoch(0)) // recipe.optimizer.accumulate))
        self.progress = Progress()
        self._resumed = resume
        self.state_file = folder / "state" / "latest.pt"
        if resume:
            self.progress = self.group.first_alone(lambda: restore(self.state_file, task, self.held, listener))
        elif self.state_file.exists():
            raise RunFolderError(folder, "already holds a run; go on with --resume, or choose another folder")
        self.held.begin()
        self.checkpoints = LastCheckpoints(folder / "state", self.limits.average_last, self.progress.checkpoints)
        listeners: list[RowListener] = [Curves(folder / "curves.png")] if self.group.first else []
        if self.limits.tensorboard and self.group.first:
            listeners.append(EventFiles(folder / FOLDER))
        self.metrics = MetricsLog(folder / "metrics.jsonl", self.progress if resume else None, listeners)
        if self.progress.finished and fraction(self.limits, self.progress) < 1.0:
            self.progress.finished, self.progress.waited = False, 0  # a limit was raised: train on
        self._recent: tuple[float, int] = (time.perf_counter(), 0)
        self._started, self._request = time.perf_counter(), StopRequest()
        self._saved: float | None = self.progress.seconds

    def run(self) -> Outcome:
        """Train until a limit, the early stop or a signal; afterwards the best model is in `best/`."""
        self._started = time.perf_counter() - self.progress.seconds
        train_mode(self.held.model, self.task.frozen)
        with self.metrics, stop_on_signals(patient=self.group.size > 1) as self._request:
            self._progress("")
            self.threads.begin(self.progress, self.metrics, self._resumed)
            if self.recipe.init is not None and not self._resumed:
                self._keep_init()
            for batches in self._updates():
                self._update(batches)
                if self.progress.step % LOG_EVERY == 0:
                    self._log()
                if self.progress.step % LOG_EVERY == 0 or self.progress.step == FIRST:
                    self.progress.horizon = self.pace.horizon(self.progress)
                if self._validation_due():
                    self._validate()
                    self._save()
                elif self._saving_due():
                    self._save()
                if limit_reached(self.limits, self.progress):
                    break
            signal = self.group.asked(self._request)
            if signal is None:
                self._finish()
            self._save()
        task, best = self.recipe.task, self.folder / "best"
        return Outcome(self.progress.step, self.progress.best, signal, task, best, self.group.rank)

    def _updates(self) -> Iterator[list[Any]]:
        """Groups of batches, one group an optimizer update, from where the run is; the position moves with them."""
        progress = self.progress
        while self.group.asked(self._request) is None and not limit_reached(self.limits, self.progress):
            epoch = self.task.epoch(progress.epoch)
            size = self.recipe.optimizer.accumulate
            while progress.batch < len(epoch) and self.group.asked(self._request) is None:
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
        progress, step = self.progress, self.progress.step + 1
        epoch = progress.epoch + (progress.batch > 0)  # after an epoch's last batch the next has begun
        place = f"{self.folder}: step {step}, epoch {epoch}"

        def found(**values: Any) -> Found:
            return Found(**values, seconds=time.perf_counter() - self._started, signal=self._request.signal)

        before = time.perf_counter()
        every = self.updater.update(batches, step, self.pace.rate(step, progress.horizon), place, found)
        progress.step, progress.seconds = step, every.seconds
        progress.loss_sum += every.plain
        progress.loss_count += every.count
        if self.held.average is not None:
            self.held.average.update(self.held.model, step)
        self._recent = (self._recent[0], self._recent[1] + every.count)
        self.threads.updated(time.perf_counter() - before, every.count)

    def _kept(self) -> str:
        """What is left of a run that cannot go on."""
        if not self.state_file.exists():
            return "nothing had been saved"
        return "best/ and state/ are as they were saved last"

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
                "learning_rate": self.pace.rate(progress.step, progress.horizon),
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

    def _saving_due(self) -> bool:
        if self._saved is None:  # the first update since the last state
            self._saved = self.progress.seconds
        return self.progress.seconds - self._saved > 60 * self.limits.save_every_minutes

    def _validate(self) -> None:
        """Score the averaged weights if there are such, keep them if they are the best so far."""
        progress = self.progress
        self._progress(f"step {progress.step} · validating")
        progress.validated = progress.step
        weights = self.held.averaged()
        if self.limits.average_last > 1:
            with self.held.evaluated() as model:
                progress.checkpoints = self.group.first_alone(
                    lambda: self.checkpoints.add(progress.step, weights if weights is not None else weights_of(model))
                )
        self._score(weights)
        self._recent = (time.perf_counter(), 0)  # the rate is of training alone

    def _score(self, weights: Mapping[str, Tensor] | None, kind: str = "") -> None:
        progress = self.progress
        with self.held.evaluated() as model:
            progress.best, better = self.group.first_alone(lambda: self._judged(model, weights, kind))
        progress.waited = 0 if better else progress.waited + 1

    def _judged(self, model: Any, weights: Mapping[str, Tensor] | None, kind: str) -> tuple[float | None, bool]:
        """The best score so far, and whether it is these weights', which are kept then."""
        progress, best = self.progress, self.progress.best
        place = f"{self.folder}: step {progress.step}{kind}"
        enough = memory_for("the validation", f"lower {self.task.size_key} or choose a smaller model")
        with using(model, weights), torch.inference_mode(), enough:
            scores = self.task.validate(model)
            check_scores(scores, place, self._kept())
            check_weights(weights_of(model), place, self._kept())
            score = scores[self.task.metric]
            sign = 1 if self.task.greater_is_better else -1
            better = best is None or sign * score > sign * best
            if better:
                self._check_lock()
                best = score
                facts = {**self.facts, "scores": {f"validation_{name}": value for name, value in scores.items()}}
                facts |= {"steps": progress.step, "epochs": progress.epoch, "minutes": round(progress.seconds / 60, 1)}
                self.task.save(model, self.folder / "best", facts)
        self.metrics.add({"step": progress.step, "epoch": progress.epoch, "validation": scores})
        shown = " · ".join(f"{name} {value:.3f}" for name, value in scores.items())
        text = f"step {progress.step:>6}{kind} · validation {shown}{' · best' if better else ''}"
        self._tell(Note(text))
        return best, better

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
            self._tell(Note(f"the run was finished at step {self.progress.step:,}; raise one of its limits to go on"))
            return
        if sentence := self.pace.cut_short(self.progress):
            self._tell(Note(f"warning: {sentence}"))
        if self.progress.validated != self.progress.step and self.progress.step > 0:
            self._validate()
        if len(self.progress.checkpoints) > 1:
            mean: dict[str, Tensor] = {}
            self.group.first_alone(lambda: mean.update(self._mean()))
            self._score(mean, f", mean of the last {len(self.progress.checkpoints)}")
        self.progress.finished = True
        self._tell(ProgressEvent("training", 1.0, f"step {self.progress.step} · done"))

    def _progress(self, text: str) -> None:
        self._tell(ProgressEvent("training", fraction(self.limits, self.progress), text))

    def _mean(self) -> Mapping[str, Tensor]:
        mean = self.checkpoints.average()
        check_fit(self.folder / "state", mean, weights_of(self.task.model))
        return mean

    def _save(self) -> None:
        values = self.held.values()
        self.group.first_alone(lambda: self._write(values))
        self._saved = None

    def _write(self, values: dict[str, Any]) -> None:
        self._check_lock()
        place = f"{self.folder}: step {self.progress.step}"
        check_weights(values["model"], place, self._kept())
        check_optimizer(values["optimizer"]["state"], place, self._kept())
        save_state(self.state_file, self.progress, {**values, "data": self.task.fingerprint.as_dict()})
        self.checkpoints.forget_others()
