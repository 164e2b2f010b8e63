"""Recipes: TOML files that become frozen, validated configurations."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import tomli_w
from pydantic import Field, model_validator

from patchword.config import Config
from patchword.errors import DataError, RecipeError
from patchword.files import write_text
from patchword.models.registry import ModelChoice


class OptimizerConfig(Config):
    """Adam, AdamW, or SGD with Nesterov's momentum, as ResNets are trained. The defaults for betas and eps are the
    Transformer paper's (section 5.3); `momentum` is SGD's alone.

    With `layer_decay` below 1 each layer's rate is that of the layer above times this factor: a model's head has
    `learning_rate`, layer l of L has learning_rate * layer_decay ** (L - l + 1), the embeddings have the least.
    """

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0)
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = Field(1e-9, gt=0)
    momentum: float = Field(0.9, gt=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    clip_norm: float | None = Field(None, gt=0)
    accumulate: int = Field(1, ge=1)
    layer_decay: float = Field(1.0, gt=0, le=1)


class ScheduleConfig(Config):
    """Learning rate as a factor of the optimizer's, by step; steps count optimizer updates.

    `inverse_sqrt` rises linearly over the warm-up and falls with the square root of the step (section 5.3);
    `cosine` falls to `final_factor` at `training.max_steps`.
    """

    name: Literal["inverse_sqrt", "cosine", "constant"] = "inverse_sqrt"
    warmup_steps: int = Field(400, ge=0)
    final_factor: float = Field(0.0, ge=0, le=1)


class TrainingConfig(Config):
    """How long to train and what to keep. The first limit that is reached ends the run."""

    seed: int = 1
    max_steps: int | None = Field(None, gt=0)
    max_epochs: int | None = Field(None, gt=0)
    max_minutes: float | None = Field(None, gt=0)
    validate_every: int | None = Field(None, gt=0)  # steps; None: after every epoch
    save_every_minutes: float = Field(5.0, gt=0)
    patience: int | None = Field(None, gt=0)  # validations without a better score before stopping
    ema_decay: float | None = Field(None, gt=0, lt=1)
    average_last: int = Field(1, ge=1)  # average the models of this many validations at the end
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    threads: int | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max_steps is None and self.max_epochs is None and self.max_minutes is None:
            raise ValueError("one of max_steps, max_epochs and max_minutes must be set")
        return self


class Recipe(Config):
    """What every recipe has; each wing adds its data, vocabulary or preprocessing.

    `model` names an architecture, one of its sizes, and fields that differ from it. `init` is a model folder, or a run
    folder, whose weights training starts from. The tables in `OF_INIT` say what the init model says already, so beside
    `init` they may only have the fields named there.
    """

    OF_INIT: ClassVar[dict[str, frozenset[str]]] = {}

    task: str
    init: str | None = None
    model: ModelChoice = ModelChoice()
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    training: TrainingConfig = TrainingConfig(max_epochs=10)

    @model_validator(mode="after")
    def _check_schedule(self) -> Self:
        if self.schedule.name == "cosine" and self.training.max_steps is None:
            raise ValueError("schedule.name = 'cosine' needs training.max_steps")
        return self

    @model_validator(mode="after")
    def _check_init(self) -> Self:
        for table, allowed in self.OF_INIT.items():
            config: Config = getattr(self, table)
            extra = sorted(config.model_fields_set - allowed) if self.init is not None else []
            if extra:
                rest = f"; beside it only {', '.join(sorted(allowed))} can be set" if allowed else ""
                raise ValueError(f"{table}.{extra[0]} cannot be set together with init, whose model has it{rest}")
        return self

    def resolved_model(self) -> dict[str, Any]:
        """`model` with every field that it stands for, as plain values; a wing knows what its data decides."""
        return self.model.model_dump(mode="json", exclude_none=True)

    def write(self, path: Path) -> None:
        """Write the resolved recipe as TOML, atomically; `read_toml` gives it back."""
        values = self.model_dump(mode="json", exclude_none=True)
        if self.init is None:
            values["model"] = self.resolved_model()
        else:
            # Defaults are not what the init model has, so only what was set may stand in these tables.
            values |= {t: getattr(self, t).model_dump(mode="json", exclude_unset=True) for t in self.OF_INIT}
        write_text(path, tomli_w.dumps(values))


def read_toml(path: Path) -> dict[str, Any]:
    """A recipe file's values.

    Raises:
        DataError: if the file is missing or is not TOML, with the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(path, "no such recipe file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(path, f"cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(path, f"not valid TOML: {error}") from None


def with_settings(values: dict[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Apply `--set a.b=value` settings; the value is TOML, or else taken as a string.

    Returns:
        a new mapping; `values` is unchanged.

    Raises:
        RecipeError: if a setting has no "=" or its path goes through a value.
    """
    result = _copy(values)
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            raise RecipeError(f"--set {setting}: expected name=value, such as schedule.warmup_steps=2000")
        *path, last = name.strip().split(".")
        table = result
        for part in path:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise RecipeError(f"--set {setting}: {part!r} is a value, not a table")
        table[last] = _value(text.strip())
    return result


def _copy(values: dict[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in values.items()}


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
