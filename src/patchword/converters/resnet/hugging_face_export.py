"""Our ResNet as ResNetForImageClassification of `transformers`."""

from typing import Any

import torch
from torch import Tensor

from patchword.checkpoints.exportable import Exportable
from patchword.converters.hugging_face.preprocessing import processor_settings
from patchword.converters.resnet.hugging_face import NAMES
from patchword.converters.resnet.shared import table_of
from patchword.converters.tables import converted_back
from patchword.errors import ExportError
from patchword.models.tensors import named_tensors

# Fields with the only values that the class computes, and what each other value is called.
_FIXED: dict[str, tuple[Any, str]] = {
    "stem": ("imagenet", "the stem of a CIFAR ResNet"),
    "downsampling": ("stride", "a blur before downsampling"),
    "norm_eps": (1e-5, "another eps of its norms"),
}


def hugging_face_resnet(content: Exportable) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors under their names, config.json and preprocessor_config.json.

    Args:
        content: a ResidualNetwork with its preprocessing and classes.

    Raises:
        ExportError: with what ResNetForImageClassification cannot express.
    """
    model = content.model
    config: Any = model.config
    for field, (value, name) in _FIXED.items():
        if getattr(config, field) != value:
            raise ExportError(f"--to hf: ResNetForImageClassification cannot express {name} ({field})")
    if config.shortcut != "projection":
        raise ExportError(
            f"--to hf: ResNetForImageClassification has no {config.shortcut} shortcuts, only projections (shortcut)"
        )
    if config.num_classes == 0:
        raise ExportError("--to hf: ResNetForImageClassification needs classes, and the model has none")
    classes = content.details["classes"]
    description = {
        "architectures": ["ResNetForImageClassification"],
        "model_type": "resnet",
        "num_channels": config.channels,
        "embedding_size": config.stem_width,
        "hidden_sizes": list(config.widths),
        "depths": list(config.depths),
        "layer_type": config.block,
        "hidden_act": "relu",
        "downsample_in_first_stage": config.downsample_in_first_stage,
        "downsample_in_bottleneck": config.block == "bottleneck" and config.bottleneck_stride == "1x1",
        "id2label": {str(i): name for i, name in enumerate(classes)},
        "label2id": {name: i for i, name in enumerate(classes)},
    }
    tensors = converted_back(table_of(NAMES, len(config.depths)), named_tensors(model))
    means = [name for name in tensors if name.endswith(".running_mean")]
    tensors |= {name.replace("running_mean", "num_batches_tracked"): torch.tensor(0) for name in means}
    theirs = {name if name.startswith("classifier.") else f"resnet.{name}": tensor for name, tensor in tensors.items()}
    processor = processor_settings(content.details["preprocessing"])
    return theirs, {"config.json": description, "preprocessor_config.json": processor}
