"""The weights among all that training scripts save beside them, and under the names that they put before them."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from patchword.converters.pickles import Inert
from patchword.errors import CheckpointError, clipped, nearest, shown

# What scripts call the weights, and their running average, which they score and publish.
PLAIN = ("state_dict", "model", "model_state_dict", "model_state", "module", "net", "network", "weights", "student")

# Words of the names that they give the average.
AVERAGED = frozenset({"ema", "swa", "avg", "average", "averaged", "polyak", "shadow", "teacher"})

# What they call the names of the classes.
CLASSES = ("class_to_idx", "idx_to_class", "class_names", "classes", "label_names", "labels", "id2label", "label2id")

_DEEPEST = 16  # dictionaries inside one another

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
        keys: of the sets of weights that were seen.
        classes: the key under which the file names its classes, and what is there; None if it does not.
    """

    tensors: Mapping[str, Tensor]
    notes: list[str]
    wanted: str | None = None
    keys: tuple[str, ...] = ()
    classes: tuple[str, Any] | None = None


def is_average(name: str) -> bool:
    """Whether the name of a set of weights, such as "model_ema" or "swaModel", says that they are an average."""
    words = re.split(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])", name)
    return any(word.lower() in AVERAGED for word in words)


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
    keys: list[str] = []
    named = None
    for _ in range(_DEEPEST):
        if not isinstance(values, Mapping):
            break
        named = named or _class_names(values)
        found = {str(key): value for key, value in values.items() if isinstance(value, Mapping) and _holds(value)}
        averaged = [name for name in found if is_average(name)]
        known = [*averaged, *(name for name in PLAIN if name in found and name not in averaged)]
        if any(isinstance(value, Tensor) for value in values.values()) and not known:
            break
        keys += found
        if wanted in found:
            values, wanted = found[str(wanted)], None
        elif known:
            others = [name for name in found if name != known[0] and (name in known or _is_network(found[name]))]
            others.sort(key=lambda name: known.index(name) if name in known else len(known))
            if others:
                holds = _and([known[0], *others])
                notes.append(
                    f"holds {holds}: took {shown(known[0])}; give --weights {clipped(others[0])} for the other"
                )
            notes += [
                f"holds {shown(key)}, whose weights have no names: they are left out"
                for key, value in values.items()
                if isinstance(key, str) and is_average(key) and key not in found and _holds(value, nameless=True)
            ]
            values = found[known[0]]
        elif len(found) == 1:
            values = next(iter(found.values()))
        elif found:
            raise CheckpointError(path, f"holds several sets of weights: give --weights, one of {_some(found)}")
        else:
            break
    return Weights(_checked(path, values), notes, wanted, tuple(keys), named)


def unwrapped(path: Path, weights: Weights) -> Weights:
    """The tensors without what wrappers put before their names: "module.", "_orig_mod.", "model.", in any nesting.

    Args:
        path: named in errors.
        weights: of a file or folder; `wanted` is the beginning of the names to take, without its last dot.

    Raises:
        CheckpointError: if it is not clear which of several networks is meant.
    """
    tensors, notes, wanted = weights[:3]
    prefixes = _prefixes(tensors)
    if wanted is not None:
        prefix = f"{wanted.removesuffix('.')}."
        if prefix not in prefixes:
            names = {*weights.keys, *(prefix[:-1] for prefix in prefixes if prefix)}
            hint = nearest(wanted, names) if names else "the file has one set, which has none"
            raise CheckpointError(path, f"--weights {shown(wanted)}: no weights have that name; {hint}")
    elif not prefixes or prefixes == [""]:
        return weights
    else:
        averaged = [prefix for prefix in prefixes if is_average(prefix)]
        if len(prefixes) > 1 and len(averaged) != 1:
            names = {name[:-1] for name in prefixes if name}
            raise CheckpointError(path, f"holds several networks: give --weights, one of {_some(sorted(names))}")
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
        how = f"; give --weights {clipped(other[:-1])} for the other" if other else ""
        notes.append(f"holds {len(prefixes)} networks: took the one under {shown(prefix)}{how}")
    elif left:
        count = f"{len(left)} tensors" if len(left) > 1 else "1 tensor"
        notes.append(
            f"took what is under {shown(prefix)}; left out {count} beside it, such as "
            f"{', '.join(clipped(name) for name in sorted(left)[:4])}"
        )
    return Weights(kept, notes, classes=weights.classes)


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
    if words and words[-1] in _LIBRARY:
        words.pop()  # once: a wrapper may have the same name
    return "".join(f"{word}." for word in words)


def _holds(values: Any, nameless: bool = False) -> bool:
    """Whether there are tensors by name in a mapping, or in such mappings in it; or without, in lists too."""
    seen: set[int] = set()
    waiting = [values]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:  # a pickle can have a mapping in itself, or the same one any number of times
            continue
        seen.add(id(value))
        inner: list[Any] = []
        if isinstance(value, Mapping):
            inner = [item for key, item in value.items() if nameless or isinstance(key, str)]
        elif nameless and isinstance(value, list | tuple):
            inner = list(value)
        if any(isinstance(item, Tensor) for item in inner):
            return True
        waiting += inner
    return False


def _is_network(values: Mapping[Any, Any]) -> bool:
    """Whether a mapping, or one right in it, has names of a layout that is known."""
    names = [*values, *(name for value in values.values() if isinstance(value, Mapping) for name in value)]
    return any(isinstance(name, str) and name.endswith(SIGNATURES) for name in names)


def _class_names(values: Mapping[Any, Any]) -> tuple[str, Any] | None:
    inner = [values.get(key) for key in ("hyper_parameters", "config", "meta")]
    for table in (values, *(table for table in inner if isinstance(table, Mapping))):
        for key in CLASSES:
            named = table.get(key)
            if isinstance(named, Mapping | list | tuple) and not _holds(named, nameless=True):
                return key, named
    return None


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
    return {name: tensor.resolve_neg() for name, tensor in values.items()}


REMEDY = "save the weights alone, torch.save(model.state_dict(), 'weights.pth'), and import that"


def _and(names: list[str]) -> str:
    return " and ".join(map(shown, names[:4])) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _some(names: Iterable[str]) -> str:
    names = [clipped(name) for name in names]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
