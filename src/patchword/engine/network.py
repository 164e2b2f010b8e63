"""A network as a translator or classifier holds it: to be looked into, and to be run fast."""

import os
from collections.abc import Callable
from threading import RLock
from typing import Any, Literal

import torch
from torch import nn

from patchword.engine.anatomy import Snapshot
from patchword.engine.choice import check_finite, chosen, packed
from patchword.engine.precision import Precision, parse_precision
from patchword.errors import NoSuchPrecisionError, RecipeError, shown


class Network:
    """A reference network, and what runs in its place.

    Args:
        model: the reference; it is put into evaluation mode.
        precision: of the matrix products; "auto" for `choice.chosen`.
        reference: run the reference itself.
        reread: makes the same model again. With it the reference's weights are given up once they are packed, and
            read again when somebody asks for them.
        device: where it runs; packed networks are the processor's, elsewhere the reference runs.

    Raises:
        RecipeError: if there is no such precision, or another than float32 is asked for and this network has no packed
            form.
        NotFiniteError: if a weight that was read, or is packed, is infinite or not a number.
    """

    def __init__(
        self,
        model: nn.Module,
        precision: Precision | Literal["auto"] = "float32",
        reference: bool = False,
        reread: Callable[[], nn.Module] | None = None,
        device: torch.device | None = None,
    ) -> None:
        precision = parse_precision(precision)
        if precision == "auto":
            elsewhere = reference or (device is not None and device.type != "cpu")
            precision = "float32" if elsewhere else chosen(model.eval())
        if device is not None and device.type != "cpu":
            if precision != "float32":
                raise RecipeError(f"precision {shown(precision)} is the processor's; device {device} runs in float32")
            check_finite(model)
            model, reread = model.to(device), None
        self.config: Any = model.config
        self.precision = precision
        self._model: nn.Module | None = model.eval()
        self._reference = reference
        self._packed_from: Snapshot | None = None
        self._packed: Any | None = None
        self._reread = reread
        self._lock = RLock()
        self._process = os.getpid()
        if reference and precision != "float32":
            raise RecipeError(f"the reference path has no precision {shown(precision)}; it runs in float32")
        if reference and reread is not None:
            check_finite(self._model)
        elif reread is not None or precision != "float32":
            self._pack(consume=reread is not None)
        if reread is not None and self._packed is not None:
            self._model = self._packed_from = None

    @property
    def model(self) -> Any:
        """The reference network, whose weights and modules may be changed or exchanged; the next run sees that.

        A change through a parameter's `data` is not seen: torch keeps no count of those.
        """
        with self._own_lock:
            if self._model is None:
                assert self._reread is not None
                with torch.inference_mode(False):  # whoever asks first, gradients can go through it later
                    self._model = self._reread()
                self._packed_from = Snapshot(self._model)
            return self._model

    @property
    def fast(self) -> Any:
        """What to run: the packed network, or the reference where there is none."""
        with self._own_lock:  # of several threads one packs, and the others wait for it
            if self._model is not None and not self._reference and not self._is_packed_from(self._model):
                self._pack()
            return self.model if self._packed is None else self._packed

    @property
    def device(self) -> torch.device:
        """Where inputs go."""
        return torch.device("cpu") if self._model is None else next(iter(self._model.parameters())).device

    @property
    def dtype(self) -> torch.dtype:
        """What images are converted to."""
        return torch.float32 if self._model is None else next(iter(self._model.parameters())).dtype

    def to(self, device: torch.device) -> None:
        """Move the network; what is packed for the processor is packed again when it comes back."""
        with self._own_lock:
            if device.type != "cpu" and self.precision != "float32":
                raise RecipeError(f"precision {shown(self.precision)} is the processor's; load the model in float32")
            self._model = self.model.to(device)
            self._packed = self._packed_from = self._reread = None

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles, which pack anew: what is packed is known by its addresses."""
        state = {**self.__dict__, "_model": self.model, "_packed": None, "_packed_from": None, "_reread": None}
        del state["_lock"], state["_process"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a copy's state over."""
        self.__dict__.update(state)
        self._lock, self._process = RLock(), os.getpid()

    @property
    def _own_lock(self) -> RLock:
        """A forked child has a lock of its own: a thread that held its parent's is not there to give it back."""
        if self._process != os.getpid():
            self._process, self._lock = os.getpid(), RLock()
        return self._lock

    def _is_packed_from(self, model: nn.Module) -> bool:
        return self._packed_from is not None and self._packed_from.shows(model)

    def _pack(self, consume: bool = False) -> None:
        if self._reference:
            return
        assert self._model is not None
        if self.device.type != "cpu":
            self._packed, self._packed_from = None, Snapshot(self._model)
            return
        self._packed = packed(self._model, self.precision, consume)
        if consume:
            network = self._model if self._packed is None else self._packed
            if isinstance(network, nn.Module):
                _own(network)
        self._packed_from = Snapshot(self._model)
        if self._packed is None and self.precision != "float32":
            raise NoSuchPrecisionError(
                f"precision {self.precision!r} needs a Transformer or a ViT, or an RNN, as its config describes it, "
                "with float32 weights on the CPU"
            )


def _own(network: nn.Module) -> None:
    """Copy what is not packed: it may be mapped from a file that somebody changes later."""
    for tensor in (*network.parameters(), *network.buffers()):
        # What was made within inference mode stays so, and what was not can be used without.
        with torch.inference_mode(tensor.is_inference()), torch.no_grad():
            tensor.data = tensor.data.clone()
