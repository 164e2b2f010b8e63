"""What a translation recipe says."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

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
    """Where the parallel text is: two aligned files, or one .tsv, .csv, .jsonl, .tmx, .po, .mo, .xliff or .zip;
    each may be gzip.

    Damaged pairs, such as those with an empty side, are left out and listed while they are few (`pairs.MOST_DAMAGED`).
    """

    folder: PathText = "."
    """What relative paths are relative to; `--data` on the command line."""
    train: tuple[PathText, ...] = Field(min_length=1, max_length=2)
    """The training text: sources and targets line by line, or one file with both."""
    validation: tuple[PathText, ...] | None = Field(None, min_length=1, max_length=2)
    """The validation text, in the same forms; unset, some of the training text is held out."""
    hold_out: int = Field(500, gt=0, le=MOST)
    """Pairs of the training text, spread evenly, that are kept for validation where there is none; a tenth of it at
    most.
    """
    source_language: str = Field("source", max_length=100)
    """Such as en; it is kept with the model, and tells a file's columns or languages apart."""
    target_language: str = Field("target", max_length=100)
    """Such as de; the scores' tokeniser is chosen by it too."""
    max_tokens: int = Field(128, gt=2, le=MOST_TOKENS)
    """Pairs with a side of more tokens are left out and listed."""
    columns: tuple[int | str, int | str] | None = None
    """A table's two columns, source and target, by their numbers, from 1, or their names."""
    strict: bool = False
    """The first damaged pair is an error."""

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
    alone.
    """

    OF_INIT: ClassVar[dict[str, frozenset[str]]] = {"model": regularisation(TASK), "vocabulary": frozenset()}

    task: Literal["translation"] = "translation"
    """A translator; every recipe file says so."""
    data: TranslationData
    vocabulary: VocabularyConfig = VocabularyConfig()
    batch_tokens: Annotated[int, Field(gt=0, le=1_000_000_000)] | Literal["auto"] = 4096
    """Most tokens of a batch: its rows times its longest side; a longer pair is a batch of its own. With "auto" sizes
    are tried at the start, and the run keeps the smallest that is within 5 % of the fastest and leaves some memory.
    """
    validate_bleu: bool = False
    """Every validation translates the validation text greedily too, and BLEU instead of the loss says which model is
    best.
    """
    freeze: Literal["embeddings", "encoder"] | None = None
    """What of the model in `init` does not train: the token embeddings, and so a tied output projection; or everything
    that the memory is computed from, shared embeddings included.
    """

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
