"""The Vision Transformer of "An Image Is Worth 16x16 Words" (Dosovitskiy et al. 2021)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from patchword.errors import RecipeError, shown
from patchword.models.contracts import Evidence, EvidenceMap, ImageConfig, ImageModel
from patchword.models.ranges import LARGEST_SIDE, MOST_LAYERS, WIDEST, check_sides
from patchword.nn.dropout import Dropout
from patchword.nn.encoder import Encoder, LayerOptions
from patchword.nn.heads import ClassificationHead
from patchword.nn.initialisation import normal
from patchword.nn.patches import PatchEmbedding
from patchword.nn.positions import GridPositions, NoPositions
from patchword.nn.trace import AttentionTrace

MOST_PATCHES = 2**14  # attention's maps grow with the square

# Table 1 of the paper (B, L, H), and DeiT's smaller two (Touvron et al. 2021).
SIZES: dict[str, dict[str, int]] = {
    "Ti": {"d_model": 192, "num_heads": 3, "num_layers": 12, "d_ff": 768},
    "S": {"d_model": 384, "num_heads": 6, "num_layers": 12, "d_ff": 1536},
    "B": {"d_model": 768, "num_heads": 12, "num_layers": 12, "d_ff": 3072},
    "L": {"d_model": 1024, "num_heads": 16, "num_layers": 24, "d_ff": 4096},
    "H": {"d_model": 1280, "num_heads": 16, "num_layers": 32, "d_ff": 5120},
}


class VisionTransformerConfig(ImageConfig):
    """Sizes and choices of a ViT; the defaults are ViT-B/16 at 224 pixels.

    `image_size` is (height, width) in pixels, `patch_size` the side of a patch in pixels. Fields that published
    checkpoints need:

    - `num_classes` 0: a backbone without a last linear layer.
    - `distillation_token`, `distillation_head`: DeiT's second token, and the second head whose logits are averaged
      with the first's (Touvron et al. 2021).
    - `pool` "class_token_and_mean": both, side by side (DINOv2's linear head).
    - `norm_after_pool`: the last norm acts on the pooled vector (timm's fc_norm) instead of on every token.
    - `position_resize`: how the family brings its position embedding to another image size; see `nn.positions`.
    """

    SIZE_KEY: ClassVar[str] = "name"
    DEFAULT_SIZE: ClassVar[str] = "Ti/16"
    REGULARISATION: ClassVar[frozenset[str]] = frozenset(
        {"dropout", "attention_dropout", "activation_dropout", "drop_path"}
    )

    image_size: tuple[int, int] = (224, 224)
    patch_size: int = Field(16, gt=0, le=LARGEST_SIDE)
    d_model: int = Field(768, gt=0, le=WIDEST)
    num_heads: int = Field(12, gt=0, le=WIDEST)
    num_layers: int = Field(12, gt=0, le=MOST_LAYERS)
    d_ff: int = Field(3072, gt=0, le=4 * WIDEST)
    dropout: float = Field(0.0, ge=0, lt=1)
    attention_dropout: float = Field(0.0, ge=0, lt=1)
    activation_dropout: float = Field(0.0, ge=0, lt=1)
    drop_path: float = Field(0.0, ge=0, lt=1)
    activation: Literal["relu", "gelu", "gelu_tanh", "silu", "swiglu"] = "gelu"
    norm_first: bool = True
    layer_norm_eps: float = Field(1e-6, gt=0, le=1)
    layer_scale: float | None = Field(None, ge=0, le=1e6)
    class_token: bool = True
    distillation_token: bool = False
    distillation_head: bool = False
    register_tokens: int = Field(0, ge=0, le=MOST_PATCHES)
    pool: Literal["class_token", "mean", "class_token_and_mean"] = "class_token"
    norm_after_pool: bool = False
    positions: Literal["learned", "none"] = "learned"
    position_resize: Literal["bicubic_antialias", "bicubic", "bicubic_corners", "bilinear_corners"] = (
        "bicubic_antialias"
    )
    head_hidden: int | None = Field(None, gt=0, le=4 * WIDEST)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.d_model % self.num_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of num_heads {self.num_heads}")
        if any(side <= 0 or side % self.patch_size for side in self.image_size):
            height, width = self.image_size
            raise ValueError(f"an image of {height} x {width} pixels does not divide into patches of {self.patch_size}")
        check_sides(self.image_size)
        if self.grid[0] * self.grid[1] > MOST_PATCHES:
            raise ValueError(f"{self.grid[0]} x {self.grid[1]} patches; expected at most {MOST_PATCHES:,}")
        if self.pool != "mean" and not self.class_token:
            raise ValueError(f"pool = {self.pool!r} needs class_token = true")
        if self.distillation_token and not self.class_token:
            raise ValueError("distillation_token needs class_token = true")
        if self.distillation_head and (not self.distillation_token or self.num_classes == 0):
            raise ValueError("distillation_head needs distillation_token = true and classes")
        if self.norm_after_pool and not self.norm_first:
            raise ValueError("norm_after_pool needs norm_first = true: a Post-LN encoder has no last norm to move")
        return self

    @property
    def layers(self) -> int:
        """See `ModelConfig.layers`."""
        return self.num_layers

    @property
    def prefix(self) -> int:
        """Tokens before registers and patches: the class token and the distillation token."""
        return int(self.class_token) + int(self.distillation_token)

    @property
    def feature_size(self) -> int:
        """Width of an image's representation."""
        return self.d_model * (2 if self.pool == "class_token_and_mean" else 1)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.image_size[0] // self.patch_size, self.image_size[1] // self.patch_size

    @classmethod
    def size(cls, name: str) -> dict[str, Any]:
        """See `ModelConfig.size`: the papers' name, such as "B/16", a size, then the side of a patch in pixels."""
        size, _, patch_size = name.partition("/")
        if size not in SIZES or not patch_size.isdecimal() or len(patch_size) > 6:
            raise RecipeError(
                f"unknown ViT {shown(name)}; expected SIZE/PATCH such as 'B/16', with SIZE {', '.join(SIZES)}"
            )
        return {**SIZES[size], "patch_size": int(patch_size)}

    @classmethod
    def named(cls, name: str, num_classes: int, **changes: object) -> "VisionTransformerConfig":
        """A model by the papers' name, such as "B/16": size, then patch size; `changes` are further fields.

        Raises:
            RecipeError: if there is no such size, or the patch size is not a number.
        """
        return cls.parse({**cls.size(name), "num_classes": num_classes, **changes}, f"ViT {name}")

    def check_image_size(self, size: tuple[int, int]) -> None:
        """See `ImageConfig.check_image_size`: positions are for one size."""
        if size != self.image_size:
            shapes = (f"{height} x {width}" for height, width in (size, self.image_size))
            raise ValueError("preprocessing makes images of {} pixels, but the model takes {}".format(*shapes))

    def adapted(
        self, image_size: tuple[int, int], num_classes: int | None, changes: Mapping[str, Any]
    ) -> "VisionTransformerConfig":
        """See `ImageConfig.adapted`; a new head has no hidden layer, as the paper's."""
        head = {} if num_classes is None else {"num_classes": num_classes, "head_hidden": None}
        return self.parse({**self.model_dump(), **changes, "image_size": image_size, **head}, "model")


class VisionTransformer(ImageModel):
    """Images in, class logits out.

    Args:
        config: sizes and choices.
    """

    def __init__(self, config: VisionTransformerConfig) -> None:
        super().__init__()
        self.config = config
        options = LayerOptions(
            d_model=config.d_model,
            num_heads=config.num_heads,
            d_ff=config.d_ff,
            dropout=config.dropout,
            attention_dropout=config.attention_dropout,
            activation_dropout=config.activation_dropout,
            activation=config.activation,
            norm_first=config.norm_first,
            layer_norm_eps=config.layer_norm_eps,
            layer_scale=config.layer_scale,
        )
        self.patch_embedding = PatchEmbedding(config.patch_size, config.channels, config.d_model)
        self.class_token = nn.Parameter(torch.zeros(config.d_model)) if config.class_token else None
        self.distillation_token = nn.Parameter(torch.zeros(config.d_model)) if config.distillation_token else None
        self.register_tokens = (
            nn.Parameter(normal(config.register_tokens, config.d_model, std=0.02)) if config.register_tokens else None
        )
        self.position_embedding: nn.Module = (
            NoPositions()
            if config.positions == "none"
            else GridPositions(config.grid, config.d_model, config.prefix, config.position_resize)
        )
        self.dropout = Dropout(config.dropout)
        self.encoder = Encoder(config.num_layers, options, config.drop_path, last_norm=not config.norm_after_pool)
        self.pooled_norm = (
            nn.LayerNorm(config.feature_size, eps=config.layer_norm_eps) if config.norm_after_pool else nn.Identity()
        )
        self.head = ClassificationHead(config.feature_size, config.num_classes, config.head_hidden)
        self.distillation_head = (
            ClassificationHead(config.d_model, config.num_classes) if config.distillation_head else None
        )

    def encode(self, images: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """z_L after the last norm (equations 1 to 3).

        Args:
            images: normalised pixels, (batch, channels, height, width) of the config's image_size.
            trace: receives "encoder" attention weights; positions are [class token, distillation token, registers,
                patches row by row], those that the model has.

        Returns:
            (batch, tokens, d_model) in the same order of positions.
        """
        x = self.patch_embedding(images)
        for token in (self.distillation_token, self.class_token):
            if token is not None:
                x = torch.cat([token.expand(x.size(0), 1, -1), x], dim=1)
        x = self.position_embedding(x)
        if self.register_tokens is not None:
            # Registers stand between class token and patches and have no position (Darcet et al. 2024; DINOv2).
            registers = self.register_tokens.expand(x.size(0), -1, -1)
            first = self.config.prefix
            x = torch.cat([x[:, :first], registers, x[:, first:]], dim=1)
        return self.encoder(self.dropout(x), trace=trace)

    def features(self, images: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """The representation y (equation 4), (batch, feature_size): the class token's, the patches' mean, or both."""
        return self._pooled(self.encode(images, trace))

    def forward(self, images: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, channels, height, width) in, logits (batch, num_classes) out; softmax gives probabilities."""
        x = self.encode(images, trace)
        logits: Tensor = self.head(self._pooled(x))
        if self.distillation_head is not None:
            logits = (logits + self.distillation_head(x[:, 1])) / 2
        return logits

    def _pooled(self, x: Tensor) -> Tensor:
        patches = x[:, self.config.prefix + self.config.register_tokens :]
        if self.config.pool == "class_token":
            pooled = x[:, 0]
        elif self.config.pool == "mean":
            pooled = patches.mean(dim=1)
        else:
            pooled = torch.cat([x[:, 0], patches.mean(dim=1)], dim=1)
        return self.pooled_norm(pooled)

    def parts(self) -> Mapping[str, Sequence[str]]:
        """See `Model.parts`: all but the heads."""
        names = [name for name, _ in self.named_children()] + [name for name, _ in self.named_parameters(recurse=False)]
        return {"backbone": [name for name in names if name not in self._heads()]}

    def depth(self, name: str) -> int:
        """See `Model.depth`."""
        first, *rest = name.split(".")
        if first == "encoder" and rest[0] == "layers":
            return self.config.num_layers - int(rest[1])
        return self.config.num_layers + 1 if first.endswith(("embedding", "token", "tokens")) else 0

    @torch.no_grad()
    def adapted(self, config: VisionTransformerConfig, *, keep_head: bool) -> "VisionTransformer":
        """See `ImageModel.adapted`; positions are resized the family's own way (`position_resize`)."""
        model = VisionTransformer(config)
        weights = self.state_dict()
        if isinstance(self.position_embedding, GridPositions):
            weights["position_embedding.embedding"] = self.position_embedding.resized(config.grid)
        if not keep_head:
            for head in model._heads():
                weights = {name: weight for name, weight in weights.items() if not name.startswith(f"{head}.")}
                new = model.get_submodule(head).state_dict()
                weights |= {f"{head}.{name}": torch.zeros_like(weight) for name, weight in new.items()}
        model.load_state_dict(weights)
        return model

    def adaptation(self, config: VisionTransformerConfig) -> list[str]:
        """See `ImageModel.adaptation`."""
        if self.config.grid == config.grid or config.positions != "learned":
            return []
        (rows, columns), (new_rows, new_columns) = self.config.grid, config.grid
        return [
            f"position embedding resized from {rows} x {columns} to {new_rows} x {new_columns} patches "
            f"({config.position_resize})"
        ]

    def evidence(self, images: Tensor) -> Evidence:
        """See `ImageModel.evidence`: the encoder's attention; its tokens end with the patches, row by row."""
        trace = AttentionTrace()
        self(images, trace)
        axes = ("layer", "batch", "head", "query", "key")
        return {"encoder": EvidenceMap(axes, torch.stack(trace["encoder"]), self.config.grid)}

    def _heads(self) -> list[str]:
        return [name for name, child in self.named_children() if isinstance(child, ClassificationHead)]
