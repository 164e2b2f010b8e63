"""What pre-training is worth: fine-tuning and linear probe beside training from nothing, at the same budget.

usage: python benchmarks/fine_tuning.py DATA OUT [CLASS CLASS ...]

DATA has train.zip and test.zip of CIFAR-10, a folder a class. A small ViT is pre-trained on all classes but those
named (by default the last two by name), whose images it never sees. Then, with 500 training images of each class
named, three ways of training make the same number of steps with the same number of images a step, at a small and at a
larger budget. Each way's learning rate, and the step whose weights are kept, are chosen on 500 other training images
of each class; each chosen model is put to the test images of these classes once. Runs are kept in OUT, so that the
script can be stopped and started again.
"""

import sys
import zipfile
from pathlib import Path
from typing import Any

from patchword import api
from patchword.training.metrics import read_metrics

IMAGES = 500  # of each held-out class, for training; as many others for validation
BUDGETS, BATCH_SIZE = (100, 300), 32  # steps, and images a step
NEIGHBOURS = 20
PREPROCESSING = {
    "image_size": [32, 32],
    "resize": "squash",
    "mean": [0.4914, 0.4822, 0.4465],
    "std": [0.2470, 0.2435, 0.2616],
}
MODEL = {"name": "Ti/4", "d_model": 128, "num_heads": 4, "num_layers": 4, "d_ff": 256}
ADAM = {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.05, "clip_norm": 1.0}
# Each way: what it adds to the recipe, and the learning rates that it may choose from.
WAYS: dict[str, tuple[dict[str, Any], list[float]]] = {
    "fine-tuning": ({"optimizer": {**ADAM, "layer_decay": 0.75}}, [3e-4, 1e-3, 3e-3, 1e-2]),
    "linear probe": ({"optimizer": ADAM, "freeze": "backbone"}, [1e-3, 3e-3, 1e-2, 3e-2]),
    "from nothing": ({"optimizer": ADAM, "model": MODEL, "preprocessing": PREPROCESSING}, [3e-4, 1e-3, 3e-3, 1e-2]),
}


def main() -> None:
    """Pre-train, train in three ways, and print a table."""
    data, out, held_out = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    held_out = held_out or classes_of(data / "train.zip")[-2:]
    out.mkdir(parents=True, exist_ok=True)
    split(data, out, held_out)
    pretrained = out / "pretrained"
    outcome = train(pretraining(out), pretrained)
    print(
        f"held out: {', '.join(held_out)}; pre-trained on the other classes: {outcome.best:.1f} % of their validation"
    )
    near = {
        name: api.evaluate(pretrained, [out / name], knn=NEIGHBOURS, neighbours_from=out / "train.zip").accuracy
        for name in ("validation.zip", "test.zip")
    }
    print(f"\n{'':14}{'steps':>6}{'rate':>8}{'validation':>12}{'test':>9}{'images/s':>10}")
    print(f"{f'{NEIGHBOURS}-NN before':14}{'':14}{near['validation.zip']:11.1f}%{near['test.zip']:8.1f}%")
    for steps in BUDGETS:
        for way in WAYS:
            found = [chosen(out, way, rate, steps) for rate in WAYS[way][1]]
            rate, best, run = max(found, key=lambda row: row[1])
            test = api.evaluate(run, [out / "test.zip"]).top1
            print(f"{way:14}{steps:6}{rate:8.0e}{best:11.1f}%{test:8.1f}%{speed(run):10.0f}", flush=True)


def chosen(out: Path, way: str, rate: float, steps: int) -> tuple[float, float, Path]:
    """A learning rate, the best validation accuracy with it, and the run."""
    changes = WAYS[way][0]
    values: dict[str, Any] = {
        "task": "classification",
        "batch_size": BATCH_SIZE,
        "data": {"folder": str(out), "train": ["train.zip"], "validation": ["validation.zip"]},
        "augmentation": {"flip": True, "pad_crop": 4},
        "schedule": {"name": "cosine", "warmup_steps": steps // 10},
        "training": {"max_steps": steps, "validate_every": 50, "ema_decay": 0.99, "label_smoothing": 0.1},
        **changes,
        "optimizer": {**changes["optimizer"], "learning_rate": rate},
    }
    if way != "from nothing":
        values["init"] = str(out / "pretrained")
    run = out / f"{way.replace(' ', '-')}-{steps}-{rate:.0e}"
    best = train(values, run).best
    print(f"  {way}, {steps} steps, rate {rate:.0e}: {best:.1f} % of the validation images", file=sys.stderr)
    return rate, best, run


def pretraining(out: Path) -> dict[str, Any]:
    """The recipe of the model that two of the ways start from."""
    return {
        "task": "classification",
        "batch_size": 64,
        "data": {"folder": str(out), "train": ["pretraining.zip"], "hold_out": 0.02},
        "preprocessing": PREPROCESSING,
        "augmentation": {"flip": True, "pad_crop": 4},
        "model": MODEL,
        "optimizer": {**ADAM, "learning_rate": 1.5e-3},
        "schedule": {"name": "cosine", "warmup_steps": 150},
        "training": {"max_steps": 1500, "validate_every": 500, "ema_decay": 0.998, "label_smoothing": 0.1},
    }


def train(values: dict[str, Any], run: Path) -> Any:
    """Train, go on with, or find finished the run in a folder."""
    return api.train(api.read_recipe(values, "benchmark"), run, resume=(run / "recipe.toml").is_file(), show=False)


def speed(run: Path) -> float:
    """Training images a second over the whole run, validation left out."""
    rates = [row["images_per_second"] for row in read_metrics(run / "metrics.jsonl") if "images_per_second" in row]
    return len(rates) / sum(1 / rate for rate in rates)


def split(data: Path, out: Path, held_out: list[str]) -> None:
    """Write the four zips: pre-training without the held-out classes; training, validation and test of these alone."""
    names = members(data / "train.zip")
    unknown = [name for name in held_out if name not in names]
    if unknown or len(held_out) < 2:
        sys.exit(f"expected two or more of the classes {', '.join(names)}; got {', '.join(held_out)}")
    seen = [file for name, files in names.items() if name not in held_out for file in files]
    copy(data / "train.zip", out / "pretraining.zip", seen)
    copy(data / "train.zip", out / "train.zip", [file for name in held_out for file in names[name][:IMAGES]])
    rest = [file for name in held_out for file in names[name][IMAGES : 2 * IMAGES]]
    copy(data / "train.zip", out / "validation.zip", rest)
    tests = members(data / "test.zip")
    copy(data / "test.zip", out / "test.zip", [file for name in held_out for file in tests[name]])


def members(archive: Path) -> dict[str, list[str]]:
    """The files of each class in a zip, in order of their names."""
    found: dict[str, list[str]] = {}
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(n for n in opened.namelist() if not n.endswith("/")):
            found.setdefault(name.split("/")[-2], []).append(name)
    return found


def classes_of(archive: Path) -> list[str]:
    """Class names, sorted."""
    return sorted(members(archive))


def copy(source: Path, target: Path, names: list[str]) -> None:
    """Copy files from one zip into another, unless an earlier run has done it."""
    if target.exists():
        return
    with zipfile.ZipFile(source) as opened, zipfile.ZipFile(target, "w") as written:
        for name in names:
            written.writestr(name, opened.read(name))


if __name__ == "__main__":
    main()
