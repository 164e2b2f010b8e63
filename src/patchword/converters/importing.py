"""`patchword import`: recognises what a file or folder is and gives it to its converter."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters import hub
from patchword.converters.class_names import class_names
from patchword.converters.imported import Imported, ImportOptions
from patchword.converters.marian import checkpoint as marian
from patchword.converters.resnet import hugging_face as resnet
from patchword.converters.resnet import timm as timm_resnet
from patchword.converters.resnet import torchvision as torchvision_resnet
from patchword.converters.settings import read_json
from patchword.converters.state_dicts import Weights, unwrapped
from patchword.converters.tensor_files import is_tensor_file, read_folder_tensors, read_weights_of
from patchword.converters.vit import big_vision, deit, dinov2, jax, timm, torchvision
from patchword.converters.vit import hugging_face as vit
from patchword.errors import CheckpointError, nearest, shown

Converter = Callable[[Path, Mapping[str, Any], Mapping[str, Tensor], ImportOptions], Imported]

# By the model_type of a Hugging Face config.json.
HUGGING_FACE: dict[str, Converter] = {
    "deit": deit.convert,
    "dinov2": dinov2.convert,
    "dinov2_with_registers": dinov2.convert,
    "marian": marian.convert,
    "resnet": resnet.convert,
    "vit": vit.convert,
}

# By how the architecture of timm's config.json begins; the first that matches.
TIMM: list[tuple[tuple[str, ...], Converter]] = [
    (("resnet", "tv_resnet"), timm_resnet.convert),
    (("",), timm.convert),
]

# By a name that only that layout has; the first that matches.
BARE_TENSORS: list[tuple[str, Converter]] = [
    ("conv_proj.weight", torchvision.convert),
    ("layer1.0.conv1.weight", torchvision_resnet.convert),
    ("patch_embed.proj.weight", timm.convert),
    ("params/embedding/kernel", big_vision.convert),
    ("embedding/kernel", jax.convert),
]

# Ends of names that the transformers library gives.
TRANSFORMERS_TENSORS = (
    "patch_embeddings.projection.weight",
    "embed_tokens.weight",
    "embedder.embedder.convolution.weight",
)


def convert(source: Path | str, options: ImportOptions | None = None) -> Imported:
    """Read a published checkpoint.

    Args:
        source: a folder or file, or "hf:owner/name".
        options: what the checkpoint does not say itself.

    Raises:
        CheckpointError: in one sentence, why it cannot be read.
    """
    options = options or ImportOptions()
    imported = _convert(source, options)
    return replace(imported, name=str(source)) if str(source).startswith(hub.PREFIX) else imported


def _convert(source: Path | str, options: ImportOptions) -> Imported:
    path = hub.download(str(source)) if str(source).startswith(hub.PREFIX) else Path(source)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise CheckpointError(path, "its name is no UTF-8; give it another") from None
    if not (os.path.isfile(path) or os.path.isdir(path)):  # noqa: PTH112, PTH113 - Path's raise on names too long
        there = os.path.exists(path)  # noqa: PTH110
        raise CheckpointError(path, "is a device or a pipe" if there else "no such file or folder")
    if path.is_file() and is_tensor_file(path) and (path.parent / "config.json").is_file():
        folder, weights = path.parent, read_weights_of(path, options.weights)
    elif path.is_file():
        return _by_names(path, options)
    elif (path / "config.json").exists():
        folder, weights = path, None
    elif (path / "recipe.toml").is_file():
        raise CheckpointError(path, "is a run folder of Patchword's already; use it as it is")
    else:
        files = sorted(file for file in path.iterdir() if is_tensor_file(file) and file.is_file())
        if len(files) != 1:
            found = f"{len(files)} files of tensors" if files else "no file of tensors"
            raise CheckpointError(path, f"has no config.json and {found}; expected a checkpoint's folder or its file")
        return _by_names(files[0], options)
    config = read_json(folder / "config.json")
    converter = _by_config(folder, config)
    weights = unwrapped(folder, weights or read_folder_tensors(folder, options.weights))
    return _noted(converter(folder, config, weights.tensors, options), weights)


def _by_config(folder: Path, config: Mapping[str, Any]) -> Converter:
    if "format_version" in config:
        raise CheckpointError(folder, "is a model folder of Patchword's already; use it as it is")
    if "model_type" in config:
        kind = config["model_type"]
        if not isinstance(kind, str) or kind not in HUGGING_FACE:
            raise CheckpointError(
                folder,
                f"config.json: model_type {shown(kind)} is another architecture; {nearest(shown(kind), HUGGING_FACE)}",
            )
        return HUGGING_FACE[kind]
    if "architecture" in config:
        name = str(config["architecture"])
        return next(converter for beginnings, converter in TIMM if name.startswith(beginnings))
    raise CheckpointError(folder, "config.json: neither 'model_type' (transformers) nor 'architecture' (timm) is there")


def _by_names(path: Path, options: ImportOptions) -> Imported:
    weights = unwrapped(path, read_weights_of(path, options.weights))
    for name, converter in BARE_TENSORS:
        if name in weights.tensors:
            return _with_classes(_noted(converter(path, {}, weights.tensors, options), weights), weights, options)
    if any(name.endswith(TRANSFORMERS_TENSORS) for name in weights.tensors):
        raise CheckpointError(path, "is of the transformers library, which keeps the rest in config.json beside it")
    names = ", ".join(name[:80] for name in sorted(weights.tensors)[:3])
    raise CheckpointError(
        path, f"of an unknown layout ({names}, ...); known without a config.json: timm, torchvision, JAX .npz"
    )


def _noted(imported: Imported, weights: Weights) -> Imported:
    return replace(imported, notes=(*weights.notes, *imported.notes))


def _with_classes(imported: Imported, weights: Weights, options: ImportOptions) -> Imported:
    """With the names of classes that stand beside the weights, such as a `class_to_idx`."""
    if weights.classes is None or options.classes is not None:
        return imported
    key, values = weights.classes
    details: Any = imported.details
    try:
        named, notes = class_names(imported.origin, len(details.classes), options, values, key)
    except CheckpointError:
        notes = (f"holds {key!r}, which is left out: it does not name {len(details.classes)} classes",)
    else:
        details = details.model_copy(update={"classes": tuple(named)})
    return replace(imported, details=details, notes=(*imported.notes, *notes))
