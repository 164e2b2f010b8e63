"""The weights among all that training scripts save beside them, and under the names that they put before them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from patchword.converters.pickles import Inert
from patchword.errors import CheckpointError, nearest, shown

# What scripts call the weights, and their running average, which they score and publish.
PLAIN = ("state_dict", "model", "model_state_dict", "model_state", "module", "net", "network", "weights", "student")
AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "ema_model", "model_ema_state_dict", "ema", "teacher")

# A name of each layout that only that layout has; those that its own library gives stand before the shorter ones.
SIGNATURES = (
    "patch_embed.proj.weight",
    "conv_proj.weight",
    "layer1.0.conv1.weight",
    "embeddings.patch_embeddings.projection.weight",
    "embedder.embedder.convolution.weight",
    "model.shared.weight",
    "model.encoder.embed_tokens.weight",
    "shared.weight",
    "encoder.embed_tokens.weight",
)

_OF_THE_LIBRARY = frozenset(SIGNATURES[3:5])

# What the transformers library itself puts before the names of a network with a head.
_LIBRARY = frozenset({"vit", "deit", "dinov2", "dinov2_with_registers", "resnet"})


class Weights(NamedTuple):
    """What was found.

    Attributes:
        tensors: by name.
        notes: what was chosen or left out, a sentence each.
        wanted: the name of the weights to take, if it is still to be looked for.
    """

    tensors: Mapping[str, Tensor]
    notes: list[str]
    wanted: str | None = None


def state_dict(path: Path, values: Any, wanted: str | None = None) -> Weights:
    """The weights in what a pickle holds.

    Args:
        path: named in errors.
        values: of the file.
        wanted: the key of the weights to take, where there are several.

    Raises:
        CheckpointError: if there are none, or it is not clear which.
    """
    notes: list[str] = []
    while isinstance(values, Mapping):
        found = {str(key): value for key, value in values.items() if isinstance(value, Mapping) and _holds(value)}
        known = [name for name in (*AVERAGED, *PLAIN) if name in found]
        if any(isinstance(value, Tensor) for value in values.values()) and not known:
            break
        if wanted in found:
            values, wanted = found[str(wanted)], None
        elif known:
            if len(known) > 1:
                notes.append(f"holds {_and(known)}: took {known[0]!r}; give --weights {known[1]} for the other")
            values = found[known[0]]
        elif len(found) == 1:
            values = next(iter(found.values()))
        elif found:
            raise CheckpointError(path, f"holds several sets of weights: give --weights, one of {', '.join(found)}")
        else:
            break
    return Weights(_checked(path, values), notes, wanted)


def unwrapped(path: Path, weights: Weights) -> Weights:
    """The tensors without what wrappers put before their names: "module.", "_orig_mod.", "model.", in any nesting.

    Args:
        path: named in errors.
        weights: of a file or folder; `wanted` is the beginning of the names to take, without its last dot.

    Raises:
        CheckpointError: if it is not clear which of several networks is meant.
    """
    tensors, notes, wanted = weights
    prefixes = _prefixes(tensors)
    if wanted is not None:
        if f"{wanted}." not in prefixes:
            names = (prefix[:-1] for prefix in prefixes if prefix)
            raise CheckpointError(
                path, f"--weights {shown(wanted)}: no weights have that name; {nearest(wanted, names)}"
            )
        prefix = f"{wanted}."
    elif not prefixes or prefixes == [""]:
        return weights
    else:
        averaged = [prefix for prefix in prefixes if set(prefix.split(".")) & {*AVERAGED, "averaged_model"}]
        if len(prefixes) > 1 and len(averaged) != 1:
            raise CheckpointError(
                path, f"holds several networks: give --weights, one of {', '.join(name[:-1] for name in prefixes)}"
            )
        prefix = averaged[0] if len(prefixes) > 1 else prefixes[0]
    others = [other for other in prefixes if other != prefix and other.startswith(prefix)]
    kept = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix) and not name.startswith(tuple(others))
    }
    left = [name for name in tensors if not name.startswith(prefix)]
    notes = list(notes)
    if len(prefixes) > 1 and wanted is None:
        other = next(other for other in prefixes if other != prefix)
        how = f"; give --weights {other[:-1]} for the other" if other else ""
        notes.append(f"holds {len(prefixes)} networks: took the one under {prefix!r}{how}")
    elif left:
        count = f"{len(left)} tensors" if len(left) > 1 else "1 tensor"
        notes.append(
            f"took what is under {prefix!r}; left out {count} beside it, such as {', '.join(sorted(left)[:4])}"
        )
    return Weights(kept, notes)


def _prefixes(tensors: Mapping[str, Tensor]) -> list[str]:
    """What stands before the first signature that is there, once a network."""
    for signature in SIGNATURES:
        found = [name.removesuffix(signature) for name in tensors if name.endswith(signature)]
        found = [prefix for prefix in found if not prefix or prefix.endswith(".")]
        if found:
            library = signature in _OF_THE_LIBRARY
            return sorted({_outside(prefix) if library else prefix for prefix in found})
    return []


def _outside(prefix: str) -> str:
    words = prefix.split(".")[:-1]
    while words and words[-1] in _LIBRARY:
        words.pop()
    return "".join(f"{word}." for word in words)


def _holds(values: Mapping[Any, Any]) -> bool:
    """Whether a mapping has tensors by name, or such mappings in it."""
    return any(
        isinstance(name, str) and (isinstance(value, Tensor) or (isinstance(value, Mapping) and _holds(value)))
        for name, value in values.items()
    )


def _checked(path: Path, values: Any) -> dict[str, Tensor]:
    if isinstance(values, Inert | type):
        name = getattr(values, "NAME", "an object")
        raise CheckpointError(path, f"holds a whole {name}, which only its own code can open; {REMEDY}")
    if not isinstance(values, Mapping) or not values:
        raise CheckpointError(path, f"holds no tensors by name but a {type(values).__name__.removeprefix('_').lower()}")
    for name, value in values.items():
        foreign = isinstance(value, Inert) and value.NAME.startswith("torch._")
        if foreign or (isinstance(value, Tensor) and (value.layout != torch.strided or value.device.type != "cpu")):
            problem = "is a sparse tensor or one without values; only plain ones are read"
        elif not (isinstance(name, str) and isinstance(value, Tensor)):
            problem = "is no tensor; expected a state dict, names and tensors alone"
        else:
            continue
        raise CheckpointError(path, f"{shown(name)} {problem}")
    return dict(values)


REMEDY = "save the weights alone, torch.save(model.state_dict(), 'weights.pth'), and import that"


def _and(names: list[str]) -> str:
    return " and ".join(map(repr, names))
