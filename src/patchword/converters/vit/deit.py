"""DeiT as `transformers` saves it, with one head or with the distilled one's two (Touvron et al. 2021)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.class_names import class_names
from patchword.converters.hugging_face.configs import vit_fields
from patchword.converters.hugging_face.preprocessing import assumed_preprocessing, read_preprocessing
from patchword.converters.imported import Imported, ImportOptions, length
from patchword.converters.tables import same
from patchword.converters.vit.hugging_face import (
    IGNORED,
    encoder_fields,
    layout,
    without_attention_bias,
    without_prefix,
)
from patchword.converters.vit.shared import IMAGENET_STANDARD, check_head, imported_vit

# DeiTImageProcessor's own defaults, and its sizes: squash to 256 x 256, cut out 224 x 224.
SIZES = {"size": {"height": 256, "width": 256}, "crop_size": {"height": 224, "width": 224}, "do_center_crop": True}
PROCESSOR = {
    "resample": 3,
    "image_mean": IMAGENET_STANDARD["mean"],
    "image_std": IMAGENET_STANDARD["std"],
}


def convert(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """A folder whose config.json says model_type "deit".

    Raises:
        CheckpointError: if it is not such a network.
    """
    tensors = without_prefix(tensors, "deit.")
    distilled = "distillation_classifier.weight" in tensors
    head = "cls_classifier" if distilled else "classifier"
    table = {
        **layout(tensors),
        "head.linear.*": same(f"{head}.*"),
        "distillation_head.linear.*": same("distillation_classifier.*"),
    }
    fields = {
        **vit_fields(config, folder),
        **encoder_fields(config, tensors, folder),
        "distillation_token": True,
        "distillation_head": distilled,
    }
    processor = {**PROCESSOR, **(SIZES if fields["image_size"] == (224, 224) else {})}
    num_classes = length(tensors, f"{head}.weight")
    check_head(folder, config, num_classes)
    classes, named = class_names(folder, num_classes, options, config.get("id2label"))
    return imported_vit(
        folder,
        "Hugging Face DeiT",
        fields,
        without_attention_bias(table, config),
        tensors,
        preprocessing=read_preprocessing(folder, processor, fields["image_size"]),
        classes=classes,
        options=options,
        ignored=IGNORED,
        notes=(*assumed_preprocessing(folder), *named),
    )
