"""Sizes and choices of the Vision Transformer (Dosovitskiy et al. 2021, table 1)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from patchword.errors import RecipeError, shown
from patchword.models.image_config import ImageConfig
from patchword.models.ranges import LARGEST_SIDE, MOST_LAYERS, WIDEST, check_sides

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
    """Sizes and choices of a ViT; the defaults are ViT-B/16 at 224 pixels."""

    SIZE_KEY: ClassVar[str] = "name"
    DEFAULT_SIZE: ClassVar[str] = "Ti/16"
    SIZE_NAMES: ClassVar[tuple[str, ...]] = ("Ti/16", "S/16", "B/16", "B/32", "L/16", "L/32", "H/14")
    REGULARISATION: ClassVar[frozenset[str]] = frozenset(
        {"dropout", "attention_dropout", "activation_dropout", "drop_path"}
    )

    image_size: tuple[int, int] = (224, 224)
    """Height and width in pixels."""
    patch_size: int = Field(16, gt=0, le=LARGEST_SIDE)
    """Side of a patch in pixels, a divisor of the image's sides; `name` can have any behind its stroke ("B/8")."""
    d_model: int = Field(768, gt=0, le=WIDEST)
    """Width of tokens and layers (table 1)."""
    num_heads: int = Field(12, gt=0, le=WIDEST)
    """Attention heads of a layer; `d_model` is a multiple (table 1)."""
    num_layers: int = Field(12, gt=0, le=MOST_LAYERS)
    """Layers of the encoder (table 1)."""
    d_ff: int = Field(3072, gt=0, le=4 * WIDEST)
    """Width of the MLP's inner layer (table 1)."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout probability of embeddings and of each sublayer's output (section B.1)."""
    attention_dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout probability of attention's weights."""
    activation_dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout probability in the MLP, after its activation."""
    drop_path: float = Field(0.0, ge=0, lt=1)
    """Probability of dropping the last layer's branches for an image, growing from 0 (Huang et al. 2016)."""
    activation: Literal["relu", "gelu", "gelu_tanh", "silu", "swiglu"] = "gelu"
    """Of the MLP: GELU (section 3.1), its tanh form, others, or the gated one of DINOv2's largest (Shazeer 2020)."""
    norm_first: bool = True
    """Layer norm before each sublayer and at the end (Pre-LN, equations 2 to 4), not after each sum (Post-LN)."""
    layer_norm_eps: float = Field(1e-6, gt=0, le=1)
    """Added to layer norm's variance."""
    layer_scale: float | None = Field(None, ge=0, le=1e6)
    """Start of a learned factor for each channel of a branch (Touvron et al. 2021, CaiT); unset, there is none."""
    class_token: bool = True
    """A learned token before the patches (section 3.1)."""
    distillation_token: bool = False
    """DeiT's second token (Touvron et al. 2021)."""
    distillation_head: bool = False
    """DeiT's second head, whose logits are averaged with the first's."""
    register_tokens: int = Field(0, ge=0, le=MOST_PATCHES)
    """Number of DINOv2's registers, tokens that nothing reads (Darcet et al. 2024)."""
    pool: Literal["class_token", "mean", "class_token_and_mean"] = "class_token"
    """What the head reads: the class token (equation 4), the patches' mean (section D.3), or both (DINOv2)."""
    norm_after_pool: bool = False
    """The last norm acts on the pooled vector (timm's fc_norm) instead of on every token."""
    positions: Literal["learned", "none"] = "learned"
    """A learned vector for each patch (section 3.1), or nothing."""
    position_resize: Literal["bicubic_antialias", "bicubic", "bicubic_corners", "bilinear_corners"] = (
        "bicubic_antialias"
    )
    """How the family brings its position embedding to another image size (section 3.2); see `nn.positions`."""
    head_hidden: int | None = Field(None, gt=0, le=4 * WIDEST)
    """Width of a hidden layer in the head, as in pre-training (section 3.1); unset, the head is linear."""

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
