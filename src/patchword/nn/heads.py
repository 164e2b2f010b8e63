"""The classification head (Dosovitskiy et al. 2021, section 3.1)."""

from typing import cast

from torch import Tensor, nn

from patchword.nn.trace import AttentionTrace


class ClassificationHead(nn.Module):
    """One linear layer, or an MLP with one hidden layer (tanh), as ViT uses in pre-training.

    Args:
        d_model: width of the image's representation.
        num_classes: number of logits; 0 for no linear layer, as in published backbones that end before it.
        hidden: width of the hidden layer (JAX checkpoints' `pre_logits`, Hugging Face's pooler), or None for a linear
            head.
    """

    def __init__(self, d_model: int, num_classes: int, hidden: int | None = None) -> None:
        super().__init__()
        self.hidden = nn.Sequential() if hidden is None else nn.Sequential(nn.Linear(d_model, hidden), nn.Tanh())
        self.linear = nn.Linear(hidden or d_model, num_classes) if num_classes else nn.Identity()

    def forward(self, x: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, d_model) in, logits (batch, num_classes) out; without classes, what comes before them."""
        hidden = self.hidden(x)
        logits = cast(Tensor, self.linear(hidden))
        if trace is not None:
            if len(self.hidden):
                trace.note("hidden", ("batch", "channel"), hidden)
            if not isinstance(self.linear, nn.Identity):
                trace.note("logits", ("batch", "class"), logits)
        return logits
