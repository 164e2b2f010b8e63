"""DINOv2 as `transformers` saves it, with and without registers (Oquab et al. 2024; Darcet et al. 2024)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.class_names import class_names
from patchword.converters.hugging_face.configs import vit_fields
from patchword.converters.hugging_face.preprocessing import assumed_preprocessing, read_preprocessing
from patchword.converters.imported import Imported, ImportOptions, length
from patchword.converters.settings import Settings
from patchword.converters.tables import Table, batch_of_one, same, stacked
from patchword.converters.vit.hugging_face import EMBEDDINGS, IGNORED, without_attention_bias, without_prefix
from patchword.converters.vit.shared import IMAGENET_DEFAULT, check_head, imported_vit

# The settings that the published DINOv2 folders give BitImageProcessor.
PROCESSOR = {
    "size": {"shortest_edge": 256},
    "crop_size": {"height": 224, "width": 224},
    "do_center_crop": True,
    "resample": 3,
    "image_mean": IMAGENET_DEFAULT["mean"],
    "image_std": IMAGENET_DEFAULT["std"],
}

COMMON: Table = {
    **EMBEDDINGS,
    "register_tokens": batch_of_one("embeddings.register_tokens"),
    "encoder.layers.{i}.self_attention_residual.norm.*": same("encoder.layer.{i}.norm1.*"),
    "encoder.layers.{i}.self_attention_residual.layer_scale.factor": same("encoder.layer.{i}.layer_scale1.lambda1"),
    "encoder.layers.{i}.feed_forward_residual.norm.*": same("encoder.layer.{i}.norm2.*"),
    "encoder.layers.{i}.feed_forward_residual.layer_scale.factor": same("encoder.layer.{i}.layer_scale2.lambda1"),
    "encoder.layers.{i}.feed_forward.inner.*": same("encoder.layer.{i}.mlp.fc1.*"),
    "encoder.layers.{i}.feed_forward.outer.*": same("encoder.layer.{i}.mlp.fc2.*"),
    "head.linear.*": same("classifier.*"),
}

VERSION_4: Table = {
    **COMMON,
    "encoder.layers.{i}.self_attention.query_key_value.*": stacked(
        "encoder.layer.{i}.attention.attention.query.*",
        "encoder.layer.{i}.attention.attention.key.*",
        "encoder.layer.{i}.attention.attention.value.*",
    ),
    "encoder.layers.{i}.self_attention.output.*": same("encoder.layer.{i}.attention.output.dense.*"),
}

VERSION_5: Table = {
    **COMMON,
    "encoder.layers.{i}.self_attention.query_key_value.*": stacked(
        "encoder.layer.{i}.attention.q_proj.*",
        "encoder.layer.{i}.attention.k_proj.*",
        "encoder.layer.{i}.attention.v_proj.*",
    ),
    "encoder.layers.{i}.self_attention.output.*": same("encoder.layer.{i}.attention.o_proj.*"),
}

# The largest model's gated feed-forward, in either version's names.
GATED_4: Table = {
    "encoder.layers.{i}.feed_forward.inner.*": same("encoder.layer.{i}.mlp.weights_in.*"),
    "encoder.layers.{i}.feed_forward.outer.*": same("encoder.layer.{i}.mlp.weights_out.*"),
}
GATED_5: Table = {
    "encoder.layers.{i}.feed_forward.inner.*": stacked(
        "encoder.layer.{i}.mlp.gate_proj.*", "encoder.layer.{i}.mlp.up_proj.*"
    ),
    "encoder.layers.{i}.feed_forward.outer.*": same("encoder.layer.{i}.mlp.down_proj.*"),
}


def convert(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """A folder whose config.json says model_type "dinov2" or "dinov2_with_registers".

    Raises:
        CheckpointError: if it is not such a network.
    """
    registers = config["model_type"] == "dinov2_with_registers"
    tensors = without_prefix(tensors, f"{config['model_type']}.")
    table = VERSION_5 if "encoder.layer.0.attention.q_proj.weight" in tensors else VERSION_4
    gated = bool(config.get("use_swiglu_ffn", False))
    if gated:
        table = {**table, **(GATED_5 if "encoder.layer.0.mlp.gate_proj.weight" in tensors else GATED_4)}
    fields = vit_fields(config, folder)
    settings = Settings(folder / "config.json", config)
    d_ff = int(fields["d_model"] * settings.number("mlp_ratio", 4))
    fields |= {
        # The gated network has two thirds of the width, rounded up to a multiple of 8.
        "d_ff": (d_ff * 2 // 3 + 7) // 8 * 8 if gated else d_ff,
        "activation": "swiglu" if gated else fields["activation"],
        "layer_norm_eps": settings.number("layer_norm_eps", 1e-6),
        "layer_scale": settings.number("layerscale_value", 1.0),
        "register_tokens": settings.whole("num_register_tokens", 4) if registers else 0,
        "position_resize": "bicubic_antialias" if registers else "bicubic",
    }
    num_classes = length(tensors, "classifier.weight")
    check_head(folder, config, num_classes)
    classes, named = class_names(folder, num_classes, options, config.get("id2label"))
    # The classifier sees the class token and the patches' mean; the bare network's representation is the class token.
    fields["pool"] = "class_token_and_mean" if classes else "class_token"
    return imported_vit(
        folder,
        "Hugging Face DINOv2" + (" with registers" if registers else ""),
        fields,
        without_attention_bias(table, config),
        tensors,
        preprocessing=read_preprocessing(folder, PROCESSOR, fields["image_size"]),
        classes=classes,
        options=options,
        ignored=IGNORED,
        notes=(*assumed_preprocessing(folder), *named),
    )
