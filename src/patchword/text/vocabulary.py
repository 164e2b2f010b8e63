"""SentencePiece vocabularies: text to token ids and back, without loss."""

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Self

import sentencepiece
from pydantic import Field

from patchword.checkpoints.vocabulary_files import PieceTable, VocabularyFiles
from patchword.config import Config
from patchword.errors import ModelFolderError, RecipeError
from patchword.text.normalisation import Normalisation, all_normalised, normalised
from patchword.text.pieces import OwnIds, Side, TableIds

# Of the vocabularies that we learn ourselves.
_PAD_ID, _UNKNOWN_ID, _BOS_ID, _EOS_ID = 0, 1, 2, 3


class VocabularyConfig(Config):
    """How a vocabulary is learned.

    `size` is the number of tokens, of each side if the two are separate. With `shrink` a text too small for `size` gets
    the largest vocabulary that it can fill. With `split_digits` numbers are copied digit by digit, not memorised.
    `normalisation` is the form that all text has for the model, in training and later; see `text.normalisation`.
    """

    size: int = Field(8000, ge=270, le=1_000_000)
    kind: Literal["bpe", "unigram"] = "bpe"
    joint: bool = True
    shrink: bool = False
    split_digits: bool = False
    normalisation: Normalisation = "plain"


class Vocabulary:
    """Source and target tokens; the two are one in a joint vocabulary.

    Args:
        source: a serialised SentencePiece model.
        target: the same for the target side; None for a joint vocabulary.
        pieces: ids of the pieces, where they are not SentencePiece's own (Marian's checkpoints).
        normalisation: the form that texts are brought to before they become tokens; see `text.normalisation`.

    Attributes:
        pad_id: fills short rows.
        unknown_id: stands for what has no token.
        bos_id: what decoding starts from.
        eos_id: ends a sentence.
        normalisation: see above.

    Raises:
        ValueError: if the bytes are not a SentencePiece model.
    """

    def __init__(
        self,
        source: bytes,
        target: bytes | None = None,
        pieces: PieceTable | None = None,
        normalisation: Normalisation = "none",
    ) -> None:
        self._files = VocabularyFiles(source, target, pieces, normalisation)
        self.normalisation = normalisation
        try:
            models = [source] if target is None else [source, target]
            if not all(models):
                raise RuntimeError("it is empty")
            processors = [sentencepiece.SentencePieceProcessor(model_proto=model) for model in models]
        except RuntimeError as error:
            raise ValueError(f"not a SentencePiece model: {error}") from None
        self._source: Side
        self._target: Side
        if pieces is None:
            self.pad_id, self.unknown_id, self.bos_id, self.eos_id = _PAD_ID, _UNKNOWN_ID, _BOS_ID, _EOS_ID
            self._source, self._target = OwnIds(processors[0]), OwnIds(processors[-1])
        else:
            self.pad_id, self.unknown_id = pieces.pad_id, pieces.unknown_id
            self.bos_id, self.eos_id = pieces.bos_id, pieces.eos_id
            # MarianTokenizer joins the pieces of a shared table by the source's SentencePiece model.
            joining = processors[0 if pieces.target is None else -1]
            target_table = pieces.source if pieces.target is None else pieces.target
            self._source = TableIds(processors[0], processors[0], pieces.source, self.unknown_id)
            self._target = TableIds(processors[-1], joining, target_table, self.unknown_id)

    @classmethod
    def train(cls, sources: Iterable[str], targets: Iterable[str], config: VocabularyConfig) -> Self:
        """Learn from both sides of the training text.

        Raises:
            RecipeError: if the text is too small for `config.size`; the message has the largest size that fits.
        """
        form = config.normalisation
        texts = [all_normalised(list(side), form) for side in (sources, targets)]
        if config.joint:
            return cls(_train([*texts[0], *texts[1]], config), normalisation=form)
        return cls(_train(texts[0], config), _train(texts[1], config), normalisation=form)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read from a model or run folder.

        Raises:
            ModelFolderError: if the files are missing or damaged.
        """
        files = VocabularyFiles.read(folder)
        try:
            return cls(files.source, files.target, files.pieces, files.normalisation)
        except ValueError as error:
            raise ModelFolderError(folder, f"the vocabulary is damaged: {error}") from None

    def files(self) -> dict[str, bytes]:
        """The files that `load` reads, by name."""
        return self._files.by_name()

    @property
    def joint(self) -> bool:
        """Whether both sides share their tokens."""
        pieces = self._files.pieces
        return self._files.target is None if pieces is None else pieces.target is None

    @property
    def source_size(self) -> int:
        """Number of source tokens."""
        return self._source.size

    @property
    def target_size(self) -> int:
        """Number of target tokens."""
        return self._target.size

    def normalised(self, text: str) -> str:
        """A text in the form that it has for the model."""
        return normalised(text, self.normalisation)

    def encode_source(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of source texts, each ending with the end token."""
        return [[*ids, self.eos_id] for ids in self._source.encode(all_normalised(texts, self.normalisation))]

    def encode_target(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of target texts, each between the start and the end token."""
        rows = self._target.encode(all_normalised(texts, self.normalisation))
        return [[self.bos_id, *ids, self.eos_id] for ids in rows]

    def decode_target(self, ids: Sequence[int]) -> str:
        """Text of target ids; special tokens are passed over."""
        return self._target.decode(ids, (self.pad_id, self.bos_id, self.eos_id))

    def source_pieces(self, ids: Sequence[int]) -> list[str]:
        """What each source token stands for; "▁" marks a word's beginning."""
        return self._source.pieces(ids)

    def target_pieces(self, ids: Sequence[int]) -> list[str]:
        """What each target token stands for."""
        return self._target.pieces(ids)


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
            pad_id=_PAD_ID,
            unk_id=_UNKNOWN_ID,
            bos_id=_BOS_ID,
            eos_id=_EOS_ID,
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
            needed = f" ({least[1]} with the bytes)" if least[1] else ""
            raise RecipeError(
                f"vocabulary.size = {config.size} is too small for this text's characters{needed}; make it larger"
            ) from None
        raise RecipeError(f"vocabulary.size = {config.size} does not suit this text: {error}") from None
    return model.getvalue()
