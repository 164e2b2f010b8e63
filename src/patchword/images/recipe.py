"""What a classification recipe says."""

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from patchword.config import Config
from patchword.errors import RecipeError
from patchword.images.augmentation import AugmentationConfig
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformerConfig
from patchword.training.recipe import Recipe

# Fields of a model that act in training alone, so that an init model can be given others.
REGULARISATION = frozenset({"dropout", "attention_dropout", "activation_dropout", "drop_path"})


class ClassificationData(Config):
    """Where the images are: a folder a class, a .zip of that, or a .csv of path,label.

    Relative paths are relative to `folder` (`--data` on the command line). Without validation data, `hold_out` of
    every class is kept for validation, chosen by the training seed.
    """

    folder: str = "."
    train: tuple[str, ...] = Field(min_length=1, max_length=1)
    validation: tuple[str, ...] | None = Field(None, min_length=1, max_length=1)
    hold_out: float = Field(0.1, gt=0, lt=1)

    def path(self, names: tuple[str, ...]) -> Path:
        """The folder or file that is meant."""
        return Path(self.folder).expanduser() / names[0]


class VisionTransformerChoice(Config):
    """A ViT by name, such as "Ti/4", and what differs from it; None keeps the name's value.

    See `VisionTransformerConfig`; image size and number of classes come from preprocessing and data.
    """

    name: str = "Ti/16"
    patch_size: int | None = None
    d_model: int | None = None
    num_heads: int | None = None
    num_layers: int | None = None
    d_ff: int | None = None
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    drop_path: float = 0.0
    activation: Literal["relu", "gelu", "gelu_tanh", "silu"] = "gelu"
    norm_first: bool = True
    layer_norm_eps: float = 1e-6
    positions: Literal["learned", "none"] = "learned"
    layer_scale: float | None = None
    register_tokens: int = 0
    class_token: bool = True
    pool: Literal["class_token", "mean"] = "class_token"
    head_hidden: int | None = None

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            VisionTransformerConfig.named(name, 2, image_size=(9240, 9240))
        except RecipeError as error:
            if "does not divide" not in str(error):
                raise ValueError(str(error)) from None
        return name

    def config(self, image_size: tuple[int, int], num_classes: int) -> VisionTransformerConfig:
        """The whole config.

        Raises:
            RecipeError: if the parts do not fit together.
        """
        changes = self.model_dump(exclude={"name"}, exclude_none=True)
        return VisionTransformerConfig.named(self.name, num_classes, image_size=image_size, **changes)


class ClassificationRecipe(Recipe):
    """A whole recipe for an image classifier; `batch_size` is in images.

    With `init`, preprocessing that is not set is the init model's, and so is the architecture; `model` may set
    dropouts alone. With `freeze` = "backbone" only the head trains: a linear probe.
    """

    OF_INIT: ClassVar[dict[str, frozenset[str]]] = {"model": REGULARISATION}

    task: Literal["classification"] = "classification"
    data: ClassificationData
    preprocessing: Preprocessing = Preprocessing()
    augmentation: AugmentationConfig = AugmentationConfig()
    model: VisionTransformerChoice = VisionTransformerChoice()
    batch_size: int = Field(128, gt=0)
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
            self.model.config(self.preprocessing.image_size, 2)
        except RecipeError as error:
            raise ValueError(str(error)) from None
        return self
