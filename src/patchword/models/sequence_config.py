"""What every sequence-to-sequence network's config has."""

from abc import abstractmethod
from typing import ClassVar

from pydantic import Field

from patchword.models.model_config import ModelConfig
from patchword.models.ranges import MOST_TOKENS


class SequenceConfig(ModelConfig):
    """What every sequence-to-sequence config has. Vocabulary sizes are in tokens, ids are places in the vocabulary."""

    GIVEN: ClassVar[frozenset[str]] = frozenset(
        {"source_vocab_size", "target_vocab_size", "share_embeddings", "pad_id", "bos_id", "eos_id"}
    )

    source_vocab_size: int = Field(gt=0, le=MOST_TOKENS)
    target_vocab_size: int = Field(gt=0, le=MOST_TOKENS)
    share_embeddings: bool = True
    pad_id: int = Field(0, ge=0)
    bos_id: int = Field(2, ge=0)
    eos_id: int = Field(3, ge=0)

    @property
    @abstractmethod
    def width(self) -> int:
        """Of the hidden states before the output projection."""

    @property
    def longest(self) -> int | None:
        """Most tokens that a side can have; None for any number."""
        return None

    def check_vocabulary(self) -> None:
        """See that the two vocabularies fit together; a ValueError if they do not."""
        if self.share_embeddings and self.source_vocab_size != self.target_vocab_size:
            raise ValueError("share_embeddings needs source and target vocabularies of one size")
        if max(self.pad_id, self.bos_id, self.eos_id) >= min(self.source_vocab_size, self.target_vocab_size):
            raise ValueError("pad_id, bos_id and eos_id must be smaller than both vocabularies")
