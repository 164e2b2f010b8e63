"""`POST /v1/translate`."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from starlette.responses import Response

from patchword.config import Config
from patchword.server import documents, reading
from patchword.server.answering import answers, json_response
from patchword.server.jobs import Job
from patchword.server.models import TRANSLATES, chosen
from patchword.server.refused import TOO_LARGE, WRONG, Refused
from patchword.server.serving import Serving
from patchword.server.settings import Settings
from patchword.server.streaming import Streamed

SEARCH = ("method", "beam", "n_best", "length_penalty", "max_extra", "temperature", "top_k", "top_p", "seed")


class Translate(Config):
    """Texts to translate, and how; what is left out is the model's own."""

    model_config = ConfigDict(strict=True, json_schema_extra={"examples": [{"texts": "A man rides a bike."}]})

    model: str | None = None
    """Its name in `/v1/models`; the first that translates if it is left out."""
    texts: str | Annotated[list[str], Field(min_length=1)]
    """One text, or several."""
    method: Literal["beam", "greedy", "sample"] | None = None
    """How to search."""
    beam: int | None = Field(None, ge=1, le=1000)
    """Hypotheses kept a sentence."""
    n_best: int | None = Field(None, ge=1, le=1000)
    """Alternatives of each text, the best included."""
    length_penalty: float | None = Field(None, ge=0, le=50)
    """Above 0 favours longer translations."""
    max_extra: int | None = Field(None, ge=0, le=2048)
    """Tokens that a translation may be longer than its source."""
    temperature: float | None = Field(None, gt=0, le=1e6)
    """For sample: below 1 sharpens."""
    top_k: int | None = Field(None, ge=0, lt=2**63)
    """For sample: the k likeliest tokens only; 0 for all."""
    top_p: float | None = Field(None, gt=0, le=1)
    """For sample: the likeliest tokens up to this probability."""
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    """For sample."""
    prefix: str | list[int] | None = None
    """What the translation begins with, as text or as token ids; of one text only."""
    alignment: bool = False
    """Whether to say which source word each word comes from, as "0-0 1-2"."""
    stream: bool = False
    """Whether to answer with server-sent events: prefixes as they come, then the answer."""
    split: bool = True
    """Whether to translate a text sentence by sentence, with the white space between them as it was."""

    @field_validator("texts", "prefix", mode="before")
    @classmethod
    def _of_either_form(cls, value: Any, info: ValidationInfo) -> Any:
        # Of two types pydantic would tell what is wrong for the first.
        kind, plural, least = (str, "texts", 1) if info.field_name == "texts" else (int, "token ids", 0)
        several = isinstance(value, list) and len(value) >= least
        each = several and all(isinstance(one, kind) and not isinstance(one, bool) for one in value)
        if not each and not isinstance(value, str) and (value is not None or least):
            raise ValueError(f"expected a text, or a list of {plural}")
        return value


class Alternative(Config):
    """One translation of a text."""

    text: str
    score: float


class Translated(Config):
    """A text's translation."""

    source: str
    text: str
    score: float
    """Log-probability over the length penalty; nearer 0 is better."""
    alternatives: list[Alternative]
    alignment: str | None = None
    """Pairs of word numbers, source-target, where it was asked for."""
    notes: list[str]
    """What to know about it, such as where a long sentence was cut."""
    error: str | None
    """Why it could not be translated."""


class Translations(Config):
    """The answer."""

    model: str
    translations: list[Translated]


def attach(app: FastAPI, serving: Serving) -> None:
    """Add the call to an application."""

    @app.post(
        "/v1/translate",
        summary="Translate one or many texts",
        responses=documents.responses(Translations, stream=True),
        openapi_extra=documents.body((reading.JSON, documents.schema(Translate))),
    )
    async def translate(request: Request) -> Response:
        asked = await serving.json(request, Translate)
        model = chosen(serving.crew, asked.model, TRANSLATES)
        job = translation_job(asked, model["name"], serving.settings)

        def answer(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
            return {"model": model["name"], "translations": succeeded(found)}

        timeout = serving.settings.timeout
        if asked.stream:
            serving.crew.submit(job)
            return Streamed(request, serving.crew, job, answer, timeout)
        return json_response(answer(await answers(request, serving.crew, job, timeout)))


def translation_job(asked: Translate, model: str, settings: Settings) -> Job:
    """A job for what was asked.

    Raises:
        Refused: if it is more than the limits allow.
    """
    texts = [asked.texts] if isinstance(asked.texts, str) else asked.texts
    check_texts(texts, settings)
    most = settings.max_alternatives
    for name in ("n_best", "beam"):
        if (getattr(asked, name) or 0) > most:
            raise Refused(WRONG, f"{name} = {getattr(asked, name)}: at most {most} are allowed here")
    if asked.prefix is not None and len(texts) != 1:
        raise Refused(WRONG, f"a prefix is of one text; found {len(texts)} texts")
    if asked.prefix is not None and len(asked.prefix) > settings.max_text:
        raise Refused(TOO_LARGE, f"the prefix is longer than {settings.max_text:,}, the most that is taken")
    options = {name: value for name in SEARCH if (value := getattr(asked, name)) is not None}
    # A prefix is of one sentence, and what is sampled depends on the texts that are drawn together.
    split = asked.split and asked.prefix is None
    items = [{"text": text, "prefix": asked.prefix, "alignment": asked.alignment} for text in texts]
    return Job.of(
        "translate",
        model,
        items,
        {**options, "split": split},
        streamed=asked.stream,
        together=asked.method == "sample",
    )


def check_texts(texts: Sequence[str], settings: Settings) -> None:
    """See that texts are within the limits.

    Raises:
        Refused: if they are not.
    """
    if len(texts) > settings.max_texts:
        raise Refused(TOO_LARGE, f"{len(texts):,} texts at once; at most {settings.max_texts:,} are taken")
    for number, text in enumerate(texts, 1):
        if len(text) > settings.max_text:
            raise Refused(
                TOO_LARGE,
                f"text {number} has {len(text):,} characters; at most {settings.max_text:,} are taken",
            )


def succeeded(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items as the answer has them.

    Raises:
        Refused: if every one of them failed.
    """
    if found and all(item["error"] is not None for item in found):
        raise Refused(WRONG, found[0]["error"])
    return list(found)
