"""What a translation recipe says."""

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from patchword.config import Config
from patchword.errors import nearest
from patchword.models.transformer import SIZES
from patchword.text.vocabulary import VocabularyConfig
from patchword.training.recipe import Recipe

# Fields of a model that act in training alone, so that an init model can be given others.
REGULARISATION = frozenset({"dropout", "attention_dropout", "activation_dropout"})


class TranslationData(Config):
    """Where the parallel text is: two aligned files, or one .tsv or .jsonl; each may end in .gz.

    Relative paths are relative to `folder` (`--data` on the command line). Without validation files `hold_out`
    pairs of the training text, spread evenly, are kept for validation. Pairs with a side of more than
    `max_tokens` tokens are left out and listed.
    """

    folder: str = "."
    train: tuple[str, ...] = Field(min_length=1, max_length=2)
    validation: tuple[str, ...] | None = Field(None, min_length=1, max_length=2)
    hold_out: int = Field(500, gt=0)
    source_language: str = "source"
    target_language: str = "target"
    max_tokens: int = Field(128, gt=2)

    def paths(self, names: tuple[str, ...]) -> list[Path]:
        """The files that names stand for."""
        return [Path(self.folder).expanduser() / name for name in names]


class TransformerChoice(Config):
    """A named size and what differs from it; None keeps the size's value. See `TransformerConfig`."""

    size: str = "small"
    d_model: int | None = None
    num_heads: int | None = None
    encoder_layers: int | None = None
    decoder_layers: int | None = None
    d_ff: int | None = None
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    activation: Literal["relu", "gelu", "gelu_tanh", "silu"] = "relu"
    norm_first: bool = False
    positions: Literal["sinusoidal", "sinusoidal_halves", "learned", "none"] = "sinusoidal"

    @field_validator("size")
    @classmethod
    def _known(cls, size: str) -> str:
        if size not in SIZES:
            raise ValueError(f"no such size; {nearest(size, SIZES)}")
        return size


class TranslationRecipe(Recipe):
    """A whole recipe for a translator.

    With `init`, vocabulary, architecture and languages that are not set are the init model's; `model` may set dropouts
    alone. `freeze` = "embeddings" leaves the token embeddings as they are, and so a tied output projection; "encoder"
    leaves everything as it is that the memory is computed from, shared embeddings included.

    `batch_tokens` bounds rows times the longest side of a batch. With `validate_bleu` every validation translates
    the validation text greedily, and BLEU instead of the loss decides which model is best.
    """

    OF_INIT: ClassVar[dict[str, frozenset[str]]] = {"model": REGULARISATION, "vocabulary": frozenset()}

    task: Literal["translation"] = "translation"
    data: TranslationData
    vocabulary: VocabularyConfig = VocabularyConfig()
    model: TransformerChoice = TransformerChoice()
    batch_tokens: int = Field(4096, gt=0)
    validate_bleu: bool = False
    freeze: Literal["embeddings", "encoder"] | None = None

    @model_validator(mode="after")
    def _check_freeze(self) -> Self:
        if self.freeze is not None and self.init is None:
            raise ValueError(f"freeze = {self.freeze!r} needs init: what nobody trained would stay at random")
        return self
