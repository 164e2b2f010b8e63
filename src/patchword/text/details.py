"""What a translator's model folder says beside the network."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import ConfigDict

from patchword.config import Config
from patchword.text.options import SearchOptions


class TranslatorDetails(Config):
    """Languages, as codes such as "en" and "de", and how it searches unless it is told otherwise.

    Attributes:
        TASK: that a model with such details is for.
        USAGE: a command line that uses the folder.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TASK: ClassVar[str] = "translation"
    USAGE: ClassVar[str] = 'patchword translate THIS_FOLDER "..."'

    source_language: str = "?"
    target_language: str = "?"
    search: SearchOptions = SearchOptions()

    @classmethod
    def read(cls, details: Mapping[str, Any], origin: str = "config.json, details") -> Self:
        """Those of a model folder.

        Raises:
            RecipeError: naming the field that makes no sense.
        """
        search = SearchOptions.parse(details.get("search", {}), f"{origin}.search")
        return cls.parse({**details, "search": search}, origin)

    @property
    def languages(self) -> tuple[str, str]:
        """Source and target."""
        return self.source_language, self.target_language

    def as_dict(self) -> dict[str, Any]:
        """For config.json, which keeps of the search only what is not the paper's way."""
        search = self.search.model_dump(exclude_defaults=True)
        named = {"source_language": self.source_language, "target_language": self.target_language}
        return {**named, "search": search} if search else named
