"""What a translation recipe says."""

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from patchword.config import Config
from patchword.errors import RecipeError
from patchword.models.registry import regularisation
from patchword.text.language import said
from patchword.text.options import MOST_TOKENS
from patchword.text.vocabulary import VocabularyConfig
from patchword.training.recipe import MOST, PathText, Recipe

TASK = "translation"

# What a vocabulary decides, at sizes that any has: for looking at a recipe before there is one.
ANY_VOCABULARY = {"source_vocab_size": 300, "target_vocab_size": 300, "pad_id": 0, "bos_id": 2, "eos_id": 3}


class TranslationData(Config):
    """Where the parallel text is: two aligned files, or one .tsv, .csv, .jsonl or .zip; each may be gzip.

    Relative paths are relative to `folder` (`--data` on the command line). Without validation files `hold_out`
    pairs of the training text, spread evenly, are kept for validation. Pairs with a side of more than
    `max_tokens` tokens are left out and listed. Damaged pairs, such as those with an empty side, are left out and
    listed while they are few (`pairs.MOST_DAMAGED`); with `strict` the first one is an error. `columns` are the numbers
    of a table's two columns, from 1, or their names.
    """

    folder: PathText = "."
    train: tuple[PathText, ...] = Field(min_length=1, max_length=2)
    validation: tuple[PathText, ...] | None = Field(None, min_length=1, max_length=2)
    hold_out: int = Field(500, gt=0, le=MOST)
    source_language: str = Field("source", max_length=100)
    target_language: str = Field("target", max_length=100)
    max_tokens: int = Field(128, gt=2, le=MOST_TOKENS)
    columns: tuple[int | str, int | str] | None = None
    strict: bool = False

    @field_validator("columns", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """From "1,2", as the command line has it."""
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",")]
        if len(parts) != 2 or not all(parts):
            raise ValueError("expected two columns, such as 1,2 or en,de")
        return tuple(int(part) if part.isdecimal() and len(part) < 10 else part for part in parts)

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        if self.columns is None:
            return self
        first, second = self.columns
        numbers = [column for column in self.columns if isinstance(column, int)]
        if first == second or not all(1 <= number <= 1000 for number in numbers):
            raise ValueError(f"columns {first!r} and {second!r}: two different ones are expected, counted from 1")
        return self

    @property
    def languages(self) -> tuple[str | None, str | None]:
        """Of source and target, where they are said."""
        return said(self.source_language), said(self.target_language)

    def paths(self, names: tuple[str, ...]) -> list[Path]:
        """The files that names stand for."""
        return [Path(self.folder).expanduser() / name for name in names]


class TranslationRecipe(Recipe):
    """A whole recipe for a translator.

    With `init`, vocabulary, architecture and languages that are not set are the init model's; `model` may set dropouts
    alone. `freeze` = "embeddings" leaves the token embeddings as they are, and so a tied output projection; "encoder"
    leaves everything as it is that the memory is computed from, shared embeddings included.

    `batch_tokens` bounds rows times the longest side of a batch. With `validate_bleu` every validation translates
    the validation text greedily, and BLEU instead of the loss decides which model is best.
    """

    OF_INIT: ClassVar[dict[str, frozenset[str]]] = {"model": regularisation(TASK), "vocabulary": frozenset()}

    task: Literal["translation"] = "translation"
    data: TranslationData
    vocabulary: VocabularyConfig = VocabularyConfig()
    batch_tokens: int = Field(4096, gt=0, le=1_000_000_000)
    validate_bleu: bool = False
    freeze: Literal["embeddings", "encoder"] | None = None

    @model_validator(mode="after")
    def _check_freeze(self) -> Self:
        if self.freeze is not None and self.init is None:
            raise ValueError(f"freeze = {self.freeze!r} needs init: what nobody trained would stay at random")
        return self

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        if self.init is None:
            try:
                self.model.config(TASK, ANY_VOCABULARY)
            except RecipeError as error:
                raise ValueError(str(error)) from None
        return self

    def resolved_model(self) -> dict[str, Any]:
        """See `Recipe.resolved_model`."""
        return self.model.resolved(TASK, self.model.config(TASK, ANY_VOCABULARY))
