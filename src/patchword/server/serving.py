"""What the calls of one server share."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request

from patchword.config import Config
from patchword.server import reading
from patchword.server.crew import Crew
from patchword.server.keys import Keys
from patchword.server.metrics import Metrics
from patchword.server.settings import Settings

Model = TypeVar("Model", bound=Config)


@dataclass
class Serving:
    """One server's parts.

    Attributes:
        settings: what it was told.
        crew: that computes.
        keys: that open it.
        metrics: what it counts.
        reader: of bodies.
        draining: whether it ends: answers say that the connection closes.
    """

    settings: Settings
    crew: Crew
    keys: Keys
    metrics: Metrics
    reader: reading.Reader = field(init=False)
    draining: bool = False

    def __post_init__(self) -> None:
        self.reader = reading.Reader(self.settings)

    async def json(self, request: Request, model: type[Model]) -> Model:
        """A JSON body as a request of a call that needs a key.

        Raises:
            Refused: if anything about it is wrong.
        """
        self.keys.require(request.headers)
        found = reading.content_type(request)
        if found != reading.JSON:
            raise reading.wrong_kind(found, reading.JSON)
        return reading.asked(model, reading.parsed_json(await self.reader.body(request)))

    async def json_or_files(self, request: Request) -> tuple[Any, reading.Form | None]:
        """A body that is JSON, or a form with files, of a call that needs a key.

        Raises:
            Refused: if anything about it is wrong.
        """
        self.keys.require(request.headers)
        found = reading.content_type(request)
        if found not in (reading.JSON, reading.FILES):
            raise reading.wrong_kind(found, reading.JSON, reading.FILES)
        body = await self.reader.body(request)
        if found == reading.JSON:
            return reading.parsed_json(body), None
        return None, await reading.parsed_form(request, body)
