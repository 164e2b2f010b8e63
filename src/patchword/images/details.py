"""What a classifier's model folder says beside the network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import ConfigDict

from patchword.config import Config
from patchword.errors import ModelFolderError, RecipeError
from patchword.images.transforms import Preprocessing


class ClassifierDetails(Config):
    """A name for each class, none for a backbone without a head; and what is done to an image first.

    Attributes:
        TASK: that a model with such details is for.
        USAGE: a command line that uses the folder.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TASK: ClassVar[str] = "classification"
    USAGE: ClassVar[str] = "patchword classify THIS_FOLDER photo.jpg"

    classes: tuple[str, ...]
    preprocessing: Preprocessing

    @classmethod
    def read(cls, folder: Path, details: Mapping[str, Any]) -> Self:
        """Those of a model folder.

        Raises:
            ModelFolderError: if one of them is missing or is none.
        """
        for key in ("preprocessing", "classes"):
            if key not in details:
                raise ModelFolderError(folder, f"config.json: key 'details.{key}' is missing")
        classes = details["classes"]
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise ModelFolderError(folder, "config.json: details.classes is not a list of names")
        try:
            preprocessing = Preprocessing.parse(details["preprocessing"], "config.json: details.preprocessing")
        except RecipeError as error:
            raise ModelFolderError(folder, str(error)) from None
        return cls(classes=tuple(classes), preprocessing=preprocessing)

    def as_dict(self) -> dict[str, Any]:
        """For config.json."""
        return {"classes": list(self.classes), "preprocessing": self.preprocessing.model_dump(mode="json")}
