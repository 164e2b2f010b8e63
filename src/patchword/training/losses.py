"""Cross-entropy with label smoothing, for few classes and, chunk by chunk, for a whole vocabulary."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

# Rows of logits in memory at once, as bytes: small enough to stay in a core's cache while they are used.
CHUNK_BYTES = 4 * 2**20


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy against distributions, as mixup and cutmix make them.

    Args:
        logits: (batch, num_classes).
        targets: (batch, num_classes), rows summing to 1.

    Returns:
        the sum over the batch, a scalar.
    """
    return -(targets * logits.log_softmax(dim=-1)).sum()


def smooth_one_hot(labels: Tensor, num_classes: int, smoothing: float) -> Tensor:
    """Label smoothing (Szegedy et al. 2016; Vaswani et al. 2017, section 5.4) as explicit distributions.

    Args:
        labels: class ids, (batch,).
        num_classes: width of the result.
        smoothing: probability spread evenly over all classes.

    Returns:
        (batch, num_classes).
    """
    return F.one_hot(labels, num_classes).float() * (1 - smoothing) + smoothing / num_classes


class _LinearCrossEntropy(torch.autograd.Function):
    """Sum of the label-smoothed cross-entropies of softmax(hidden @ weight.T + bias).

    The logits of a whole batch are the largest tensor of a training step, and are needed only for their gradient.
    So a chunk of rows at a time: logits, log-softmax and the gradients, in one small block of memory, reused.
    With smoothing e over V tokens the loss of a row is -(1 - e) log p(target) - e / V * sum(log p), and its gradient
    by the logits is p - (1 - e) onehot(target) - e / V. The last term is the same for every row, so it enters as the
    sum of the weight's rows rather than as a pass over all logits.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        rows, vocab = hidden.size(0), weight.size(0)
        chunk = max(1, min(rows, CHUNK_BYTES // (4 * vocab)))
        logits = hidden.new_empty(chunk, vocab)
        log_probability = torch.empty_like(logits)
        hidden_gradient = torch.empty_like(hidden)
        weight_gradient = torch.zeros_like(weight)
        bias_gradient = None if bias is None else torch.zeros_like(bias)
        weight_sum = weight.sum(0)
        bias_sum = 0.0 if bias is None else bias.sum()
        likelihood = hidden.new_zeros(())
        spread = hidden.new_zeros(())
        for start in range(0, rows, chunk):
            part = hidden[start : start + chunk]
            target = targets[start : start + chunk, None]
            block, log_block = logits[: part.size(0)], log_probability[: part.size(0)]
            if bias is None:
                torch.mm(part, weight.t(), out=block)
            else:
                torch.addmm(bias, part, weight.t(), out=block)
            torch.log_softmax(block, dim=-1, out=log_block)
            target_log_probability = log_block.gather(1, target)
            normaliser = block.gather(1, target) - target_log_probability
            likelihood += target_log_probability.sum()
            spread += (part @ weight_sum + bias_sum - vocab * normaliser[:, 0]).sum()
            gradient = log_block.exp_()
            gradient.scatter_add_(1, target, torch.full_like(target, smoothing - 1.0, dtype=gradient.dtype))
            torch.mm(gradient, weight, out=hidden_gradient[start : start + chunk])
            weight_gradient.addmm_(gradient.t(), part)
            if bias_gradient is not None:
                bias_gradient += gradient.sum(0)
        hidden_gradient -= smoothing / vocab * weight_sum
        weight_gradient -= smoothing / vocab * hidden.sum(0)
        if bias_gradient is not None:
            bias_gradient -= smoothing * rows / vocab
        ctx.save_for_backward(hidden_gradient, weight_gradient, bias_gradient)
        plain = -likelihood
        ctx.mark_non_differentiable(plain)
        return (1 - smoothing) * plain - smoothing / vocab * spread, plain

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None, None]:
        hidden, weight, bias = ctx.saved_tensors
        return gradient * hidden, gradient * weight, None if bias is None else gradient * bias, None, None


def linear_cross_entropy(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Output projection, softmax and label-smoothed cross-entropy in one, without keeping the logits.

    Args:
        hidden: (rows, d_model).
        weight: the output projection's, (vocab, d_model).
        bias: (vocab,) or None.
        targets: token ids, (rows,); no padding.
        smoothing: label smoothing, 0 <= smoothing < 1 (the paper's is 0.1).

    Returns:
        the smoothed loss summed over the rows, in nats, which has a gradient; and the plain one (no smoothing),
        whose mean's exponential is the perplexity.
    """
    # Under autocast a hidden state may be bfloat16, and a loss must not be.
    with torch.autocast(hidden.device.type, enabled=False):
        hidden = hidden.to(weight.dtype)
        loss: tuple[Tensor, Tensor] = _LinearCrossEntropy.apply(hidden, weight, bias, targets, smoothing)
    return loss
