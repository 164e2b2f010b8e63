"""Sizes and choices of the ResNet (He et al. 2016, table 1 and section 4.2)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from patchword.errors import RecipeError, nearest, shown
from patchword.models.image_config import ImageConfig
from patchword.models.ranges import MOST_LAYERS, WIDEST, check_sides
from patchword.nn.residual_block import REDUCTION

_SMALL = (64, 128, 256, 512)
_LARGE = (256, 512, 1024, 2048)


def _imagenet(block: str, widths: tuple[int, ...], *depths: int) -> dict[str, Any]:
    return {"block": block, "depths": depths, "widths": widths, "stem_width": 64, "stem": "imagenet"}


def _cifar(layers: int) -> dict[str, Any]:
    depths = ((layers - 2) // 6,) * 3
    return {
        "block": "basic",
        "depths": depths,
        "widths": (16, 32, 64),
        "stem_width": 16,
        "stem": "cifar",
        "shortcut": "padded",
    }


# Table 1 of the paper, and the 6n + 2 layers of its section 4.2.
SIZES: dict[str, dict[str, Any]] = {
    "resnet18": _imagenet("basic", _SMALL, 2, 2, 2, 2),
    "resnet34": _imagenet("basic", _SMALL, 3, 4, 6, 3),
    "resnet50": _imagenet("bottleneck", _LARGE, 3, 4, 6, 3),
    "resnet101": _imagenet("bottleneck", _LARGE, 3, 4, 23, 3),
    "resnet152": _imagenet("bottleneck", _LARGE, 3, 8, 36, 3),
    **{f"resnet{layers}": _cifar(layers) for layers in (20, 32, 44, 56, 110)},
}


class ResidualNetworkConfig(ImageConfig):
    """Sizes and choices of a ResNet; the defaults are ResNet-18's."""

    SIZE_KEY: ClassVar[str] = "name"
    DEFAULT_SIZE: ClassVar[str] = "resnet18"
    SIZE_NAMES: ClassVar[tuple[str, ...]] = tuple(SIZES)
    REGULARISATION: ClassVar[frozenset[str]] = frozenset({"dropout", "drop_path"})

    block: Literal["basic", "bottleneck"] = "basic"
    """Two 3x3 convolutions, or a bottleneck of 1x1, 3x3 and 1x1 (section 4.1, figure 5)."""
    depths: tuple[int, ...] = Field((2, 2, 2, 2), min_length=1, max_length=16)
    """Blocks of each stage, 1,000 in all at most; every stage but the first halves the image."""
    widths: tuple[int, ...] = Field((64, 128, 256, 512), max_length=16)
    """Channels that each stage gives, as many numbers as `depths` has, multiples of 4 for bottlenecks."""
    stem: Literal["imagenet", "cifar"] = "imagenet"
    """What comes before the stages: for ImageNet a 7x7 convolution and a pooling, which divide both sides by 4 (table
    1); for CIFAR a 3x3 convolution (section 4.2).
    """
    stem_width: int = Field(64, gt=0, le=WIDEST)
    """Channels that the stem gives."""
    bottleneck_stride: Literal["3x3", "1x1"] = "3x3"
    """The convolution of a bottleneck that halves: "3x3" as torchvision's ("v1.5"), or "1x1" as the paper's."""
    downsample_in_first_stage: bool = False
    """The first stage halves too."""
    shortcut: Literal["projection", "average", "padded"] = "projection"
    """Where a block changes the shape (section 3.3): a 1x1 convolution (option B), one behind an average of pixels
    ("ResNet-D", He et al. 2019), or zeros as the new channels (option A).
    """
    downsampling: Literal["stride", "blur"] = "stride"
    """How a block halves: by the stride, or behind a blur (Zhang 2019; timm's resnetblur50)."""
    zero_last_norm: bool = True
    """Every block begins as the identity (Goyal et al. 2017)."""
    norm_eps: float = Field(1e-5, gt=0, le=1)
    """Added to batch norm's variance."""
    norm_momentum: float = Field(0.1, gt=0, le=1)
    """Share of a batch's statistics in the running ones."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout probability before the head."""
    drop_path: float = Field(0.0, ge=0, lt=1)
    """Probability of dropping the last block for an image; it grows from 0 at the first (Huang et al. 2016)."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.depths) != len(self.widths):
            raise ValueError(f"depths has {len(self.depths)} stages, but widths has {len(self.widths)}")
        if min(self.depths) < 1 or min(self.widths) < 1:
            raise ValueError("depths and widths must be positive")
        if sum(self.depths) > MOST_LAYERS or max(self.widths) > WIDEST:
            raise ValueError(f"expected depths of {MOST_LAYERS:,} blocks in all at most, and widths of {WIDEST:,}")
        if self.block == "bottleneck" and any(width % REDUCTION for width in self.widths):
            raise ValueError(f"block = 'bottleneck' needs widths that are multiples of {REDUCTION}")
        if self.shortcut == "padded" and list(self.widths) != sorted((self.stem_width, *self.widths))[1:]:
            raise ValueError("shortcut = 'padded' can only add channels: no width may be below the one before it")
        return self

    @property
    def layers(self) -> int:
        """See `ModelConfig.layers`."""
        return sum(self.depths)

    @property
    def feature_size(self) -> int:
        """Width of an image's representation."""
        return self.widths[-1]

    @property
    def strides(self) -> tuple[int, ...]:
        """Of each stage."""
        return (2 if self.downsample_in_first_stage else 1, *(2 for _ in self.widths[1:]))

    @property
    def reduction(self) -> int:
        """Pixels of the image a side for each of the last stage's."""
        return (4 if self.stem == "imagenet" else 1) * 2 ** sum(stride == 2 for stride in self.strides)

    @classmethod
    def size(cls, name: str) -> dict[str, Any]:
        """See `ModelConfig.size`: "resnet50" and the like."""
        if name not in SIZES:
            raise RecipeError(f"unknown ResNet {shown(name)}; {nearest(name, SIZES)}")
        return dict(SIZES[name])

    @classmethod
    def named(cls, name: str, num_classes: int, **changes: object) -> "ResidualNetworkConfig":
        """A model by the paper's name; `changes` are further fields.

        Raises:
            RecipeError: if there is no such size.
        """
        return cls.parse({**cls.size(name), "num_classes": num_classes, **changes}, f"ResNet {name}")

    def check_image_size(self, size: tuple[int, int]) -> None:
        """See `ImageConfig.check_image_size`: any size of which the last stage has at least one whole pixel."""
        check_sides(size)
        if min(size) < self.reduction:
            raise ValueError(
                f"images of {size[0]} x {size[1]} pixels are too small for a network that divides both sides by "
                f"{self.reduction}; a CIFAR ResNet such as 'resnet20' divides them by 4"
            )

    def adapted(
        self, image_size: tuple[int, int], num_classes: int | None, changes: Mapping[str, Any]
    ) -> "ResidualNetworkConfig":
        """See `ImageConfig.adapted`; the weights are for every image size."""
        try:
            self.check_image_size(image_size)
        except ValueError as error:
            raise RecipeError(f"model: {error}") from None
        head = {} if num_classes is None else {"num_classes": num_classes}
        return self.parse({**self.model_dump(), **changes, **head}, "model")
