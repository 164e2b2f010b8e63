"""LibreTranslate's own calls, as its documentation describes them, so that its clients work with this server."""

from collections.abc import Sequence
from typing import Any, Literal

from babel import Locale
from fastapi import FastAPI, Request
from pydantic import ConfigDict, Field, field_validator
from starlette.responses import Response

from patchword.config import Config
from patchword.errors import shown
from patchword.server import documents, reading
from patchword.server.answering import answers, json_response
from patchword.server.jobs import Job
from patchword.server.markup import Markup
from patchword.server.models import TRANSLATES, all_models
from patchword.server.refused import BAD, FORBIDDEN, TOO_MANY, UNAUTHORISED, WRONG, Refused
from patchword.server.serving import Serving
from patchword.server.translation import check_texts

AUTO = "auto"
_UNSAID = ("source", "target", "", "?")  # what a model folder has where no language was said
_BEAM = 4  # hypotheses at least, where alternatives are asked for


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


class Health(Config):
    """That the server is there."""

    status: str


def attach(app: FastAPI, serving: Serving) -> None:
    """Add the calls to an application."""
    forms = (reading.JSON, reading.FORM, reading.FILES)
    refusals = (400, 403, 408, 413, 415, 429, 500, 503, 504)

    def body(model: type[Config]) -> dict[str, Any]:
        return documents.body(*((kind, documents.schema(model)) for kind in forms))

    @app.post(
        "/translate",
        summary="LibreTranslate: translate",
        responses=documents.responses(TranslatedText, refusals=refusals),
        openapi_extra=body(TranslateText),
    )
    async def translate(request: Request) -> Response:
        try:
            asked = await _asked(serving, request, TranslateText)
            return json_response(await _translated(serving, request, asked))
        except Refused as refused:
            raise _theirs(refused) from None

    @app.post(
        "/detect",
        summary="LibreTranslate: which language a text is in",
        responses={**documents.responses(None, refusals=refusals)},
        openapi_extra=body(Detect),
    )
    async def detect(request: Request) -> Response:
        try:
            asked = await _asked(serving, request, Detect)
            (found,) = await _detected(serving, request, [asked.q])
            return json_response(found)
        except Refused as refused:
            raise _theirs(refused) from None

    @app.get(
        "/languages",
        summary="LibreTranslate: languages and what each can be translated into",
        responses=documents.responses(None, refusals=(503,)),
    )
    async def languages() -> Response:
        return json_response(languages_of(pairs_of(all_models(serving.crew))))

    @app.get(
        "/frontend/settings",
        summary="LibreTranslate: what its page is to show",
        responses=documents.responses(None, refusals=(503,)),
    )
    async def settings() -> Response:
        pairs = pairs_of(all_models(serving.crew))
        target = next(iter(pairs), ("", ""))[1]
        return json_response(
            {
                "apiKeys": serving.keys.needed,
                "keyRequired": serving.keys.needed,
                "charLimit": serving.settings.max_text,
                "filesTranslation": False,
                "frontendTimeout": 500,
                "suggestions": False,
                "supportedFilesFormat": [],
                "language": {
                    "source": {"code": AUTO, "name": "Auto Detect"},
                    "target": {"code": target, "name": name_of(target)},
                },
            }
        )

    @app.get("/health", summary="LibreTranslate: whether the server lives", responses=documents.responses(Health))
    async def health() -> Response:
        return json_response({"status": "ok"})


def pairs_of(models: Sequence[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """By source and target language, the first model for them."""
    found: dict[tuple[str, str], str] = {}
    for facts in models:
        if TRANSLATES in facts:
            source, target = facts[TRANSLATES]
            if source not in _UNSAID and target not in _UNSAID:
                found.setdefault((source, target), facts["name"])
    return found


def languages_of(pairs: dict[tuple[str, str], str]) -> list[dict[str, Any]]:
    """LibreTranslate's list: each language with a source's and a target's side."""
    codes = dict.fromkeys(code for pair in pairs for code in pair)
    return [
        {"code": code, "name": name_of(code), "targets": [target for source, target in pairs if source == code]}
        for code in codes
    ]


def name_of(code: str) -> str:
    """A language's English name, or its code."""
    names = Locale("en").languages
    return str(names.get(code.replace("-", "_")) or names.get(_primary(code)) or code)


def _primary(code: str) -> str:
    return code.replace("_", "-").partition("-")[0].lower()


def meant(code: str, known: Sequence[str]) -> str:
    """Which known language a code means: "zh-Hans" and "ZH" are "zh".

    Raises:
        Refused: if none.
    """
    for form in (str, _primary):
        for each in known:
            if form(each).lower() == form(code).lower():
                return each
    raise Refused(WRONG, f"{shown(code)} is not supported; valid: {', '.join(known) or 'no languages are known'}")


async def _asked(serving: Serving, request: Request, model: type[reading.Model]) -> reading.Model:
    kind = reading.content_type(request)
    if kind not in (reading.JSON, reading.FORM, reading.FILES):
        raise reading.wrong_kind(kind, reading.JSON, reading.FORM, reading.FILES)
    body = await serving.reader.body(request)
    values: Any
    if kind == reading.JSON:
        values = reading.parsed_json(body)
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


async def _translated(serving: Serving, request: Request, asked: Any) -> dict[str, Any]:
    texts = [asked.q] if isinstance(asked.q, str) else asked.q
    check_texts(texts, serving.settings)
    if asked.alternatives >= serving.settings.max_alternatives:
        most = serving.settings.max_alternatives - 1
        raise Refused(WRONG, f"alternatives = {asked.alternatives}: at most {most} are given")
    pairs = pairs_of(all_models(serving.crew))
    target = meant(asked.target, [target for _, target in pairs])
    detections: list[dict[str, Any]] = []
    if asked.source == AUTO:
        for found in await _detected(serving, request, texts):
            able = [one for one in found if one["language"] == target or (one["language"], target) in pairs]
            detections.append((able or found)[0])
        sources = [one["language"] for one in detections]
    else:
        sources = [meant(asked.source, [code for pair in pairs for code in pair])] * len(texts)
    results: list[tuple[str, list[str]]] = [(text, []) for text in texts]
    for source in dict.fromkeys(sources):
        if source == target:
            continue  # as LibreTranslate does
        if (source, target) not in pairs:
            raise Refused(WRONG, f"{source} is not translated into {target} here")
        mine = [index for index, one in enumerate(sources) if one == source]
        answered = await _of_one_model(serving, request, asked, pairs[source, target], [texts[i] for i in mine])
        for index, result in zip(mine, answered, strict=True):
            results[index] = result
    several = not isinstance(asked.q, str)
    answer: dict[str, Any] = {"translatedText": [text for text, _ in results] if several else results[0][0]}
    if detections:
        answer["detectedLanguage"] = detections if several else detections[0]
    if asked.alternatives:
        answer["alternatives"] = [others for _, others in results] if several else results[0][1]
    return answer


async def _of_one_model(
    serving: Serving, request: Request, asked: Any, model: str, texts: Sequence[str]
) -> list[tuple[str, list[str]]]:
    """The translation of each text, and other ones."""
    markups = [Markup(text) if asked.format == "html" else None for text in texts]
    parts = [[text] if markup is None else markup.texts for text, markup in zip(texts, markups, strict=True)]
    items = [{"text": part, "prefix": None, "alignment": False} for several in parts for part in several]
    options: dict[str, Any] = {"split": True}
    if asked.alternatives and asked.format == "text":
        wanted = 1 + asked.alternatives
        options |= {"method": "beam", "beam": max(_BEAM, wanted), "n_best": wanted}
    found: list[Any] = []
    if items:
        job = Job.of("translate", model, items, options)
        found = await answers(request, serving.crew, job, serving.settings.timeout)
    for one in found:
        if one["error"] is not None:
            raise Refused(WRONG, f"the text {one['error']}")
    results, rest = [], iter(found)
    for markup, several in zip(markups, parts, strict=True):
        mine = [next(rest) for _ in several]
        if markup is None:
            others = [other["text"] for other in mine[0]["alternatives"][1:]]
            results.append((mine[0]["text"], others))
        else:
            results.append((markup.with_texts([one["text"] for one in mine]), []))
    return results


async def _detected(serving: Serving, request: Request, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Of each text the languages that the models know, the likeliest first, with a confidence in per cent."""
    check_texts(texts, serving.settings)
    known = list(dict.fromkeys(code for pair in pairs_of(all_models(serving.crew)) for code in pair))
    job = Job.of("detect", "", texts, {"languages": known})
    found = await answers(request, serving.crew, job, serving.settings.timeout)
    if not known or not all(one["languages"] for one in found):
        raise Refused(WRONG, "the models that are served do not say which languages they know")
    return [
        [{"language": each["language"], "confidence": round(100 * each["confidence"], 1)} for each in one["languages"]]
        for one in found
    ]


def _theirs(refused: Refused) -> Refused:
    """A refusal with the statuses that LibreTranslate has."""
    status = {UNAUTHORISED: FORBIDDEN}.get(refused.status, refused.status)
    if status in (404, WRONG):
        status = BAD
    headers = {name: value for name, value in refused.headers.items() if status == TOO_MANY or name == "Connection"}
    return Refused(status, refused.sentence, headers)
