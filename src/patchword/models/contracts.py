"""What the rest of the house asks of a model. Every architecture answers for itself; nobody else knows its inside."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from patchword.models.evidence import Evidence, LearnedArray
from patchword.models.step_state import StepState
from patchword.nn.trace import AttentionTrace


class Model(nn.Module):
    """A whole network.

    Attributes:
        config: everything that its class needs to build it.
    """

    config: Any

    @abstractmethod
    def parts(self) -> Mapping[str, Sequence[str]]:
        """What can be frozen: by the name that a recipe's `freeze` has, names of submodules and parameters."""

    @abstractmethod
    def depth(self, name: str) -> int:
        """How far a parameter is from the output, in layers on the shortest way, for layer-wise learning rates.

        0 for the head and the last norm, 1 for the last layer, 2 for the one below it; the most for embeddings.
        """

    def blocks(self) -> list[nn.Module]:
        """Modules that one pass calls once each, and by `forward` alone, from input to output.

        Where weights are divided among processes, each block's are gathered for it alone; without blocks, all at once.
        """
        return []

    def frozen(self, part: str | None) -> list[str]:
        """Names of the submodules and parameters of a part; none without a part."""
        return [] if part is None else list(self.parts()[part])


class SequenceToSequence(Model):
    """Token ids in, logits over the target vocabulary out. Its parts are "embeddings" and "encoder".

    `encode` once, then `decode` for all positions at once, or `start` and `decode_step` once a token.
    """

    @abstractmethod
    def encode(self, source: Tensor) -> Any:
        """Source ids (batch, source), padded at the end, to the memory that decoding attends to.

        Where the encoder is in evaluation mode, as it is while it is frozen, nothing on this side is dropped.
        """

    @abstractmethod
    def decode(self, target: Tensor, memory: Any, source: Tensor) -> Tensor:
        """Teacher forcing: hidden states (batch, target, width) before the output projection.

        Args:
            target: ids (batch, target), beginning with the start token.
            memory: from `encode`.
            source: the ids that the memory was made from; tells where padding is.
        """

    @abstractmethod
    def projection(self) -> tuple[Tensor, Tensor | None]:
        """Weight (vocab, width) and bias (vocab,) of the last linear layer, from hidden states to logits."""

    @abstractmethod
    def start(self, memory: Any, source: Tensor) -> StepState:
        """The state before the first target token."""

    @abstractmethod
    def decode_step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Last tokens (rows,) to the next token's logits (rows, vocab) and the state after them."""

    def likeliest(
        self, tokens: Tensor, state: Any, count: int, never: Sequence[int], renormalise: bool = True
    ) -> tuple[tuple[Tensor, Tensor], Any]:
        """One decoding step that gives only the likeliest next tokens of every row.

        Args:
            tokens: last tokens, (rows,).
            state: from `start` or the previous step.
            count: how many to find for each row.
            never: tokens that must not be generated.
            renormalise: whether the probabilities of the others sum to 1.

        Returns:
            log-probabilities and tokens, both (rows, count), likeliest first; and the state.
        """
        logits, state = self.decode_step(tokens, state)
        return self.likeliest_of(logits, count, never, renormalise), state

    def likeliest_of(
        self, logits: Tensor, count: int, never: Sequence[int], renormalise: bool = True
    ) -> tuple[Tensor, Tensor]:
        """The likeliest next tokens as `likeliest` finds them, of `decode_step`'s logits.

        Args:
            logits: (rows, vocab); those of `never` may be changed in place.
            count: see `likeliest`, as `never` and `renormalise`.
        """
        excluded = list(never)
        if renormalise:
            logits[:, excluded] = -torch.inf
        values = logits.float().log_softmax(-1)
        values[:, excluded] = -torch.inf
        best = values.topk(count, dim=1)
        return best.values, best.indices

    @abstractmethod
    def evidence(self, source: Tensor, target: Tensor) -> Evidence:
        """What it looked at, for ids (batch, source) and (batch, target) that begin with the start token.

        "cross" is always there: (layer, batch, head, target, source), where each produced token looked in the source.
        """

    @abstractmethod
    def walk(self, source: Tensor, target: Tensor, trace: AttentionTrace) -> None:
        """Tell a trace every step from ids to words, in evaluation mode and without gradients.

        Steps are named from the outside in: "encoder.0.self_attention.scores". Axes "source" and "target" count
        tokens. The last step is "output.probabilities", whose last axis, "word", is the target vocabulary.

        Args:
            source: ids (batch, source).
            target: ids (batch, target), beginning with the start token.
            trace: whose `note` is called.
        """

    @abstractmethod
    def adapted(self, config: Any) -> Self:
        """A network with these weights and another config, which differs in `REGULARISATION` alone."""


class ImageModel(Model):
    """Normalised images (batch, channels, height, width) in, class logits out. Its part is "backbone"."""

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """The representation before the head, (batch, feature_size)."""

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, num_classes); softmax gives probabilities."""

    @abstractmethod
    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """What each layer makes of each place of the image, from the first layer to the last.

        Within the graph of gradients, so that it can be asked which pixels a place hangs on.

        Args:
            images: normalised, (batch, channels, height, width).

        Returns:
            (batch, channel, row, column) a layer, whose rows and columns divide the image evenly.
        """

    @abstractmethod
    def answer_and_evidence(self, images: Tensor) -> tuple[Tensor, Evidence]:
        """`forward` and `evidence` of one pass."""

    def evidence(self, images: Tensor) -> Evidence:
        """What it looked at."""
        return self.answer_and_evidence(images)[1]

    @abstractmethod
    def answer_and_all_evidence(self, images: Tensor, classes: Tensor | None = None) -> tuple[Tensor, Evidence]:
        """`forward`, `evidence` and `class_evidence` of one pass.

        Args:
            images: normalised, (batch, channels, height, width).
            classes: the class of each image, (batch,); None for the likeliest.
        """

    @abstractmethod
    def class_evidence(self, images: Tensor, classes: Tensor) -> Evidence:
        """What speaks for a class, wherever it looked; none for a backbone without classes.

        "class_activation" is always there, (batch, row, column): Grad-CAM (Selvaraju et al. 2017).

        Args:
            images: normalised, (batch, channels, height, width).
            classes: the class of each image, (batch,).
        """

    @abstractmethod
    def learned(self) -> Mapping[str, LearnedArray]:
        """What its weights show to the eye.

        "filters" is always there, (filter, row, column, channel): what its first layer looks for; "positions", (row,
        column, d_model), where each patch has a vector of its own.
        """

    @abstractmethod
    def walk(self, images: Tensor, trace: AttentionTrace) -> None:
        """Tell a trace every step from pixels to classes, in evaluation mode and without gradients.

        The first step is "input.image". Axis "token" counts what goes through an encoder; it ends with the patches,
        row by row. The last step is "head.probabilities", over axis "class", if there are classes.

        Args:
            images: normalised pixels, (batch, channels, height, width).
            trace: whose `note` is called.
        """

    @abstractmethod
    def adapted(self, config: Any, *, keep_head: bool) -> Self:
        """A network of a config's own `adapted`, with these weights; a new head starts at zero (ViT, section 3.2)."""

    def adaptation(self, config: Any) -> list[str]:
        """Sentences that say what `adapted` does to the weights for another image size."""
        return []
