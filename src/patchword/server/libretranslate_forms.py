"""What LibreTranslate's calls take and answer, read from JSON or either kind of form."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator
from starlette.requests import Request

from patchword.config import Config
from patchword.server import reading
from patchword.server.refused import WRONG, Refused
from patchword.server.serving import Serving
from patchword.server.strict_json import parsed_json

KINDS = (reading.JSON, reading.FORM, reading.FILES)


class TranslateText(Config):
    """LibreTranslate's request; `q` is a text or a list of them."""

    model_config = ConfigDict(strict=True)

    q: str | list[str]
    """Text or texts to translate."""
    source: str
    """Code of their language, or "auto"."""
    target: str
    """Code of the language that is wanted."""
    format: Literal["text", "html"] = "text"
    """Of HTML the texts between tags are translated."""
    alternatives: int = Field(0, ge=0, le=1000)
    """How many other translations to give of each text; of HTML none."""
    api_key: str | None = None
    """A key, where one is needed."""

    @field_validator("q", mode="before")
    @classmethod
    def _of_either_form(cls, value: Any) -> Any:
        if isinstance(value, str) or (isinstance(value, list) and value and all(isinstance(v, str) for v in value)):
            return value
        raise ValueError("expected a text, or a list of texts")


class Detect(Config):
    """A text of unknown language."""

    model_config = ConfigDict(strict=True)

    q: str
    """The text."""
    api_key: str | None = None
    """A key, where one is needed."""


class TranslatedText(Config):
    """LibreTranslate's answer: lists where `q` was one."""

    translatedText: str | list[str]  # noqa: N815 - their name
    detectedLanguage: Any = None  # noqa: N815 - their name
    """Code and confidence, in per cent, where the source was "auto"."""
    alternatives: list[Any] | None = None
    """Other translations, where they were asked for."""


async def asked(serving: Serving, request: Request, model: type[reading.Model]) -> reading.Model:
    """A body of any of the kinds as a request, of a call that needs a key.

    Raises:
        Refused: if anything about it is wrong.
    """
    kind = reading.content_type(request)
    if kind not in KINDS:
        raise reading.wrong_kind(kind, *KINDS)
    serving.keys.refuse_wrong(request.headers)
    body = await serving.reader.body(request, serving.settings.max_text_body)
    values: Any
    if kind == reading.JSON:
        values = await reading.aside(body, parsed_json)
    else:
        form = await reading.parsed_form(request, body)
        if form.files:
            raise Refused(WRONG, "files are not translated; send their texts")
        values = {name: texts if name == "q" and len(texts) > 1 else texts[-1] for name, texts in form.fields.items()}
        number = values.get("alternatives")
        if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 10:
            values["alternatives"] = int(number)
    key = values.get("api_key") if isinstance(values, dict) else None
    serving.keys.require(request.headers, key if isinstance(key, str) else None)
    if isinstance(values, dict):
        # Other servers' fields, such as a client's own, are passed over as LibreTranslate does.
        values = {name: value for name, value in values.items() if name in model.model_fields}
    return reading.asked(model, values)
