"""What pre-training is worth: with few images and few steps, fine-tuning beats training from nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from patchword import api

FEW = 10  # training images of each new class


def write(folder: Path, images: Any, labels: Any) -> Path:
    for index, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        target = folder / str(label) / f"{index}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15).astype(np.uint8)).save(target)
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-learn's digits: 0 to 6 to pre-train on, and of 7, 8, 9 a few to train on and the others to test on."""
    folder = tmp_path_factory.mktemp("digits")
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8)
    write(folder / "seen", images[labels < 7], labels[labels < 7])
    few = np.concatenate([np.flatnonzero(labels == new)[: 2 * FEW] for new in (7, 8, 9)])
    for name, part in (("train", few[::2]), ("validation", few[1::2])):
        write(folder / name, images[part], labels[part])
    rest = np.setdiff1d(np.flatnonzero(labels >= 7), few)
    write(folder / "test", images[rest], labels[rest])
    return folder


def accuracy(digits: Path, out: Path, name: str, steps: int, **changes: Any) -> float:
    values: dict[str, Any] = {
        "task": "classification",
        "batch_size": 32,
        "data": {"folder": str(digits), "train": ["train"], "validation": ["validation"]},
        "optimizer": {"learning_rate": 3e-3, "clip_norm": 1.0},
        "schedule": {"name": "cosine", "warmup_steps": 5},
        "training": {"max_steps": steps, "validate_every": steps, "ema_decay": 0.9},
        **changes,
    }
    api.train(api.read_recipe(values, name), out / name, show=False)
    found: float = api.evaluate(out / name, [digits / "test"]).top1 if name != "seen" else 0.0
    return found


def test_fine_tuning_beats_training_from_nothing(digits: Path, tmp_path: Path) -> None:
    new = {
        "model": {"name": "Ti/2", "d_model": 32, "num_heads": 4, "num_layers": 2, "d_ff": 64},
        "preprocessing": {"image_size": [8, 8], "resize": "squash"},
    }
    accuracy(digits, tmp_path, "seen", 200, data={"folder": str(digits), "train": ["seen"]}, **new)
    decayed = {"learning_rate": 3e-3, "clip_norm": 1.0, "layer_decay": 0.75}
    tuned = accuracy(digits, tmp_path, "tuned", 20, init=str(tmp_path / "seen"), optimizer=decayed)
    assert tuned > accuracy(digits, tmp_path, "nothing", 20, **new) + 5
    assert api.evaluate(tmp_path / "seen", [digits / "test"], knn=5).accuracy > 60  # chance is 33
