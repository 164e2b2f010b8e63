"""ResNet as `transformers` saves it: ResNetForImageClassification and ResNetModel."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.class_names import class_names
from patchword.converters.hugging_face.preprocessing import assumed_preprocessing, read_preprocessing
from patchword.converters.imported import Imported, ImportOptions, length
from patchword.converters.resnet.shared import IMAGENET_DEFAULT, Names, imported_resnet
from patchword.converters.settings import Settings, is_there
from patchword.converters.vit.shared import check_head
from patchword.errors import CheckpointError, shown

_LAYER = "encoder.stages.{stage}.layers.{i}.layer.{layer}"
_SHORTCUT = "encoder.stages.{stage}.layers.{i}.shortcut"

NAMES = Names(
    stem=("embedder.embedder.convolution", "embedder.embedder.normalization"),
    layer=(f"{_LAYER}.convolution", f"{_LAYER}.normalization"),
    shortcut=(f"{_SHORTCUT}.convolution", f"{_SHORTCUT}.normalization"),
    head="classifier.1",
)

# Of the published weights, in the terms of preprocessor_config.json.
PROCESSOR = {
    "image_processor_type": "ConvNextImageProcessor",
    "size": {"shortest_edge": 224},
    "crop_pct": 0.875,
    "resample": 3,
    "image_mean": IMAGENET_DEFAULT["mean"],
    "image_std": IMAGENET_DEFAULT["std"],
}


def convert(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """A folder whose config.json says model_type "resnet".

    Raises:
        CheckpointError: if it is not such a network.
    """
    tensors = {name.removeprefix("resnet."): tensor for name, tensor in tensors.items()}
    settings = Settings(folder / "config.json", config)
    activation, block = settings.get("hidden_act", "relu"), settings.get("layer_type", "bottleneck")
    if activation != "relu":
        raise CheckpointError(folder, f"config.json: hidden_act {shown(activation)} is not supported; valid: relu")
    if block not in ("basic", "bottleneck"):
        raise CheckpointError(folder, f"config.json: layer_type {shown(block)} is unknown; valid: basic, bottleneck")
    fields = {
        "block": block,
        "depths": _whole_numbers(settings, "depths", [3, 4, 6, 3], folder),
        "widths": _whole_numbers(settings, "hidden_sizes", [256, 512, 1024, 2048], folder),
        "stem_width": settings.whole("embedding_size", 64, least=1),
        "channels": settings.whole("num_channels", 3, least=1),
        "bottleneck_stride": "1x1" if settings.get("downsample_in_bottleneck") else "3x3",
        "downsample_in_first_stage": bool(settings.get("downsample_in_first_stage")),
    }
    said = is_there(folder / "preprocessor_config.json")
    note = "no preprocessor_config.json: assumed the middle 224 of 256 pixels, bicubic, mean and std ImageNet's"
    num_classes = length(tensors, "classifier.1.weight")
    check_head(folder, config, num_classes)
    classes, named = class_names(folder, num_classes, options, config.get("id2label"))
    return imported_resnet(
        folder,
        "Hugging Face ResNet",
        fields,
        NAMES,
        tensors,
        preprocessing=read_preprocessing(folder, PROCESSOR, (224, 224)),
        classes=classes,
        options=options,
        notes=(*(assumed_preprocessing(folder) if said else (note,)), *named),
    )


def _whole_numbers(settings: Settings, key: str, default: list[int], folder: Path) -> list[int]:
    numbers = settings.get(key, default)
    if not isinstance(numbers, list) or not all(type(number) is int and 0 < number < 2**20 for number in numbers):
        raise CheckpointError(
            folder, f"config.json: {key} = {shown(numbers)}: expected a list of whole numbers from 1 on"
        )
    return numbers
