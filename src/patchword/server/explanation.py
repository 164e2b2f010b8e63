"""`POST /v1/explain`."""

from typing import Annotated, Any

from fastapi import FastAPI, Request
from pydantic import ConfigDict, Field, field_validator
from starlette.responses import Response

from patchword.config import Config
from patchword.server import documents, reading
from patchword.server.answering import answers
from patchword.server.classification import check_images, fields, files
from patchword.server.jobs import Job
from patchword.server.models import CLASSIFIES, TRANSLATES, chosen
from patchword.server.refused import TOO_LARGE, WRONG, Refused
from patchword.server.serving import Serving
from patchword.server.translation import check_prefix, check_texts, prefix_form

_MOST_TOKENS = 2048


class Explain(Config):
    """A text or an image, and which models to look into while they answer it."""

    model_config = ConfigDict(strict=True)

    model: str | None = None
    """Its name in `/v1/models`; the first for a text or an image if it is left out."""
    text: str | None = None
    """The text, or else `image`."""
    image: str | None = None
    """An image file in base64, with or without a data-URL's head."""
    against: str | None = None
    """Another model for the same, whose explanation comes with it."""
    walk: bool = True
    """Whether to have the network's steps too."""
    target_ids: Annotated[list[int], Field(min_length=1, max_length=_MOST_TOKENS)] | None = None
    """Of a text: explain this translation, as token ids, instead of searching for one."""
    prefix: str | list[int] | None = None
    """Of a text: what its translation begins with, as text or as token ids."""

    @field_validator("prefix", mode="before")
    @classmethod
    def _of_either_form(cls, value: Any) -> Any:
        return prefix_form(value)


class Explanation(Config):
    """The explanation document; docs/explaining.md says what its parts mean."""

    model_config = ConfigDict(extra="allow")

    format: int
    model: dict[str, Any]
    notes: list[dict[str, str]]


FORM: dict[str, Any] = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {"type": "string", "format": "binary"},
        "model": {"type": "string"},
        "against": {"type": "string"},
        "walk": {"type": "string", "enum": ["true", "false"]},
    },
}


def attach(app: FastAPI, serving: Serving) -> None:
    """Add the call to an application."""

    @app.post(
        "/v1/explain",
        summary="Look inside while a model answers",
        responses=documents.responses(Explanation),
        openapi_extra=documents.body((reading.JSON, documents.schema(Explain)), (reading.FILES, FORM)),
    )
    async def explain(request: Request) -> Response:
        values, form = await serving.json_or_files(request)
        image: dict[str, Any] | None = None
        if form is None:
            asked = reading.asked(Explain, values)
            if asked.image is not None:
                image = {"name": "image", "content": asked.image}
        else:
            image, *more = files(form)
            if more:
                raise Refused(TOO_LARGE, f"{1 + len(more)} images; one is explained at once")
            known = {"model": str, "against": str, "walk": bool}
            asked = reading.asked(Explain, fields(form, known))
        if (asked.text is None) == (image is None):
            raise Refused(WRONG, f"expected a text or an image; found {'neither' if image is None else 'both'}")
        if image is None:
            check_texts([asked.text or ""], serving.settings)
        else:
            check_images([image], serving.settings)
        able = TRANSLATES if image is None else CLASSIFIES
        model = chosen(serving.crew, asked.model, able)
        against = None if asked.against is None else chosen(serving.crew, asked.against, able)
        options: dict[str, Any] = {
            "walk": asked.walk,
            "against": against and against["name"],
            "max_pixels": serving.settings.max_pixels,
        }
        given = {"target_ids": asked.target_ids, "prefix": asked.prefix}
        for name, value in given.items():
            if value is not None and image is not None:
                raise Refused(WRONG, f"{name}: expected a text's translation; found an image")
        if None not in given.values():
            raise Refused(WRONG, "expected target_ids or a prefix; found both")
        check_prefix(asked.prefix, serving.settings)
        options |= {name: value for name, value in given.items() if value is not None}
        job = Job.of("explain", model["name"], [asked.text if image is None else image], options)
        (found,) = await answers(request, serving.crew, job, serving.settings.timeout)
        return Response(found["json"], media_type="application/json")
