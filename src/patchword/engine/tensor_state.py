"""A decoding state for those who hold tensors of torch's."""

from torch import Tensor

from patchword.engine.state import TranslationState


class TensorState(TranslationState):
    """`TranslationState` behind `models.step_state.StepState`."""

    def select(self, sentences: Tensor | None, parents: Tensor) -> None:  # type: ignore[override]
        """See `TranslationState.select`."""
        super().select(None if sentences is None else sentences.numpy(), parents.numpy())
