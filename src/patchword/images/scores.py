"""Accuracy, the table of classes, the confusion matrix and calibration."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from patchword.errors import one_line

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class ClassScores:
    """How one class did: shares in percent; support is its number of images."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class CalibrationBin:
    """Images whose likeliest class had a probability in (low, high]: how sure, and how often right, in percent."""

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class ClassificationScores:
    """What an evaluation found; shares are in percent.

    Attributes:
        top1: images whose likeliest class is right.
        top5: images whose class is among the five likeliest; None with five classes or fewer.
        images: how many were scored.
        classes: a row a class.
        confusion: rows are true classes, columns predicted ones, in the order of `classes`.
        calibration_error: expected calibration error (Guo et al. 2017): mean gap between confidence and accuracy.
        calibration: the bins that it was computed from.
        skipped: why each unreadable file was left out; none of them counts in any score.
    """

    top1: float
    top5: float | None
    images: int
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration_error: float
    calibration: tuple[CalibrationBin, ...]
    skipped: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def as_text(self) -> str:
        """All of it as tables for people."""
        lines = [f"top-1 accuracy  {self.top1:6.2f} % of {self.images:,} images"]
        if self.top5 is not None:
            lines.append(f"top-5 accuracy  {self.top5:6.2f} %")
        lines.append(f"calibration error {self.calibration_error:4.2f} % (expected, {CALIBRATION_BINS} bins)")
        lines += ["", *class_table(self.classes), *confusion_table(self.classes, self.confusion)]
        lines += ["", "confidence     accuracy  images"]
        lines += [
            f"{b.low:4.2f} to {b.high:4.2f}  {b.accuracy:7.1f} %  {b.count:6,}" for b in self.calibration if b.count
        ]
        return "\n".join(lines)


def class_table(classes: Sequence[ClassScores]) -> list[str]:
    """Lines with a head and a row a class."""
    names = [one_line(row.name) for row in classes]
    width = max(5, *map(len, names))
    return [
        f"{'class':{width}}  precision  recall      F1  images",
        *(
            f"{name:{width}}  {r.precision:9.1f}  {r.recall:6.1f}  {r.f1:6.1f}  {r.support:6,}"
            for name, r in zip(names, classes, strict=True)
        ),
    ]


def confusion_table(classes: Sequence[ClassScores], confusion: Sequence[Sequence[int]]) -> list[str]:
    """Lines with an empty one, a head and a row a class; none for more classes than a screen is wide."""
    if len(classes) > 20:
        return []
    names = [one_line(row.name) for row in classes]
    width = max(map(len, names))
    cell = max(5, *(len(str(n)) for row in confusion for n in row)) + 1
    heads = "".join(f"{name[: cell - 1]:>{cell}}" for name in names)
    return [
        "",
        "confusion: a row a true class, a column a predicted one",
        f"{'':{width}}{heads}",
        *(
            f"{name:{width}}" + "".join(f"{n:>{cell}}" for n in counts)
            for name, counts in zip(names, confusion, strict=True)
        ),
    ]


def score_classifications(
    probabilities: Tensor, labels: Tensor, classes: tuple[str, ...], skipped: tuple[str, ...] = ()
) -> ClassificationScores:
    """Score class probabilities.

    Args:
        probabilities: (images, classes).
        labels: the true classes, (images,).
        classes: names.
        skipped: what could not be read, reported along.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, top_k_accuracy_score

    true, table = labels.cpu().numpy(), probabilities.float().cpu().numpy()
    predicted, numbers = table.argmax(1), np.arange(len(classes))
    rows = precision_recall_fscore_support(true, predicted, labels=numbers, zero_division=0.0)
    top5 = 100.0 * float(top_k_accuracy_score(true, table, k=5, labels=numbers)) if len(classes) > 5 else None
    bins, error = _calibration(table.max(1), predicted == true)
    return ClassificationScores(
        top1=100.0 * float((predicted == true).mean()),
        top5=top5,
        images=len(true),
        classes=tuple(
            ClassScores(name, 100.0 * float(p), 100.0 * float(r), 100.0 * float(f), int(n))
            for name, p, r, f, n in zip(classes, *rows, strict=True)
        ),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion_matrix(true, predicted, labels=numbers)),
        calibration_error=error,
        calibration=bins,
        skipped=skipped,
    )


def _calibration(confidence: NDArray[Any], right: NDArray[Any]) -> tuple[tuple[CalibrationBin, ...], float]:
    """Bins of equal width, and the mean gap weighted by their counts."""
    index = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    bins, gap = [], 0.0
    for i in range(CALIBRATION_BINS):
        inside = index == i
        count = int(inside.sum())
        sure = 100.0 * float(confidence[inside].mean()) if count else 0.0
        hit = 100.0 * float(right[inside].mean()) if count else 0.0
        bins.append(CalibrationBin(i / CALIBRATION_BINS, (i + 1) / CALIBRATION_BINS, sure, hit, count))
        gap += count * abs(sure - hit)
    return tuple(bins), gap / len(confidence)
