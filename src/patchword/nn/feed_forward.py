"""The position-wise feed-forward network (Vaswani et al. 2017, section 3.3)."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from patchword.nn.dropout import Dropout
from patchword.nn.trace import AttentionTrace

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,  # the Transformer
    "gelu": F.gelu,  # ViT; the exact, erf form
    "gelu_tanh": partial(F.gelu, approximate="tanh"),  # JAX's default, so some ViT checkpoints
    "silu": F.silu,  # Marian's "swish"
}
ACTIVATION_NAMES = (*ACTIVATIONS, "swiglu")

_VECTORS = ("batch", "position", "channel")


class FeedForward(nn.Module):
    """activation(x W1 + b1) W2 + b2 (equation 2), the MLP of ViT.

    With "swiglu" (Shazeer 2020; DINOv2's largest model) W1 has two halves: (silu(x W1a + b1a) * (x W1b + b1b)) W2 + b2.

    Args:
        d_model: width of input and output.
        d_ff: width between.
        activation: a name in `ACTIVATION_NAMES`.
        dropout: after the activation, in training.
        bias: whether the two layers have biases.
    """

    def __init__(
        self, d_model: int, d_ff: int, activation: str = "relu", dropout: float = 0.0, bias: bool = True
    ) -> None:
        super().__init__()
        self.name = activation
        self.gated = activation == "swiglu"
        self.activation = F.silu if self.gated else ACTIVATIONS[activation]
        self.inner = nn.Linear(d_model, 2 * d_ff if self.gated else d_ff, bias=bias)
        self.dropout = Dropout(dropout)
        self.outer = nn.Linear(d_ff, d_model, bias=bias)
        self.reset_parameters()

    def forward(self, x: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """(..., d_model) in, the same shape out; the trace is told the steps of (batch, length, d_model)."""
        hidden = self.inner(x)
        if trace is not None:
            trace.note("inner", _VECTORS, hidden)
        if self.gated:
            gate, hidden = hidden.chunk(2, dim=-1)
            hidden = self.activation(gate) * hidden
        else:
            hidden = self.activation(hidden)
        output: Tensor = self.outer(self.dropout(hidden))
        if trace is not None:
            trace.note(self.name, _VECTORS, hidden)
            trace.note("output", _VECTORS, output)
        return output

    def reset_parameters(self) -> None:
        """Xavier-uniform weights, zero biases."""
        for layer in (self.inner, self.outer):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
