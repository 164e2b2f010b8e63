"""ResNet as torchvision saves it: a bare state dict."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.class_names import class_names
from patchword.converters.imported import Imported, ImportOptions, length
from patchword.converters.resnet.shared import IMAGENET_DEFAULT, TORCHVISION, imported_resnet, torchvision_fields
from patchword.converters.vit.shared import check_head

# Ends of the names of the files that were scored on the middle of 232 pixels: IMAGENET1K_V2.
_SECOND_WEIGHTS = ("-11ad3fa6", "-cd907fc2", "-f82ba261")


def convert(origin: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """A state dict; preprocessing is that of torchvision's own weights.

    Raises:
        CheckpointError: if it is not such a network.
    """
    second = origin.stem.endswith(_SECOND_WEIGHTS)
    resized = 232 if second else 256
    told = "the file's name tells torchvision's second weights" if second else "the file says nothing of preprocessing"
    preprocessing = {
        "image_size": [224, 224],
        "resize": "crop",
        "crop_fraction": 224 / resized,
        "interpolation": "bilinear",
        **IMAGENET_DEFAULT,
    }
    num_classes = length(tensors, "fc.weight")
    check_head(origin, {}, num_classes)
    classes, named = class_names(origin, num_classes, options)
    return imported_resnet(
        origin,
        "torchvision ResNet",
        torchvision_fields(origin, tensors),
        TORCHVISION,
        tensors,
        preprocessing=preprocessing,
        classes=classes,
        options=options,
        notes=(
            f"{told}: assumed the middle 224 of {resized} pixels, bilinear, and the stride in the 3x3 convolution",
            *named,
        ),
    )
