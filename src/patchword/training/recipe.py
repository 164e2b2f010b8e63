"""Recipes: TOML files that become frozen, validated configurations."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import tomli_w
from pydantic import Field, model_validator

from patchword.config import Config
from patchword.errors import DataError, RecipeError, clipped, reason, shown
from patchword.files import regular, write_text
from patchword.models.registry import ModelChoice

AUTO = "auto"  # the size of batches that is found out before the first one; see `training.sizing`
MOST = 10**12  # of anything that is counted: exact in a float, and more than any run has
LARGEST = 1e38  # of float32
_LARGEST_FILE = 2**20  # bytes of a recipe
_DEEPEST = 8  # tables around a value

Beta = Annotated[float, Field(ge=0, lt=1)]
Settings = Mapping[str, Any] | Iterable[str]
PathText = Annotated[str, Field(max_length=4096, pattern=r"^[^\x00]*$")]


class OptimizerConfig(Config):
    """How the weights are updated."""

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    """AdamW, Adam, or SGD with Nesterov's momentum, as ResNets are trained."""
    learning_rate: float = Field(1e-3, gt=0, le=LARGEST)
    """The highest learning rate, which the schedule multiplies by its factor."""
    betas: tuple[Beta, Beta] = (0.9, 0.98)
    """Adam's and AdamW's decay rates of the two moments (Vaswani et al. 2017, section 5.3)."""
    eps: float = Field(1e-9, ge=1e-30, le=1e3)  # less is 0 in float32, and 0 / 0 where there is no gradient
    """Added to the root of Adam's second moment (section 5.3)."""
    momentum: float = Field(0.9, gt=0, lt=1)
    """SGD's momentum; Adam and AdamW have none."""
    weight_decay: float = Field(0.0, ge=0, le=LARGEST)
    """Weight decay of weight matrices and convolutions; biases, norms, embeddings and positions have none."""
    clip_norm: float | None = Field(None, gt=0, le=LARGEST)
    """Gradients with a larger norm over all weights are scaled down to it; unset, none are."""
    accumulate: int = Field(1, ge=1, le=1_000_000)
    """Batches whose gradients are added up for one update."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Each layer's rate as a share of that of the layer above; the head has `learning_rate` itself, layer l of L that
    times layer_decay ** (L - l + 1), the embeddings the least.
    """


class ScheduleConfig(Config):
    """The learning rate as a factor of the optimizer's, by step; a step is one update of the weights."""

    name: Literal["inverse_sqrt", "cosine", "constant"] = "inverse_sqrt"
    """After the warm-up the rate falls with the square root of the step (Vaswani et al. 2017, section 5.3), along half
    a cosine to the last step that the limits in `training` leave (Loshchilov & Hutter 2017), or not at all.
    """
    warmup_steps: int = Field(400, ge=0, le=MOST)
    """Steps over which the rate rises linearly from 0; a time limit leaves them a fifth of the run at most."""
    final_factor: float = Field(0.0, ge=0, le=1)
    """What a cosine falls to, as a share of the highest rate."""


class TrainingConfig(Config):
    """How long to train and what to keep. The first limit that is reached ends the run; one at least must be set."""

    seed: int = Field(1, ge=-(2**63), lt=2**63)
    """Of everything random: first weights, order of the data, dropout, augmentation, held-out images."""
    max_steps: int | None = Field(None, gt=0, le=MOST)
    """Updates of the weights after which the run ends."""
    max_epochs: int | None = Field(None, gt=0, le=MOST)
    """Passes through the training data after which the run ends; 10 in a recipe that has no [training]."""
    max_minutes: float | None = Field(None, gt=0, le=MOST)
    """Minutes of training after which the run ends; warm-up and cosine are fitted into them."""
    validate_every: int | None = Field(None, gt=0, le=MOST)
    """Steps between validations; unset, there is one after every epoch."""
    save_every_minutes: float = Field(5.0, gt=0, le=MOST)
    """Minutes between saved states, from which --resume goes on."""
    patience: int | None = Field(None, gt=0, le=MOST)
    """Validations without a better score after which the run ends; unset, it does not end for that."""
    ema_decay: float | None = Field(None, gt=0, lt=1)
    """Decay of the exponential average of the weights, which is what is validated and kept (Polyak averaging); 0.999
    looks back about a thousand steps; unset, the weights themselves are.
    """
    average_last: int = Field(1, ge=1, le=1000)
    """At the end the weights of this many validations are averaged, and kept if they score better (Vaswani et al. 2017,
    section 6.1).
    """
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """Probability that the right token or class gives up to all of them (Vaswani et al. 2017, section 5.4)."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the computation; auto is bfloat16 on GPUs that have it, and float32 elsewhere."""
    device: str = Field("auto", max_length=20)
    """auto, cpu, cuda, cuda:1 and so on, or mps; auto is CUDA where there is one, else cpu."""
    threads: int | None = Field(None, gt=0, le=1024)
    """Processor threads; unset, as many as torch takes, or fewer while measuring finds more to be slower, as beside
    other programs. A number that is set never changes; only then the same recipe is the same bits whatever else runs.
    Of several processes each has so many, at most its share of the machine's cores.
    """
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """How several processes, which torchrun starts, hold the network: each the whole of it (ddp,
    DistributedDataParallel), or a share of every weight (fsdp, FSDP2). One process alone has it whole.
    """
    tensorboard: bool = False
    """Whether the rows of metrics.jsonl are also written as TensorBoard's event files, in tensorboard/ of the run
    folder; this needs the extra tensorboard.
    """

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max_steps is None and self.max_epochs is None and self.max_minutes is None:
            raise ValueError("one of max_steps, max_epochs and max_minutes must be set")
        return self


class Recipe(Config):
    """What every recipe has; each wing adds its data, vocabulary or preprocessing.

    The tables in `OF_INIT` say what the init model says already, so beside `init` they may only have the fields named
    there.
    """

    OF_INIT: ClassVar[dict[str, frozenset[str]]] = {}

    task: str
    """What is trained."""
    init: PathText | None = Field(None, min_length=1)
    """A model folder, run folder or hf:OWNER/NAME whose weights training starts from; unset, they start at random."""
    model: ModelChoice = ModelChoice()
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    training: TrainingConfig = TrainingConfig(max_epochs=10)

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


def with_settings(values: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Apply settings: `a.b=value` with a value of TOML, or else taken as a string, one or several; or names and values.

    Returns:
        a new mapping; `values` is unchanged.

    Raises:
        RecipeError: if a setting has no "=" or its path goes through a value.
    """
    result = _copy(values)
    if isinstance(settings, Mapping):
        for name, value in settings.items():
            _put(result, name, value, f"{clipped(name)}")
        return result
    for setting in [settings] if isinstance(settings, str) else settings:
        name, equals, text = setting.partition("=")
        told = f"--set {clipped(setting)}"
        if not equals or not name.strip():
            raise RecipeError(f"{told}: expected name=value, such as schedule.warmup_steps=2000")
        _put(result, name.strip(), _value(text.strip()), told)
    return result


def _put(values: dict[str, Any], name: str, value: Any, told: str) -> None:
    *path, last = name.split(".")
    if len(path) > _DEEPEST:
        raise RecipeError(f"{told}: the name has {len(path) + 1:,} parts; no value lies so deep")
    for part in path:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise RecipeError(f"{told}: {shown(part)} is a value, not a table")
    values[last] = value


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in values.items()}


def _value(text: str) -> Any:
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text  # after a line break there may be more than one value


def _problem(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)
