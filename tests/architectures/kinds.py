"""The four architectures as a user meets them: their names, a tiny network of each, and what sets them apart."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor
from typer.testing import CliRunner

from patchword import api
from patchword.cli.main import app, main
from patchword.training.events import Listener, ignore
from patchword.training.metrics import read_metrics

SENTENCES = ["3 days", "four hours and seven minutes", "the day before yesterday", "", "a week ago"]


@dataclass(frozen=True)
class Kind:
    """One architecture.

    Attributes:
        name: under which it is registered.
        short: what `--model` calls it.
        task: what it is for.
        small: fields of a tiny network of it.
        parts: what `freeze` can name.
        evidence: axes of the maps that it gives.
        picked: part of the sentence that says what was picked for it.
        dropout: a field that acts in training alone.
        foreign: a field of the task's other architecture, with a value that it would take there.
        impossible: settings that do not fit together, and part of the sentence that says so.
    """

    name: str
    short: str
    task: str
    small: dict[str, Any]
    parts: tuple[str, ...]
    evidence: dict[str, tuple[str, ...]]
    picked: str
    dropout: str
    foreign: tuple[str, object]
    impossible: tuple[dict[str, Any], str]

    @property
    def translates(self) -> bool:
        return self.task == "translation"


def attention(*ends: str) -> tuple[str, ...]:
    return ("layer", "batch", "head", *ends)


KINDS = (
    Kind(
        "transformer",
        "transformer",
        "translation",
        {"d_model": 16, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 16},
        ("embeddings", "encoder"),
        {
            "encoder": attention("source", "source"),
            "decoder": attention("target", "target"),
            "cross": attention("target", "source"),
        },
        "picked a Transformer with model.size = tiny",
        "dropout",
        ("hidden_size", 32),
        ({"d_model": 18, "num_heads": 4}, "d_model 18 is not a multiple of num_heads 4"),
    ),
    Kind(
        "recurrent",
        "rnn",
        "translation",
        {"embedding_size": 16, "hidden_size": 16, "encoder_layers": 1, "decoder_layers": 1},
        ("embeddings", "encoder"),
        {"cross": attention("target", "source")},
        "picked an RNN with model.size = tiny",
        "dropout",
        ("d_model", 32),
        ({"hidden_size": 17}, "hidden_size 17 is odd"),
    ),
    Kind(
        "vision_transformer",
        "vit",
        "classification",
        {"d_model": 16, "num_heads": 2, "num_layers": 2, "d_ff": 16},
        ("backbone",),
        {"encoder": attention("query", "key")},
        "picked a ViT of 6 layers",
        "drop_path",
        ("stem_width", 8),
        ({"patch_size": 5}, "does not divide into patches of 5"),
    ),
    Kind(
        "residual_network",
        "cnn",
        "classification",
        {"stem_width": 4, "depths": [1, 1], "widths": [8, 8]},
        ("backbone",),
        {"class_activation": ("batch", "row", "column")},
        "picked a ResNet of 8 layers",
        "drop_path",
        ("patch_size", 4),
        ({"shortcut": "padded", "depths": [1, 1], "widths": [16, 8]}, "no width may be below the one before it"),
    ),
)


def settings_of(values: dict[str, Any]) -> list[str]:
    """Command-line arguments that set values by their paths."""
    return [part for name, value in values.items() for part in ("--set", f"{name}={toml(value)}")]


def toml(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower()


@dataclass(frozen=True)
class Workshop:
    """An architecture with data for it.

    Attributes:
        kind: the architecture.
        data: two aligned files, or a folder of images.
        other: data of the same form; other words, or two of the three classes.
        image: one of the images.
    """

    kind: Kind
    data: tuple[Path, ...]
    other: tuple[Path, ...]
    image: Path

    def values(self, *, model: dict[str, Any] | None = None, **training: Any) -> dict[str, Any]:
        """The recipe that is chosen for the data, cut down to a few steps of a tiny network.

        Args:
            model: further fields of the network.
            training: further fields of `training`.
        """
        given = {"model": {"architecture": self.kind.short, **self.kind.small, **(model or {})}}
        values, _ = api.choose_recipe(self.kind.task, self.data, self.data, given)
        return self.cut(values, **training)

    def tuned(self, init: Path, data: tuple[Path, ...], freeze: str | None = None, **training: Any) -> dict[str, Any]:
        """The same for training that starts from a model."""
        given = {"init": str(init), **({} if freeze is None else {"freeze": freeze})}
        values, _ = api.choose_recipe(self.kind.task, data, data, given)
        values = self.cut(values, **training)
        for table in ("vocabulary", "preprocessing"):
            values.pop(table, None)
        return values

    def cut(self, values: dict[str, Any], **training: Any) -> dict[str, Any]:
        few = {"max_steps": 12, "validate_every": 5, "threads": 1, "precision": "float32", **training}
        kept = {name: value for name, value in values["training"].items() if name not in ("max_epochs", "patience")}
        values["training"] = {**kept, **few}
        values["schedule"] = {"name": "constant", "warmup_steps": 2}
        if self.kind.translates:
            values |= {"batch_tokens": 400, "vocabulary": {"size": 400, "shrink": True}}
        else:
            values |= {"batch_size": 8, "preprocessing": {"image_size": [16, 16]}}
            values["augmentation"] = {"flip": True, "pad_crop": 2}
        return values

    @property
    def options(self) -> list[str]:
        """The data as the command line takes them."""
        if self.kind.translates:
            return ["--source", str(self.data[0]), "--target", str(self.data[1])]
        return ["--data", str(self.data[0])]

    @property
    def settings(self) -> list[str]:
        """What makes a run of the command line as small as `values`."""
        small = {f"model.{name}": value for name, value in self.kind.small.items()} | {"training.max_steps": 4}
        if self.kind.translates:
            return settings_of({**small, "vocabulary.size": 400, "batch_tokens": 400})
        images = {"preprocessing.image_size": [16, 16], "augmentation.pad_crop": 2, "batch_size": 8}
        return settings_of({**small, **images, "schedule.warmup_steps": 1})

    def answers(self, system: Any) -> Any:
        """What a system says to a few items."""
        return system.translate(SENTENCES) if self.kind.translates else system.classify([self.image], top=3)

    @property
    def question(self) -> list[str]:
        """Arguments of the verb that uses the model."""
        return SENTENCES[:2] if self.kind.translates else [str(self.image)]


def train(values: dict[str, Any], out: Path, *, resume: bool = False, listener: Listener = ignore) -> Any:
    return api.train(api.read_recipe(values, "test"), out, resume=resume, listener=listener)


def weights(run: Path) -> dict[str, Tensor]:
    """Parameters and persistent buffers of a run's best model."""
    return load_file(run / "best" / "model.safetensors")


def scores(run: Path) -> list[Any]:
    """Everything in a run's metrics that is not a time."""
    return [
        {name: value for name, value in row.items() if "second" not in name}
        for row in read_metrics(run / "metrics.jsonl")
    ]


def done(*arguments: object, code: int = 0) -> tuple[str, str]:
    """What a command prints on standard output and standard error."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


class Refusals:
    """Runs commands that must end with one sentence, exit code 2, and nothing written in a folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._capsys, self._patch = folder, capsys, monkeypatch

    def __call__(self, *arguments: object) -> str:
        before = sorted(self._folder.rglob("*"))
        self._patch.setattr(sys, "argv", ["patchword", *map(str, arguments)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = self._capsys.readouterr().err
        assert ended.value.code == 2, said
        assert sorted(self._folder.rglob("*")) == before
        sentences = [line for line in said.splitlines() if not line.startswith(("picked ", "languages: "))]
        assert len(sentences) == 1, said
        return sentences[0].removeprefix("patchword: ")


def copied(run: Path, to: Path) -> Path:
    """The model folder of a run's best model, to be damaged."""
    return Path(shutil.copytree(run / "best", to))
