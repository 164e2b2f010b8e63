"""Input and output embeddings (Vaswani et al. 2017, section 3.4)."""

import math

from torch import Tensor, nn
from torch.nn import functional as F

from patchword.nn.initialisation import normal
from patchword.nn.trace import AttentionTrace


class TokenEmbedding(nn.Module):
    """A vector for each token, multiplied by sqrt(d_model) so that it is as large as the positions added to it.

    Args:
        vocab_size: number of tokens.
        d_model: width.
        pad_id: its vector starts at zero, and no lookup gives it a gradient.
        scaled: multiply by sqrt(d_model).
    """

    def __init__(self, vocab_size: int, d_model: int, pad_id: int, scaled: bool = True) -> None:
        super().__init__()
        self.pad_id = pad_id
        self.scale = math.sqrt(d_model) if scaled else 1.0
        self.weight = nn.Parameter(normal(vocab_size, d_model, std=d_model**-0.5))
        self.weight.data[pad_id].zero_()

    def forward(self, tokens: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """Ids (batch, length) in, vectors (batch, length, d_model) out; the trace is told them before and after the
        factor, if there is one.
        """
        vectors = F.embedding(tokens, self.weight, padding_idx=self.pad_id)
        scaled = vectors * self.scale
        if trace is not None:
            trace.note("embedding", ("batch", "position", "channel"), vectors)
            if self.scale != 1.0:
                trace.note("scaled_embedding", ("batch", "position", "channel"), scaled)
        return scaled


class OutputProjection(nn.Module):
    """The last linear layer, whose softmax gives the next token's probabilities.

    Args:
        vocab_size: number of tokens.
        d_model: width.
        tied: the embedding that the weight is shared with, or None for a weight of its own.
        bias: whether to add a bias (Marian's `final_logits_bias`).
    """

    def __init__(self, vocab_size: int, d_model: int, tied: TokenEmbedding | None = None, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(normal(vocab_size, d_model, std=d_model**-0.5)) if tied is None else tied.weight
        self.bias = nn.Parameter(self.weight.new_zeros(vocab_size)) if bias else None

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states (..., d_model) in, logits (..., vocab_size) out; apply softmax for probabilities."""
        return F.linear(hidden, self.weight, self.bias)
