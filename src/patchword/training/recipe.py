"""Recipes: TOML files that become frozen, validated configurations."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import tomli_w
from pydantic import Field, model_validator

from patchword.config import Config
from patchword.errors import DataError, RecipeError, clipped, reason, shown
from patchword.files import regular, write_text
from patchword.models.registry import ModelChoice

MOST = 10**12  # of anything that is counted: exact in a float, and more than any run has
LARGEST = 1e38  # of float32
_LARGEST_FILE = 2**20  # bytes of a recipe
_DEEPEST = 8  # tables around a value

Beta = Annotated[float, Field(ge=0, lt=1)]
PathText = Annotated[str, Field(max_length=4096, pattern=r"^[^\x00]*$")]


class OptimizerConfig(Config):
    """Adam, AdamW, or SGD with Nesterov's momentum, as ResNets are trained. The defaults for betas and eps are the
    Transformer paper's (section 5.3); `momentum` is SGD's alone.

    With `layer_decay` below 1 each layer's rate is that of the layer above times this factor: a model's head has
    `learning_rate`, layer l of L has learning_rate * layer_decay ** (L - l + 1), the embeddings have the least.
    """

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0, le=LARGEST)
    betas: tuple[Beta, Beta] = (0.9, 0.98)
    eps: float = Field(1e-9, ge=1e-30, le=1e3)  # less is 0 in float32, and 0 / 0 where there is no gradient
    momentum: float = Field(0.9, gt=0, lt=1)
    weight_decay: float = Field(0.0, ge=0, le=LARGEST)
    clip_norm: float | None = Field(None, gt=0, le=LARGEST)
    accumulate: int = Field(1, ge=1, le=1_000_000)
    layer_decay: float = Field(1.0, gt=0, le=1)


class ScheduleConfig(Config):
    """Learning rate as a factor of the optimizer's, by step; steps count optimizer updates.

    `inverse_sqrt` rises linearly over the warm-up and falls with the square root of the step (section 5.3);
    `cosine` falls to `final_factor` at `training.max_steps`.
    """

    name: Literal["inverse_sqrt", "cosine", "constant"] = "inverse_sqrt"
    warmup_steps: int = Field(400, ge=0, le=MOST)
    final_factor: float = Field(0.0, ge=0, le=1)


class TrainingConfig(Config):
    """How long to train and what to keep. The first limit that is reached ends the run."""

    seed: int = Field(1, ge=-(2**63), lt=2**63)
    max_steps: int | None = Field(None, gt=0, le=MOST)
    max_epochs: int | None = Field(None, gt=0, le=MOST)
    max_minutes: float | None = Field(None, gt=0, le=MOST)
    validate_every: int | None = Field(None, gt=0, le=MOST)  # steps; None: after every epoch
    save_every_minutes: float = Field(5.0, gt=0, le=MOST)
    patience: int | None = Field(None, gt=0, le=MOST)  # validations without a better score before stopping
    ema_decay: float | None = Field(None, gt=0, lt=1)
    average_last: int = Field(1, ge=1, le=1000)  # average the models of this many validations at the end
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    threads: int | None = Field(None, gt=0, le=1024)

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
    init: PathText | None = Field(None, min_length=1)
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
        if path.exists() and not path.is_dir():  # which reading refuses
            regular(path, "a recipe file")
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(path, f"has more than {_LARGEST_FILE:,} bytes; expected a recipe")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(path, "no such recipe file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(path, f"cannot be read: {reason(error) if isinstance(error, OSError) else error}") from None
    except (ValueError, RecursionError) as error:  # also of integers with thousands of digits
        raise DataError(path, f"not valid TOML: {_problem(error)}") from None


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
        told = f"--set {clipped(setting)}"
        if not equals or not name.strip():
            raise RecipeError(f"{told}: expected name=value, such as schedule.warmup_steps=2000")
        *path, last = name.strip().split(".")
        if len(path) > _DEEPEST:
            raise RecipeError(f"{told}: the name has {len(path) + 1:,} parts; no value lies so deep")
        table = result
        for part in path:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise RecipeError(f"{told}: {shown(part)} is a value, not a table")
        table[last] = _value(text.strip())
    return result


def _copy(values: dict[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in values.items()}


def _value(text: str) -> Any:
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text  # after a line break there may be more than one value


def _problem(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)
