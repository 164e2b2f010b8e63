"""SentencePiece vocabularies: text to token ids and back, without loss."""

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Self

import sentencepiece
from pydantic import Field

from patchword.config import Config
from patchword.errors import ModelFolderError, RecipeError

PAD_ID, UNKNOWN_ID, BOS_ID, EOS_ID = 0, 1, 2, 3
JOINT_FILE, SOURCE_FILE, TARGET_FILE = "vocabulary.model", "vocabulary.source.model", "vocabulary.target.model"


class VocabularyConfig(Config):
    """How a vocabulary is learned.

    `size` is the number of tokens, of each side if the two are separate. With `shrink` a text too small for `size` gets
    the largest vocabulary that it can fill. With `split_digits` numbers are copied digit by digit, not memorised.
    """

    size: int = Field(8000, ge=270)
    kind: Literal["bpe", "unigram"] = "bpe"
    joint: bool = True
    shrink: bool = False
    split_digits: bool = False


class Vocabulary:
    """Source and target tokens; the two are one in a joint vocabulary.

    Args:
        source: a serialised SentencePiece model.
        target: the same for the target side; None for a joint vocabulary.

    Raises:
        ValueError: if the bytes are not a SentencePiece model.
    """

    def __init__(self, source: bytes, target: bytes | None = None) -> None:
        self._models = [source] if target is None else [source, target]
        try:
            self._processors = [sentencepiece.SentencePieceProcessor(model_proto=model) for model in self._models]
        except RuntimeError as error:
            raise ValueError(f"not a SentencePiece model: {error}") from None
        self._source, self._target = self._processors[0], self._processors[-1]

    @classmethod
    def train(cls, sources: Iterable[str], targets: Iterable[str], config: VocabularyConfig) -> Self:
        """Learn from both sides of the training text.

        Raises:
            RecipeError: if the text is too small for `config.size`; the message has the largest size that fits.
        """
        if config.joint:
            return cls(_train([*sources, *targets], config))
        return cls(_train(list(sources), config), _train(list(targets), config))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read from a model or run folder.

        Raises:
            ModelFolderError: if the files are missing or damaged.
        """
        try:
            if (folder / SOURCE_FILE).exists():
                return cls((folder / SOURCE_FILE).read_bytes(), (folder / TARGET_FILE).read_bytes())
            return cls((folder / JOINT_FILE).read_bytes())
        except FileNotFoundError as error:
            raise ModelFolderError(folder, f"{Path(error.filename).name} is missing") from None
        except (OSError, ValueError) as error:
            raise ModelFolderError(folder, f"the vocabulary is damaged: {error}") from None

    def files(self) -> dict[str, bytes]:
        """The files that `load` reads, by name."""
        names = [JOINT_FILE] if len(self._models) == 1 else [SOURCE_FILE, TARGET_FILE]
        return dict(zip(names, self._models, strict=True))

    @property
    def joint(self) -> bool:
        """Whether both sides share their tokens."""
        return len(self._models) == 1

    @property
    def source_size(self) -> int:
        """Number of source tokens."""
        return int(self._source.get_piece_size())

    @property
    def target_size(self) -> int:
        """Number of target tokens."""
        return int(self._target.get_piece_size())

    def encode_source(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of source texts, each ending with the end token."""
        return [[*ids, EOS_ID] for ids in self._source.encode(list(texts))]

    def encode_target(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of target texts, each between the start and the end token."""
        return [[BOS_ID, *ids, EOS_ID] for ids in self._target.encode(list(texts))]

    def decode_target(self, ids: Sequence[int]) -> str:
        """Text of target ids; special tokens are passed over."""
        text: str = self._target.decode([i for i in ids if i not in (PAD_ID, BOS_ID, EOS_ID)])
        return text

    def source_pieces(self, ids: Sequence[int]) -> list[str]:
        """What each source token stands for; "▁" marks a word's beginning."""
        return [self._source.id_to_piece(int(i)) for i in ids]

    def target_pieces(self, ids: Sequence[int]) -> list[str]:
        """What each target token stands for."""
        return [self._target.id_to_piece(int(i)) for i in ids]


def _train(texts: Sequence[str], config: VocabularyConfig) -> bytes:
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            vocab_size=config.size,
            model_type=config.kind,
            # With bytes to fall back on, and text left as it is, no character is ever lost or changed.
            byte_fallback=True,
            character_coverage=0.9999,
            normalization_rule_name="identity",
            split_digits=config.split_digits,
            remove_extra_whitespaces=False,
            pad_id=PAD_ID,
            unk_id=UNKNOWN_ID,
            bos_id=BOS_ID,
            eos_id=EOS_ID,
            max_sentence_length=65536,
            minloglevel=2,
        )
    except RuntimeError as error:
        most = re.search(r"<= (\d+)", str(error))
        least = re.search(r"required_chars_size?\.? .*?(\d+) vs (\d+)|smaller than required", str(error))
        if most and config.shrink:
            return _train(texts, config.model_copy(update={"size": int(most[1]), "shrink": False}))
        if most:
            raise RecipeError(
                f"vocabulary.size = {config.size} is too large for this text; at most {most[1]} tokens fit"
            ) from None
        if least:
            raise RecipeError(f"vocabulary.size = {config.size} is too small for this text's characters") from None
        raise RecipeError(f"vocabulary.size = {config.size} does not suit this text: {error}") from None
    return model.getvalue()
