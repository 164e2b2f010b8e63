"""The smallest translator that has all parts of one; what it says means nothing."""

import torch

from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig


def tiny_translator() -> Translator:
    """With random weights, the same each time, and a vocabulary of ten words."""
    torch.manual_seed(1)
    words = ["one two three four", "five six seven", "eight nine ten"]
    vocabulary = Vocabulary.train(words, words, VocabularyConfig(size=300, shrink=True))
    size = vocabulary.source_size
    sizes = {"d_model": 16, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 16}
    config = TransformerConfig.parse({"source_vocab_size": size, "target_vocab_size": size, **sizes}, "test")
    return Translator(Transformer(config), vocabulary)
