"""`POST /v1/classify`."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from patchword.config import Config
from patchword.errors import clipped, shown
from patchword.server import documents, reading
from patchword.server.answering import answers, json_response
from patchword.server.jobs import Job
from patchword.server.models import CLASSIFIES, chosen
from patchword.server.refused import TOO_LARGE, WRONG, Refused
from patchword.server.serving import Serving
from patchword.server.settings import Settings
from patchword.server.translation import succeeded

_LONGEST_HEAD = 200  # characters of a data-URL's head


class Classify(Config):
    """Images to classify."""

    model_config = ConfigDict(strict=True)

    model: str | None = None
    """Its name in `/v1/models`; the first that classifies if it is left out."""
    images: Annotated[list[str], Field(min_length=1)]
    """Image files in base64, with or without a data-URL's head."""
    top: int = Field(5, ge=1, le=1000)
    """Classes of each image."""


class Prediction(Config):
    """A class and how likely it is."""

    model_config = ConfigDict(populate_by_name=True)

    label: str = Field(alias="class")
    probability: float


class Classified(Config):
    """What is in an image."""

    name: str
    predictions: list[Prediction]
    error: str | None
    """Why it could not be read."""


class Classifications(Config):
    """The answer."""

    model: str
    classifications: list[Classified]


FORM: dict[str, Any] = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}},
        "model": {"type": "string"},
        "top": {"type": "integer", "minimum": 1, "maximum": 1000},
    },
}


def attach(app: FastAPI, serving: Serving) -> None:
    """Add the call to an application."""

    @app.post(
        "/v1/classify",
        summary="Classify images",
        responses=documents.responses(Classifications),
        openapi_extra=documents.body((reading.JSON, documents.schema(Classify)), (reading.FILES, FORM)),
    )
    async def classify(request: Request) -> Response:
        values, form = await serving.json_or_files(request)
        if form is None:
            asked = reading.asked(Classify, values)
            items = [{"name": f"image {i}", "content": content} for i, content in enumerate(asked.images, 1)]
        else:
            items = files(form)
            asked = reading.asked(Classify, {"images": [""] * len(items), **fields(form, {"model": str, "top": int})})
        check_images(items, serving.settings)
        model = chosen(serving.crew, asked.model, CLASSIFIES)
        options = {"top": asked.top, "max_pixels": serving.settings.max_pixels}
        job = Job.of("classify", model["name"], items, options)
        found = await answers(request, serving.crew, job, serving.settings.timeout)
        return json_response({"model": model["name"], "classifications": succeeded(found)})


def files(form: reading.Form) -> list[dict[str, Any]]:
    """The files of a form as the worker takes images.

    Raises:
        Refused: if there is none.
    """
    if not form.files:
        raise Refused(WRONG, "the form has no file; expected one or more in the field 'image'")
    return [
        {"name": clipped(name) or f"image {number}", "content": content}
        for number, (name, content) in enumerate(form.files, 1)
    ]


def fields(form: reading.Form, kinds: Mapping[str, type]) -> dict[str, Any]:
    """A form's fields as values of JSON.

    Args:
        form: as it was read.
        kinds: the type of each field; others are passed on as texts, and refused by whoever reads them.

    Raises:
        Refused: if one is said twice, or is no such value.
    """
    found: dict[str, Any] = {}
    for name, values in form.fields.items():
        if len(values) > 1:
            raise Refused(WRONG, f"the field {shown(name)} is there {len(values)} times; expected once")
        text = values[0].strip()
        kind = kinds.get(name, str)
        if kind is int:
            if not (text.isascii() and text.isdigit() and len(text) < 20):
                raise Refused(WRONG, f"the field {shown(name)} is {shown(text)}; expected a whole number")
            found[name] = int(text)
        elif kind is bool:
            if text not in ("true", "false"):
                raise Refused(WRONG, f"the field {shown(name)} is {shown(text)}; expected true or false")
            found[name] = text == "true"
        else:
            found[name] = values[0]
    return found


def check_images(items: list[dict[str, Any]], settings: Settings) -> None:
    """See that images are within the limits.

    Raises:
        Refused: if they are not.
    """
    if len(items) > settings.max_images:
        raise Refused(TOO_LARGE, f"{len(items):,} images at once; at most {settings.max_images:,} are taken")
    most = settings.max_image_bytes
    for item in items:
        content = item["content"]
        # Of base64, four characters are three bytes.
        size = len(content) if isinstance(content, bytes) else (len(content) - _LONGEST_HEAD) * 3 // 4
        if size > most:
            raise Refused(TOO_LARGE, f"{shown(item['name'])} has {size:,} bytes; at most {most:,} are taken")
