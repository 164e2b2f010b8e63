"""The vocabulary's files in a model folder.

vocabulary.model            a SentencePiece model for both languages, or else
vocabulary.source.model     one for the source and
vocabulary.target.model     one for the target
vocabulary.json             ids of their pieces, where those are not SentencePiece's own (Marian's checkpoints)
normalisation.json          the form that texts are brought to first, {"form": "plain"}; without it, none
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from patchword.checkpoints.json_file import parse_json, read_bytes
from patchword.config import Config
from patchword.errors import DataError, ModelFolderError, RecipeError

JOINT_FILE, SOURCE_FILE, TARGET_FILE = "vocabulary.model", "vocabulary.source.model", "vocabulary.target.model"
PIECES_FILE = "vocabulary.json"
NORMALISATION_FILE = "normalisation.json"


class NormalisationFile(Config):
    """What normalisation.json says; the forms are the text wing's."""

    form: Literal["none", "plain", "quotes"]


class PieceTable(Config):
    """Ids of SentencePiece's pieces.

    Attributes:
        source: pieces by id; None at ids that no piece has.
        target: the same for the target side; None where both sides share one table.
        pad_id: fills short rows.
        unknown_id: of every piece that has no id, on either side.
        bos_id: what decoding starts from.
        eos_id: ends a sentence.
    """

    source: tuple[str | None, ...]
    target: tuple[str | None, ...] | None = None
    pad_id: int = Field(ge=0)
    unknown_id: int = Field(ge=0)
    bos_id: int = Field(ge=0)
    eos_id: int = Field(ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        size = min(len(self.source), len(self.source if self.target is None else self.target))
        if max(self.pad_id, self.unknown_id, self.bos_id, self.eos_id) >= size:
            raise ValueError(f"pad_id, unknown_id, bos_id and eos_id must be smaller than the {size} pieces")
        return self


@dataclass(frozen=True)
class VocabularyFiles:
    """What the files hold.

    Attributes:
        source: a serialised SentencePiece model.
        target: the same for the target side; None where one serves both.
        pieces: ids of the pieces; None where they are SentencePiece's own.
        normalisation: the form that texts are brought to.
    """

    source: bytes
    target: bytes | None = None
    pieces: PieceTable | None = None
    normalisation: Literal["none", "plain", "quotes"] = "none"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read from a model or run folder.

        Raises:
            ModelFolderError: if a file is missing, or vocabulary.json is damaged.
        """
        names = (JOINT_FILE, SOURCE_FILE, TARGET_FILE, PIECES_FILE, NORMALISATION_FILE)
        try:
            return cls.parse({name: read_bytes(folder / name) for name in names if (folder / name).exists()})
        except KeyError as error:
            raise ModelFolderError(folder, f"{error.args[0]} is missing") from None
        except (OSError, ValueError, RecipeError, DataError) as error:
            raise ModelFolderError(folder, f"the vocabulary is damaged: {error}") from None

    @classmethod
    def parse(cls, files: Mapping[str, bytes]) -> Self:
        """The reverse of `by_name`.

        Raises:
            KeyError: with the name of a file that is missing.
            RecipeError: if vocabulary.json has wrong fields.
            ValueError: if it is no JSON.
        """
        form: Literal["none", "plain", "quotes"] = "none"
        if NORMALISATION_FILE in files:
            form = NormalisationFile.parse(parse_json(files[NORMALISATION_FILE]), NORMALISATION_FILE).form
        if SOURCE_FILE not in files:
            return cls(files[JOINT_FILE], normalisation=form)
        pieces = PieceTable.parse(parse_json(files[PIECES_FILE]), PIECES_FILE) if PIECES_FILE in files else None
        return cls(files[SOURCE_FILE], files[TARGET_FILE], pieces, form)

    def by_name(self) -> dict[str, bytes]:
        """Contents of the files that `read` reads."""
        files = {JOINT_FILE: self.source}
        if self.target is not None:
            files = {SOURCE_FILE: self.source, TARGET_FILE: self.target}
        if self.normalisation != "none":
            files[NORMALISATION_FILE] = (json.dumps({"form": self.normalisation}) + "\n").encode()
        if self.pieces is not None:
            table = self.pieces.model_dump(exclude_none=True)
            files[PIECES_FILE] = (json.dumps(table, ensure_ascii=False) + "\n").encode()
        return files
