"""The position-wise feed-forward network (Vaswani et al. 2017, section 3.3)."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from patchword.nn.dropout import Dropout

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,  # the Transformer
    "gelu": F.gelu,  # ViT; the exact, erf form
    "gelu_tanh": partial(F.gelu, approximate="tanh"),  # JAX's default, so some ViT checkpoints
    "silu": F.silu,  # Marian's "swish"
}


class FeedForward(nn.Module):
    """activation(x W1 + b1) W2 + b2 (equation 2), the MLP of ViT.

    Args:
        d_model: width of input and output.
        d_ff: width between.
        activation: a name in `ACTIVATIONS`.
        dropout: after the activation, in training.
        bias: whether the two layers have biases.
    """

    def __init__(
        self, d_model: int, d_ff: int, activation: str = "relu", dropout: float = 0.0, bias: bool = True
    ) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.inner = nn.Linear(d_model, d_ff, bias=bias)
        self.dropout = Dropout(dropout)
        self.outer = nn.Linear(d_ff, d_model, bias=bias)
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """(..., d_model) in, the same shape out."""
        return self.outer(self.dropout(self.activation(self.inner(x))))

    def reset_parameters(self) -> None:
        """Xavier-uniform weights, zero biases."""
        for layer in (self.inner, self.outer):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
