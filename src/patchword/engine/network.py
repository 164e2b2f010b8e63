"""A network as a translator or classifier holds it: to be looked into, and to be run fast."""

from collections.abc import Callable
from threading import RLock
from typing import Any

import torch
from torch import nn

from patchword.engine.choice import packed
from patchword.engine.products import Precision, parse_precision
from patchword.errors import RecipeError


class Network:
    """A reference network, and what runs in its place.

    Args:
        model: the reference; it is put into evaluation mode.
        precision: of the matrix products.
        reference: run the reference itself.
        reread: makes the same model again. With it the reference's weights are given up once they are packed, and
            read again when somebody asks for them.

    Raises:
        RecipeError: if there is no such precision, or int8 is asked for and this network has no packed form.
    """

    def __init__(
        self,
        model: nn.Module,
        precision: Precision = "float32",
        reference: bool = False,
        reread: Callable[[], nn.Module] | None = None,
    ) -> None:
        self.config: Any = model.config
        self.precision = parse_precision(precision)
        self._model: nn.Module | None = model.eval()
        self._reference = reference
        self._packed_from: object = None
        self._packed: Any | None = None
        self._reread = reread
        self._lock = RLock()
        if reference and precision != "float32":
            raise RecipeError(f"the reference path has no precision {precision!r}; it runs in float32")
        if reread is not None or precision != "float32":
            self._pack()
        if reread is not None and self._packed is not None:
            self._model = None

    @property
    def model(self) -> Any:
        """The reference network, whose weights may be changed or exchanged; the next run sees that.

        A change through a parameter's `data` is not seen: torch keeps no count of those.
        """
        with self._lock:
            if self._model is None:
                assert self._reread is not None
                self._model = self._reread()
                self._packed_from = _state_of(self._model)
            return self._model

    @property
    def fast(self) -> Any:
        """What to run: the packed network, or the reference where there is none."""
        with self._lock:  # of several threads one packs, and the others wait for it
            if self._model is not None and not self._reference and self._packed_from != _state_of(self._model):
                self._pack()
            return self.model if self._packed is None else self._packed

    @property
    def device(self) -> torch.device:
        """Where inputs go."""
        return torch.device("cpu") if self._model is None else next(iter(self._model.parameters())).device

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles, which pack anew: what is packed is known by its addresses."""
        state = {**self.__dict__, "_model": self.model, "_packed": None, "_packed_from": None, "_reread": None}
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a copy's state over."""
        self.__dict__.update(state)
        self._lock = RLock()

    def _pack(self) -> None:
        if self._reference:
            return
        assert self._model is not None
        self._packed = packed(self._model, self.precision, consume=self._reread is not None and self._packed is None)
        self._packed_from = _state_of(self._model)
        if self._packed is None and self.precision != "float32":
            raise RecipeError(
                f"precision {self.precision!r} needs a Transformer or a ViT with float32 weights on the CPU"
            )


def _state_of(model: nn.Module) -> object:
    """Differs whenever a weight or a running statistic has been changed, moved or exchanged."""
    return tuple((p.data_ptr(), 0 if p.is_inference() else p._version) for p in (*model.parameters(), *model.buffers()))
