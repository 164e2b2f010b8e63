"""What the ResNet converters share: the table of names, and the last steps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.imported import Imported, ImportOptions, count_layers, fill, shape_of
from patchword.converters.tables import Table, same
from patchword.errors import CheckpointError, RecipeError
from patchword.images.details import ClassifierDetails
from patchword.images.transforms import Preprocessing
from patchword.models.residual_network_config import ResidualNetworkConfig

ARCHITECTURE = "residual_network"
IMAGENET_DEFAULT = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@dataclass(frozen=True)
class Names:
    """What a family calls the parts; each pair is a convolution and its norm.

    Attributes:
        stem: the first convolution.
        layer: of a block, with {stage} and {layer} counted from `first`; "{i}" is the block's number.
        shortcut: of a block whose shortcut has a convolution.
        head: the linear layer.
        first: the number of the first stage and layer.
    """

    stem: tuple[str, str]
    layer: tuple[str, str]
    shortcut: tuple[str, str]
    head: str
    first: int = 0


# torchvision and timm; a head's name and all others are the same in both.
TORCHVISION = Names(
    stem=("conv1", "bn1"),
    layer=("layer{stage}.{i}.conv{layer}", "layer{stage}.{i}.bn{layer}"),
    shortcut=("layer{stage}.{i}.downsample.0", "layer{stage}.{i}.downsample.1"),
    head="fc",
    first=1,
)


def table_of(names: Names, stages: int) -> Table:
    """Our names to a family's."""
    table = {**_unit("stem.layer", names.stem), "head.linear.*": same(f"{names.head}.*")}
    for stage in range(stages):
        for layer in range(3):
            theirs = tuple(
                name.replace("{stage}", str(stage + names.first)).replace("{layer}", str(layer + names.first))
                for name in names.layer
            )
            table |= _unit(f"stages.{stage}.{{i}}.layers.{layer}", theirs)
        theirs = tuple(name.replace("{stage}", str(stage + names.first)) for name in names.shortcut)
        table |= _unit(f"stages.{stage}.{{i}}.shortcut", theirs)
    return table


def _unit(ours: str, theirs: tuple[str, ...]) -> Table:
    convolution, norm = theirs
    return {
        f"{ours}.convolution.weight": same(f"{convolution}.weight"),
        f"{ours}.norm.*": same(f"{norm}.*"),
        f"{ours}.norm.running_mean": same(f"{norm}.running_mean"),
        f"{ours}.norm.running_var": same(f"{norm}.running_var"),
    }


def torchvision_fields(origin: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Fields of `ResidualNetworkConfig` that torchvision's names and shapes tell.

    Raises:
        CheckpointError: if a tensor is missing or misshapen.
    """
    stages = count_layers(("." + name for name in tensors), ".layer")
    bottleneck = "layer1.0.conv3.weight" in tensors
    stem_width, channels, side, _ = shape_of(origin, tensors, "conv1.weight", 4)
    last = "conv3" if bottleneck else "conv2"
    widths = [shape_of(origin, tensors, f"layer{stage}.0.{last}.weight", 4)[0] for stage in range(1, stages)]
    if side != 7:
        raise CheckpointError(origin, f"its first convolution is {side} x {side}; only 7 x 7 is known in this layout")
    return {
        "block": "bottleneck" if bottleneck else "basic",
        "depths": [count_layers(tensors, f"layer{stage}.") for stage in range(1, stages)],
        "widths": widths,
        "stem_width": stem_width,
        "channels": channels,
    }


def imported_resnet(
    origin: Path,
    kind: str,
    fields: Mapping[str, Any],
    names: Names,
    tensors: Mapping[str, Tensor],
    *,
    preprocessing: Mapping[str, Any],
    classes: list[str],
    options: ImportOptions,
    notes: Iterable[str] = (),
) -> Imported:
    """A ResNet from its parts.

    Args:
        origin: the file or folder.
        kind: the family, for people.
        fields: of `ResidualNetworkConfig`.
        names: see `Names`.
        tensors: theirs.
        preprocessing: fields of `Preprocessing`.
        classes: a name a class.
        options: what a person asked for.
        notes: what had to be assumed.

    Raises:
        CheckpointError: if the parts do not make a ResNet.
    """
    if options.num_heads is not None:
        raise CheckpointError(origin, "is a ResNet, which has no attention heads to give a number of")
    size = options.image_size or tuple(preprocessing["image_size"])
    try:
        config = ResidualNetworkConfig.parse({**fields, "num_classes": len(classes)}, str(origin))
        config.check_image_size(size)
        steps = Preprocessing.parse({**preprocessing, "image_size": size}, "preprocessing")
    except (RecipeError, ValueError) as error:
        raise CheckpointError(origin, str(error).removeprefix(f"{origin}: ")) from None
    if config.channels != 3:
        raise CheckpointError(origin, f"takes images of {config.channels} channels; only RGB, 3 channels, is supported")
    if sum(config.depths) > len(tensors):
        raise CheckpointError(origin, f"has {len(tensors)} tensors, too few for the blocks {config.depths}")
    counters = [name for name in tensors if name.endswith("num_batches_tracked")]
    ours = fill(origin, ARCHITECTURE, config, table_of(names, len(config.depths)), tensors, counters)
    details = ClassifierDetails(classes=tuple(classes), preprocessing=steps)
    return Imported(origin, kind, ARCHITECTURE, config, ours, details, notes=tuple(notes))
