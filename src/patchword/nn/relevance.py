"""What speaks for an answer, from what a network computed and the gradients of the answer by it."""

from collections.abc import Sequence

from torch import Tensor


def relevance(maps: Sequence[Tensor], gradients: Sequence[Tensor], readers: Tensor) -> Tensor:
    """Gradient-weighted attention through all layers of self-attention.

    "Generic Attention-model Explainability" (Chefer et al. 2021), equations 5 and 6: a layer's weights A, times the
    gradients of the answer by them, without what speaks against it, averaged over heads, are Abar; the relevance R of
    the tokens for each other begins as the identity and becomes R + Abar R. Its rows of the tokens that the answer is
    read from are wanted alone, so the product is formed from the last layer down, as rows times matrices.

    Args:
        maps: each layer's attention weights, (batch, heads, query, key), the first layer first.
        gradients: of the answer by each of them.
        readers: how much of the answer is read from each token, (tokens,) or (batch, tokens).

    Returns:
        (batch, tokens), not negative.
    """
    rows = readers.expand(maps[0].size(0), -1)[:, None]
    for weights, gradient in zip(reversed(maps), reversed(gradients), strict=True):
        rows = rows + rows @ (gradient * weights).clamp(min=0).mean(1)
    return rows[:, 0]


def class_activation(tokens: Tensor, gradients: Tensor, first: int = 0) -> Tensor:
    """Grad-CAM (Selvaraju et al. 2017, equations 1 and 2) where places are tokens.

    Args:
        tokens: (batch, tokens, channels).
        gradients: of the answer by them.
        first: the first token that is a place of the image.

    Returns:
        (batch, places): each place's channels, weighed by their mean gradient over all places; what speaks against
        the answer is 0.
    """
    weights = gradients[:, first:].mean(1, keepdim=True)
    return (tokens[:, first:] * weights).sum(-1).relu()
