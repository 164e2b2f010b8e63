"""ResNet as timm saves it: resnet18 to resnet152 and resnetblur50, with its config.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.class_names import class_names
from patchword.converters.imported import Imported, ImportOptions, length
from patchword.converters.resnet.shared import IMAGENET_DEFAULT, TORCHVISION, imported_resnet, torchvision_fields
from patchword.converters.settings import Settings
from patchword.converters.timm_config import assumed_by_timm, timm_preprocessing
from patchword.converters.vit.shared import check_head
from patchword.errors import CheckpointError, shown

# Those whose computation is told by names and shapes, and the field that is not.
_KNOWN: dict[str, dict[str, Any]] = {
    **{f"resnet{layers}": {} for layers in (18, 26, 34, 50, 101, 152, 200)},
    **{f"tv_resnet{layers}": {} for layers in (34, 50, 101, 152)},
    **{f"resnetblur{layers}": {"downsampling": "blur"} for layers in (18, 50)},
}

# Arguments that leave the network in use as it is, or that the tensors tell too.
_HARMLESS = ("num_classes", "in_chans", "drop_rate", "drop_path_rate", "drop_block_rate", "zero_init_last", "layers")


def convert(origin: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """A folder with timm's config.json.

    Raises:
        CheckpointError: if it is not such a network.
    """
    name = str(config.get("architecture"))
    if name not in _KNOWN:
        raise CheckpointError(origin, f"config.json: architecture {shown(name)} is not one of {', '.join(_KNOWN)}")
    file = origin / "config.json"
    settings = Settings(file, {**config, **Settings(file, config).table("pretrained_cfg")})
    arguments = Settings(file, config).table("model_args")
    other = sorted(key for key, value in arguments.items() if key not in _HARMLESS and value not in (None, "", "avg"))
    if other:
        raise CheckpointError(
            origin, f"config.json: model_args.{other[0][:80]} = {shown(arguments[other[0]])} is not supported"
        )
    if settings.get("global_pool", "avg") != "avg":
        raise CheckpointError(
            origin, f"config.json: global_pool {shown(settings.get('global_pool'))} is not supported; valid: avg"
        )
    num_classes = length(tensors, "fc.weight")
    check_head(origin, {}, num_classes)
    classes, named = class_names(origin, num_classes, options, settings.get("label_names"), "label_names")
    return imported_resnet(
        origin,
        "timm ResNet",
        {**torchvision_fields(origin, tensors), **_KNOWN[name]},
        TORCHVISION,
        tensors,
        preprocessing=timm_preprocessing(origin, settings, (224, 224), 0.875, IMAGENET_DEFAULT),
        classes=classes,
        options=options,
        notes=(*assumed_by_timm(settings), *named),
    )
