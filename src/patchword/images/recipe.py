"""What a classification recipe says."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

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

    Files that cannot be read are left out and listed while they are few (`task.MOST_DAMAGED`).
    """

    folder: PathText = "."
    """What relative paths are relative to; `--data` on the command line."""
    train: tuple[PathText, ...] = Field(min_length=1, max_length=1)
    """The training images."""
    validation: tuple[PathText, ...] | None = Field(None, min_length=1, max_length=1)
    """The validation images; unset, those that `train` has in a folder of their own, or some that are held out."""
    hold_out: float = Field(0.1, gt=0, lt=1)
    """Share of every class that is kept for validation where there are no such images, chosen by the seed."""
    strict: bool = False
    """The first file that cannot be read is an error."""
    max_pixels: int = Field(MAX_PIXELS, ge=LEAST_PIXELS, le=MOST_PIXELS)
    """Pixels that may be decoded of one image, each of which needs some ten bytes of memory."""

    def path(self, names: tuple[str, ...]) -> Path:
        """The folder or file that is meant."""
        return Path(self.folder).expanduser() / names[0]


class ClassificationRecipe(Recipe):
    """A whole recipe for an image classifier.

    With `init`, preprocessing that is not set is the init model's, and so is the architecture; `model` may set dropouts
    alone.
    """

    OF_INIT: ClassVar[dict[str, frozenset[str]]] = {"model": regularisation(TASK)}

    task: Literal["classification"] = "classification"
    """An image classifier; every recipe file says so."""
    data: ClassificationData
    preprocessing: Preprocessing = Preprocessing()
    augmentation: AugmentationConfig = AugmentationConfig()
    batch_size: Annotated[int, Field(gt=0, le=1_000_000)] | Literal["auto"] = 128
    """Images of a batch. With "auto" sizes are tried at the start, and the run keeps the smallest that is within 5 % of
    the fastest and leaves some memory.
    """
    freeze: Literal["backbone"] | None = None
    """All of the model in `init` but its head does not train: a linear probe."""

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
