"""Where networks compute: the processor, or an accelerator that torch knows."""

import torch

from patchword.errors import RecipeError, shown

KINDS = ("auto", "cpu", "cuda", "mps")


def find_device(name: str = "auto") -> torch.device:
    """A device by its name.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps", or "auto": CUDA where this machine has it, else the processor.

    Raises:
        RecipeError: if there is no such device here.
    """
    if name == "auto":
        # Not MPS: sampling draws in float64, which MPS does not have, and translating there was never tried.
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, number = name.partition(":")
    if kind not in KINDS or (number and not (kind == "cuda" and number.isdecimal() and len(number) < 4)):
        raise RecipeError(f"device {shown(name)}: expected {', '.join(KINDS)}, or one of several such as cuda:1")
    if kind == "mps" and not _has_mps():
        raise RecipeError("device 'mps': this torch finds no Apple GPU on this machine; use cpu or auto")
    if kind == "cuda" and not torch.cuda.is_available():
        built = torch.version.cuda or torch.version.hip
        why = "finds no GPU on this machine" if built else "was built without CUDA"
        raise RecipeError(f"device {shown(name)}: this torch {why}; use cpu or auto")
    if number and int(number) >= torch.cuda.device_count():
        raise RecipeError(f"device {shown(name)}: this machine has {torch.cuda.device_count()}, counted from 0")
    return torch.device(name)


def _has_mps() -> bool:
    return torch.backends.mps.is_available()
