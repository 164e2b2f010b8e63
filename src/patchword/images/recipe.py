"""What a classification recipe says."""

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from patchword.config import Config
from patchword.errors import RecipeError
from patchword.images.augmentation import AugmentationConfig
from patchword.images.files import LEAST_PIXELS, MAX_PIXELS, MOST_PIXELS
from patchword.images.transforms import Preprocessing, check_channels
from patchword.models.registry import regularisation
from patchword.training.recipe import PathText, Recipe

TASK = "classification"


class ClassificationData(Config):
    """Where the images are: a folder a class, a .zip of that, or a .csv of path,label.

    Relative paths are relative to `folder` (`--data` on the command line). Without validation data, `hold_out` of
    every class is kept for validation, chosen by the training seed, unless `train` has a folder of validation images.
    Files that cannot be read are left out and listed while they are few (`task.MOST_DAMAGED`); with `strict` the first
    one is an error. `max_pixels` may be decoded of one image, for which some ten bytes of memory each are needed.
    """

    folder: PathText = "."
    train: tuple[PathText, ...] = Field(min_length=1, max_length=1)
    validation: tuple[PathText, ...] | None = Field(None, min_length=1, max_length=1)
    hold_out: float = Field(0.1, gt=0, lt=1)
    strict: bool = False
    max_pixels: int = Field(MAX_PIXELS, ge=LEAST_PIXELS, le=MOST_PIXELS)

    def path(self, names: tuple[str, ...]) -> Path:
        """The folder or file that is meant."""
        return Path(self.folder).expanduser() / names[0]


class ClassificationRecipe(Recipe):
    """A whole recipe for an image classifier; `batch_size` is in images.

    With `init`, preprocessing that is not set is the init model's, and so is the architecture; `model` may set
    dropouts alone. With `freeze` = "backbone" only the head trains: a linear probe.
    """

    OF_INIT: ClassVar[dict[str, frozenset[str]]] = {"model": regularisation(TASK)}

    task: Literal["classification"] = "classification"
    data: ClassificationData
    preprocessing: Preprocessing = Preprocessing()
    augmentation: AugmentationConfig = AugmentationConfig()
    batch_size: int = Field(128, gt=0, le=1_000_000)
    freeze: Literal["backbone"] | None = None

    def check_padding(self) -> None:
        """See that images are larger than the padding that mirrors them.

        Raises:
            ValueError: if they are not.
        """
        pad, (height, width) = self.augmentation.pad_crop, self.preprocessing.image_size
        if pad >= min(height, width):
            raise ValueError(f"augmentation.pad_crop = {pad} is too much for images of {height} x {width} pixels")

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        if self.init is not None:
            return self  # neither model nor image size are known yet
        self.check_padding()
        if self.freeze is not None:
            raise ValueError("freeze = 'backbone' needs init: a backbone that nobody trained would stay at random")
        try:
            self.model_config_for(2)
        except RecipeError as error:
            raise ValueError(str(error)) from None
        return self

    def model_config_for(self, num_classes: int) -> Any:
        """The config of the recipe's network.

        Raises:
            RecipeError: if its parts do not fit together, or it cannot read images of that size.
        """
        size = self.preprocessing.image_size
        config: Any = self.model.config(TASK, {"image_size": size, "num_classes": num_classes})
        try:
            check_channels(config.channels)
            config.check_image_size(size)
        except ValueError as error:
            raise RecipeError(str(error)) from None
        return config

    def resolved_model(self) -> dict[str, Any]:
        """See `Recipe.resolved_model`."""
        return self.model.resolved(TASK, self.model_config_for(2))
