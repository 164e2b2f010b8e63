"""The two sides of a claim: a Transformer and an RNN, or a ViT and a CNN, with as many parameters as one another."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from patchword.compare.networks import Reader, matched, network, parameters, without_numbers
from patchword.compare.words import Text
from patchword.models.contracts import ImageModel, SequenceToSequence

TEXT = {"transformer": Text("Transformer", "Transformer"), "rnn": Text("RNN (LSTM)", "RNN（LSTM）")}
IMAGES = {"vit": Text("ViT", "ViT"), "cnn": Text("CNN (ResNet)", "CNN（ResNet）")}


def transformer(vocabulary: int, width: int, layers: int, **fields: Any) -> SequenceToSequence:
    """A Pre-LN Transformer over one vocabulary; `fields` are further ones of its config."""
    sizes = {"d_model": width, "num_heads": 4, "d_ff": 2 * width, "encoder_layers": layers, "decoder_layers": layers}
    chosen = {**sizes, "norm_first": True, "source_vocab_size": vocabulary, "target_vocab_size": vocabulary, **fields}
    made = network("transformer", **chosen)
    assert isinstance(made, SequenceToSequence)
    return made


def text_side(
    side: str, vocabulary: int, width: int, layers: int, *, dropout: float = 0.1, part: str | None = None
) -> Callable[[], SequenceToSequence]:
    """What makes one side of a claim on text.

    Args:
        side: in `TEXT`.
        vocabulary: token ids that there are.
        width: of the Transformer, and of the RNN's embeddings.
        layers: of each encoder and, for the Transformer, of the decoder; the RNN's decoder has one.
        dropout: of both.
        part: what must have as many parameters as the other side's, such as "encoder"; else the whole network.
    """
    make = partial(transformer, vocabulary, width, layers, dropout=dropout)
    if side == "transformer":
        return make
    return partial(_rnn, vocabulary, width, layers, dropout, _rnn_width(vocabulary, width, layers, part))


def reader_side(side: str, vocabulary: int, width: int, layers: int, classes: int) -> Callable[[], Reader]:
    """What makes one side of a claim on encoders alone, whose encoders are of one size."""
    make = text_side(side, vocabulary, width, layers, dropout=0.0, part="encoder")
    return lambda: Reader.of(make(), classes)


def image_side(
    side: str, classes: int, size: int, channels: int, *, patch: int, width: int, layers: int
) -> Callable[[], ImageModel]:
    """What makes one side of a claim on images, without dropout.

    Args:
        side: in `IMAGES`.
        classes: of the head.
        size: height and width of the images.
        channels: of the images.
        patch: the ViT's patch size.
        width: of the ViT.
        layers: of the ViT; the CNN has three stages, each half as high and wide and with twice the channels.
    """
    make = partial(_vit, classes, size, channels, patch, width, layers)
    if side == "vit":
        return make
    return partial(_cnn, classes, channels, _cnn_width(classes, size, channels, patch, width, layers))


@lru_cache
def _rnn_width(vocabulary: int, width: int, layers: int, part: str | None) -> int:
    target = parameters(without_numbers(partial(transformer, vocabulary, width, layers)), part)
    return matched(partial(_rnn, vocabulary, width, layers, 0.0), target, range(width // 2, 8 * width, 2), part)


def _rnn(vocabulary: int, width: int, layers: int, dropout: float, hidden: int) -> SequenceToSequence:
    sizes = {"embedding_size": width, "hidden_size": hidden, "encoder_layers": min(layers, 4), "decoder_layers": 1}
    made = network("rnn", source_vocab_size=vocabulary, target_vocab_size=vocabulary, dropout=dropout, **sizes)
    assert isinstance(made, SequenceToSequence)
    return made


def _vit(classes: int, size: int, channels: int, patch: int, width: int, layers: int) -> ImageModel:
    sizes = {"d_model": width, "num_heads": max(1, width // 16), "num_layers": layers, "d_ff": 2 * width}
    given = {"num_classes": classes, "channels": channels, "image_size": (size, size), "patch_size": patch}
    made = network("vit", **sizes, **given)
    assert isinstance(made, ImageModel)
    return made


@lru_cache
def _cnn_width(classes: int, size: int, channels: int, patch: int, width: int, layers: int) -> int:
    target = parameters(without_numbers(partial(_vit, classes, size, channels, patch, width, layers)))
    return matched(partial(_cnn, classes, channels), target, range(8, 16 * width))


def _cnn(classes: int, channels: int, width: int) -> ImageModel:
    widths = (width // 4, width // 2, width)
    shape = {"depths": (1, 1, 1), "widths": widths, "stem": "cifar", "stem_width": widths[0]}
    made = network("cnn", num_classes=classes, channels=channels, **shape)
    assert isinstance(made, ImageModel)
    return made
