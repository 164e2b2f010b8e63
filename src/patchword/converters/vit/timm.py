"""ViT as timm saves it: vit_*, deit_*, deit3_* and flexivit_*; also DeiT's and DINOv2's own files, named alike."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.class_names import class_names
from patchword.converters.imported import Imported, ImportOptions, count_layers, length, shape_of
from patchword.converters.settings import Settings
from patchword.converters.tables import Table, batch_of_one, patches, same, token, zeros
from patchword.converters.timm_config import assumed_by_timm, timm_input_size, timm_preprocessing
from patchword.converters.vit.shared import (
    IMAGENET_DEFAULT,
    IMAGENET_STANDARD,
    check_head,
    heads_of,
    imported_vit,
    native_grid,
)
from patchword.errors import CheckpointError, clipped, shown

TABLE: Table = {
    "class_token": token("cls_token"),
    "distillation_token": token("dist_token"),
    "register_tokens": batch_of_one("reg_token"),
    "position_embedding.embedding": batch_of_one("pos_embed"),
    "patch_embedding.projection.weight": patches("patch_embed.proj.weight"),
    "patch_embedding.projection.bias": same("patch_embed.proj.bias"),
    "encoder.layers.{i}.self_attention_residual.norm.*": same("blocks.{i}.norm1.*"),
    "encoder.layers.{i}.self_attention.query_key_value.*": same("blocks.{i}.attn.qkv.*"),
    "encoder.layers.{i}.self_attention.output.*": same("blocks.{i}.attn.proj.*"),
    "encoder.layers.{i}.self_attention_residual.layer_scale.factor": same("blocks.{i}.ls1.gamma"),
    "encoder.layers.{i}.feed_forward_residual.norm.*": same("blocks.{i}.norm2.*"),
    "encoder.layers.{i}.feed_forward.inner.*": same("blocks.{i}.mlp.fc1.*"),
    "encoder.layers.{i}.feed_forward.outer.*": same("blocks.{i}.mlp.fc2.*"),
    "encoder.layers.{i}.feed_forward_residual.layer_scale.factor": same("blocks.{i}.ls2.gamma"),
    "encoder.norm.*": same("norm.*"),
    "pooled_norm.*": same("fc_norm.*"),
    "head.linear.*": same("head.*"),
    "distillation_head.linear.*": same("head_dist.*"),
}

NO_ATTENTION_BIAS: Table = {
    "encoder.layers.{i}.self_attention.query_key_value.bias": zeros(),
    "encoder.layers.{i}.self_attention.query_key_value.weight": same("blocks.{i}.attn.qkv.weight"),
}

IGNORED = ("mask_token",)  # of DINOv2's pre-training

# Architectures whose tensors have the same names but whose computation differs.
_OTHERS = ("rope", "rpn", "relpos", "clip", "xp_", "samvit", "dinov3", "lingbot", "radio", "mci")

# SigLIP's encoders with mean pooling: of these alone timm keeps the activation that they were trained with.
_GELU_TANH = (
    "vit_base_patch32_siglip_gap_256",
    "vit_large_patch16_siglip_gap_512",
    "vit_so400m_patch16_siglip_gap",
    "vit_giantopt_patch16_siglip_gap",
)

# Arguments that change what is computed and leave the tensors as they are, and the values that change nothing.
_COMPUTATION: dict[str, tuple[Any, ...]] = {
    "pool_include_prefix": (False,),
    "norm_layer": ("layernorm", "LayerNorm"),
    "block_fn": (),
    "attn_layer": (),
    "embed_layer": (),
    "pos_embed": ("learn",),
    "scale_attn_norm": (False,),
    "scale_mlp_norm": (False,),
    "final_norm": (True,),
    "use_fc_norm": (False,),
}

# Those that the tensors tell, that are read, or that are of training.
_TOLD = {"img_size", "patch_size", "in_chans", "num_classes", "global_pool", "embed_dim", "depth", "num_heads"}
_TOLD |= {"mlp_ratio", "qkv_bias", "qk_norm", "proj_bias", "init_values", "class_token", "no_embed_class", "reg_tokens"}
_TOLD |= {"pre_norm", "fc_norm", "embed_norm_layer", "act_layer", "weight_init", "fix_init", "strict_img_size"}
_TOLD |= {"dynamic_img_size", "dynamic_img_pad", "distilled"}

# num_heads where it is neither what the width tells nor in the file.
_HEADS = {"vit_base_patch16_gap_224": 16, "vit_giantopt": 16, "test_vit4": 3, "test_vit": 2}


def convert(origin: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """A state dict, with timm's config.json or without (then an empty mapping).

    Raises:
        CheckpointError: if it is not such a network.
    """
    name = str(config.get("architecture", "vit"))
    if (not name.startswith(("vit_", "deit", "flexivit", "test_vit")) and config) or any(o in name for o in _OTHERS):
        raise CheckpointError(origin, f"config.json: architecture {shown(name)} is not a ViT of the paper's kind")
    if any(key.startswith("attn_pool.") for key in tensors):
        raise CheckpointError(origin, "ends in attention pooling (attn_pool, a MAP head), which is not supported")
    file = origin / "config.json"
    settings = Settings(file, {**config, **Settings(file, config).table("pretrained_cfg")})
    num_classes = length(tensors, "head.weight")
    check_head(origin, settings.table("model_args"), num_classes)
    classes, named = class_names(origin, num_classes, options, settings.get("label_names"), "label_names")
    notes = assumed_by_timm(settings)
    if not config:
        assumed = "ImageNet's" if {"dist_token", "mask_token"} & tensors.keys() else "0.5"
        notes = (f"no config.json: assumed crop 0.9, bicubic, mean and std {assumed}, and heads from the width",)
        if assumed == "ImageNet's":
            settings = Settings(file, IMAGENET_DEFAULT)
    fields, tensors, guessed = _fields(origin, name, config, settings, tensors, options)
    table = TABLE if "blocks.0.attn.qkv.bias" in tensors else {**NO_ATTENTION_BIAS, **TABLE}
    return imported_vit(
        origin,
        "timm ViT",
        fields,
        table,
        tensors,
        preprocessing=timm_preprocessing(origin, settings, fields["image_size"], 0.9, IMAGENET_STANDARD),
        classes=classes,
        options=options,
        ignored=IGNORED,
        notes=(*notes, *guessed, *named),
    )


def _fields(
    origin: Path,
    name: str,
    config: Mapping[str, Any],
    settings: Settings,
    tensors: Mapping[str, Tensor],
    options: ImportOptions,
) -> tuple[dict[str, Any], Mapping[str, Tensor], tuple[str, ...]]:
    """Fields of `VisionTransformerConfig`, the tensors with positions for class token and patches alone, and what was
    assumed.
    """
    d_model, channels, patch_size, _ = shape_of(origin, tensors, "patch_embed.proj.weight", 4)
    _, d_ff = shape_of(origin, tensors, "blocks.0.mlp.fc2.weight", 2)
    gated = shape_of(origin, tensors, "blocks.0.mlp.fc1.weight", 2)[0] == 2 * d_ff
    _, positions, _ = shape_of(origin, tensors, "pos_embed", 3)
    arguments = Settings(origin / "config.json", Settings(origin / "config.json", config).table("model_args"))
    _check_arguments(origin, arguments)
    known = next((n for start, n in _HEADS.items() if name.startswith(start)), 0)
    num_heads = arguments.whole("num_heads", known)
    class_token, distilled = "cls_token" in tensors, "dist_token" in tensors
    registers = length(tensors, "reg_token", axis=1)
    prefix = int(class_token) + int(distilled)
    notes: tuple[str, ...] = ()
    size = arguments.sides("img_size") if arguments.get("img_size") is not None else timm_input_size(origin, settings)
    if size is not None:
        grid = size[0] // patch_size, size[1] // patch_size
        extra = positions - grid[0] * grid[1]
    else:
        grid, extra, notes = native_grid(origin, positions, {prefix, prefix + registers, 0}, patch_size, options)
    tensors = _placed(tensors, prefix, registers, extra)
    pool = _pool(origin, settings, arguments) or ("avg" if "fc_norm.weight" in tensors or not class_token else "token")
    fields = {
        "image_size": (grid[0] * patch_size, grid[1] * patch_size),
        "patch_size": patch_size,
        "channels": channels,
        "d_model": d_model,
        "num_heads": options.num_heads or num_heads or heads_of(d_model, origin),
        "num_layers": count_layers(tensors, "blocks."),
        "d_ff": d_ff,
        "activation": "swiglu" if gated else _activation(origin, name, arguments),
        "layer_norm_eps": 1e-6,
        "layer_scale": 1e-5 if "blocks.0.ls1.gamma" in tensors else None,
        "class_token": class_token,
        "distillation_token": distilled,
        "distillation_head": "head_dist.weight" in tensors,
        "register_tokens": registers,
        "pool": "mean" if pool == "avg" else "class_token",
        "norm_after_pool": "fc_norm.weight" in tensors,
        "position_resize": "bicubic_antialias",
    }
    return fields, tensors, notes


def _pool(origin: Path, settings: Settings, arguments: Settings) -> str | None:
    """What is said in either of two places."""
    said = [where.get("global_pool") for where in (settings, arguments)]
    for pool in said:
        if pool not in (None, "avg", "token"):
            raise CheckpointError(origin, f"config.json: global_pool {shown(pool)} is not supported; valid: avg, token")
    if None not in said and said[0] != said[1]:
        raise CheckpointError(origin, f"config.json: global_pool is {said[0]}, but model_args.global_pool {said[1]}")
    pool = said[0] if said[1] is None else said[1]
    return None if pool is None else str(pool)


def _check_arguments(origin: Path, arguments: Settings) -> None:
    """Refuse what changes the computation and cannot be seen in the tensors.

    Raises:
        CheckpointError: naming the argument.
    """
    for key in arguments:
        if key in _TOLD or key.endswith("drop_rate") or key.endswith("drop_path_rate"):
            continue
        if arguments.get(key) not in (None, "", *_COMPUTATION.get(key, ())):
            found = shown(arguments.get(key))
            raise CheckpointError(origin, f"config.json: model_args.{clipped(key)} = {found} is not supported")


def _placed(tensors: Mapping[str, Tensor], prefix: int, registers: int, extra: int) -> Mapping[str, Tensor]:
    """Positions as ours are: one for each prefix token, none for registers.

    Where class token (and its like) have none, zeros stand for it; registers' are added to the registers themselves.
    """
    positions = tensors["pos_embed"]
    if positions.ndim != 3 or extra == prefix:
        return tensors
    changed = dict(tensors)
    if extra == 0:
        changed["pos_embed"] = positions.new_zeros(1, prefix + positions.shape[1], positions.shape[2])
        changed["pos_embed"][:, prefix:] = positions
    elif extra == prefix + registers:
        changed["reg_token"] = tensors["reg_token"] + positions[:, prefix:extra]
        changed["pos_embed"] = positions[:, [*range(prefix), *range(extra, positions.shape[1])]]
    return changed


def _activation(origin: Path, name: str, arguments: Settings) -> str:
    given = arguments.get("act_layer")
    if given is not None and given not in ("gelu", "gelu_tanh", "relu", "silu"):
        raise CheckpointError(origin, f"config.json: act_layer {shown(given)} is not supported")
    if given is not None:
        return str(given)
    return "gelu_tanh" if name.startswith(_GELU_TANH) else "gelu"
