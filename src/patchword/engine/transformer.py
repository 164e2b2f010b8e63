"""The Transformer by the kernels, as torch's networks are called."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from patchword.engine import native
from patchword.engine.module_weights import ModuleWeights
from patchword.engine.native_transformer import NativeTransformer, PackedMemory
from patchword.engine.output import Likeliest, tensors
from patchword.engine.plain_transformer import PlainTransformer
from patchword.engine.precision import Precision
from patchword.engine.tensor_state import TensorState
from patchword.models.transformer import Transformer
from patchword.models.transformer_config import TransformerConfig


class PackedTransformer:
    """`models.Transformer` for translation on the CPU; `text.search` uses it as it uses the original.

    Args:
        model: in evaluation mode.
        precision: of the products.
        consume: empty the model's matrices as they are packed.

    Attributes:
        native: the same on arrays, which search without torch between.
    """

    def __init__(self, model: Transformer, precision: Precision, consume: bool = False) -> None:
        self.config: TransformerConfig = model.config
        self.native = NativeTransformer(model.config, ModuleWeights(model, consume), precision)

    def encode(self, source: Tensor) -> PackedMemory:
        """See `NativeTransformer.encode`."""
        return self.native.encode(source.numpy())

    def start(self, memory: PackedMemory, source: Tensor) -> TensorState:
        """See `NativeTransformer.start`."""
        state = self.native.start(memory)
        return TensorState(state.source, state.counts)

    def decode_step(self, tokens: Tensor, state: TensorState) -> tuple[Tensor, TensorState]:
        """One step of generation; see `models.Transformer.decode_step`."""
        return torch.from_numpy(self.native.logits(tokens.numpy(), state)), state

    def likeliest(
        self, tokens: Tensor, state: TensorState, count: int, never: Sequence[int], renormalise: bool = True
    ) -> tuple[Likeliest, TensorState]:
        """See `SequenceToSequence.likeliest`."""
        return tensors(self.native.likeliest(tokens.numpy(), state, count, never, renormalise)), state

    def likeliest_of(self, logits: Tensor, count: int, never: Sequence[int], renormalise: bool = True) -> Likeliest:
        """See `SequenceToSequence.likeliest_of`."""
        return tensors(self.native.likeliest_of(logits.numpy(), count, never, renormalise))


def packed_transformer(model: Transformer, precision: Precision, consume: bool = False) -> Any:
    """The Transformer by the kernels, or where there are none by torch's own operations; see `PackedTransformer`."""
    kind = PlainTransformer if native.best() is None else PackedTransformer
    return kind(model, precision, consume)
