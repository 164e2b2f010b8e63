"""What every image network's config has."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field

from patchword.models.model_config import ModelConfig
from patchword.models.ranges import MOST_CLASSES, check_sides


class ImageConfig(ModelConfig):
    """What every image network's config has; `num_classes` 0 is a backbone without a last linear layer."""

    GIVEN: ClassVar[frozenset[str]] = frozenset({"num_classes", "image_size"})

    num_classes: int = Field(ge=0, le=MOST_CLASSES)
    channels: int = Field(3, gt=0, le=64)
    """Channels of the images; those of files have 3."""

    @property
    @abstractmethod
    def feature_size(self) -> int:
        """Width of an image's representation."""

    def check_image_size(self, size: tuple[int, int]) -> None:
        """See that images of (height, width) pixels can be read; a ValueError if they cannot."""
        check_sides(size)

    @abstractmethod
    def adapted(self, image_size: tuple[int, int], num_classes: int | None, changes: Mapping[str, Any]) -> Self:
        """The config after fine-tuning.

        Args:
            image_size: (height, width) in pixels.
            num_classes: of a new, linear head; None keeps the head as it is.
            changes: fields in `REGULARISATION`.

        Raises:
            RecipeError: if that cannot be.
        """
