"""What every architecture's config has, and how a recipe chooses one."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import ValidationError

from patchword.config import Config
from patchword.errors import RecipeError, clipped, nearest, shown


class ModelConfig(Config):
    """Sizes and choices of an architecture. A recipe's `[model]` has a named size, and fields that differ from it.

    Attributes:
        SIZE_KEY: what a recipe calls the name of the size.
        DEFAULT_SIZE: the size of a recipe that names none.
        SIZE_NAMES: sizes that the papers or we name.
        GIVEN: fields that come from vocabulary, classes or preprocessing, so that a recipe does not have them.
        REGULARISATION: fields that act in training alone, so that a trained model can be given others.
    """

    SIZE_KEY: ClassVar[str] = "size"
    DEFAULT_SIZE: ClassVar[str]
    SIZE_NAMES: ClassVar[tuple[str, ...]]
    GIVEN: ClassVar[frozenset[str]]
    REGULARISATION: ClassVar[frozenset[str]]

    @property
    @abstractmethod
    def layers(self) -> int:
        """Layers or blocks, each with tensors of its own: a file of fewer tensors is another's."""

    @classmethod
    @abstractmethod
    def size(cls, name: str) -> dict[str, Any]:
        """Fields of a named size.

        Raises:
            RecipeError: if there is no such size.
        """

    @classmethod
    def chosen(cls, choice: Mapping[str, Any], given: Mapping[str, Any]) -> Self:
        """The whole config that a recipe's `[model]` means.

        Args:
            choice: a size under `SIZE_KEY`, and fields that differ from it.
            given: the fields in `GIVEN`; those that this architecture does not have are passed over.

        Raises:
            RecipeError: naming the field of `model`, what was found, and the nearest valid name.
        """
        changes = dict(choice)
        name = str(changes.pop(cls.SIZE_KEY, cls.DEFAULT_SIZE))
        try:
            fields = cls.size(name)
        except RecipeError as error:
            raise RecipeError(f"model.{cls.SIZE_KEY} = {shown(name)}: {error}") from None
        known = [cls.SIZE_KEY, *(name for name in cls.model_fields if name not in cls.GIVEN)]
        for name in changes:
            if name not in known:
                raise RecipeError(f"unknown key 'model.{clipped(name)}'; {nearest(name, known)}")
        own = {name: value for name, value in given.items() if name in cls.model_fields}
        try:
            return cls.model_validate({**fields, **own, **changes})
        except ValidationError as error:
            raise RecipeError(cls.explained(error, "model.")) from None

    def resolved(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        """Every field that a recipe can have, with the value that a choice leads to."""
        name = choice.get(self.SIZE_KEY, self.DEFAULT_SIZE)
        return {self.SIZE_KEY: name, **self.model_dump(mode="json", exclude=set(self.GIVEN), exclude_none=True)}
