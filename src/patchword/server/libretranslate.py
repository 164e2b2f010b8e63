"""LibreTranslate's own calls, as its documentation describes them, so that its clients work with this server."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from patchword.config import Config
from patchword.server import documents
from patchword.server import libretranslate_forms as forms
from patchword.server.answering import answers, json_response, late
from patchword.server.jobs import Job
from patchword.server.languages import languages_of, meant, name_of, pairs_of
from patchword.server.markup import Markup
from patchword.server.models import all_models
from patchword.server.refused import BAD, FORBIDDEN, TIMED_OUT, TOO_LARGE, TOO_MANY, UNAUTHORISED, WRONG, Refused
from patchword.server.serving import Serving
from patchword.server.translation import check_texts

AUTO = "auto"
_BEAM = 4  # hypotheses at least, where alternatives are asked for
_PARTS = 8  # parts of HTML that are taken for each text that may be sent at once


class Health(Config):
    """That the server is there."""

    status: str


def attach(app: FastAPI, serving: Serving) -> None:
    """Add the calls to an application."""
    refusals = (400, 403, 408, 413, 415, 429, 500, 503, 504)

    def body(model: type[Config]) -> dict[str, Any]:
        return documents.body(*((kind, documents.schema(model)) for kind in forms.KINDS))

    @app.post(
        "/translate",
        summary="LibreTranslate: translate",
        responses=documents.responses(forms.TranslatedText, refusals=refusals),
        openapi_extra=body(forms.TranslateText),
    )
    async def translate(request: Request) -> Response:
        try:
            asked = await forms.asked(serving, request, forms.TranslateText)
            return json_response(await _translated(serving, request, asked))
        except Refused as refused:
            raise _theirs(refused) from None

    @app.post(
        "/detect",
        summary="LibreTranslate: which language a text is in",
        responses={**documents.responses(None, refusals=refusals)},
        openapi_extra=body(forms.Detect),
    )
    async def detect(request: Request) -> Response:
        try:
            asked = await forms.asked(serving, request, forms.Detect)
            (found,) = await _Asking(serving, request).detected([asked.q])
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


async def _translated(serving: Serving, request: Request, asked: Any) -> dict[str, Any]:
    texts = [asked.q] if isinstance(asked.q, str) else asked.q
    check_texts(texts, serving.settings)
    asking = _Asking(serving, request)
    if asked.alternatives >= serving.settings.max_alternatives:
        most = serving.settings.max_alternatives - 1
        raise Refused(WRONG, f"alternatives = {asked.alternatives}: at most {most} are given")
    pairs = pairs_of(all_models(serving.crew))
    target = meant(asked.target, [target for _, target in pairs])
    detections: list[dict[str, Any]] = []
    if asked.source == AUTO:
        for found in await asking.detected(texts):
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
        answered = await asking.of_one_model(asked, pairs[source, target], [texts[i] for i in mine])
        for index, result in zip(mine, answered, strict=True):
            results[index] = result
    several = not isinstance(asked.q, str)
    answer: dict[str, Any] = {"translatedText": [text for text, _ in results] if several else results[0][0]}
    if detections:
        answer["detectedLanguage"] = detections if several else detections[0]
    if asked.alternatives:
        answer["alternatives"] = [others for _, others in results] if several else results[0][1]
    return answer


class _Asking:
    """Asks the worker for one request, in all no longer than a request may take.

    Args:
        serving: what calls share.
        request: whose client may go away.
    """

    def __init__(self, serving: Serving, request: Request) -> None:
        self._serving, self._request = serving, request
        self._deadline = time.monotonic() + serving.settings.timeout

    async def _answers(self, job: Job) -> list[Any]:
        whole = self._serving.settings.timeout
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise late(whole)
        try:
            return await answers(self._request, self._serving.crew, job, left)
        except Refused as refused:
            # What was left is nothing that anybody chose.
            raise late(whole) if refused.status == TIMED_OUT else refused from None

    async def of_one_model(self, asked: Any, model: str, texts: Sequence[str]) -> list[tuple[str, list[str]]]:
        """The translation of each text, and other ones."""
        is_html = asked.format == "html"
        # Reading markup takes a moment, in which others are served.
        markups = [await asyncio.to_thread(Markup, text) for text in texts] if is_html else []
        parts = [markup.texts for markup in markups] if is_html else [[text] for text in texts]
        items = [{"text": part, "prefix": None, "alignment": False} for several in parts for part in several]
        most = _PARTS * self._serving.settings.max_texts
        if is_html and len(items) > most:
            raise Refused(TOO_LARGE, f"the HTML has {len(items):,} texts between its tags; at most {most:,} are taken")
        options: dict[str, Any] = {"split": True}
        if asked.alternatives and not is_html:
            wanted = 1 + asked.alternatives
            options |= {"method": "beam", "beam": max(_BEAM, wanted), "n_best": wanted}
        found = await self._answers(Job.of("translate", model, items, options)) if items else []
        for one in found:
            if one["error"] is not None:
                raise Refused(WRONG, f"the text {one['error']}")
        if not is_html:
            return [(one["text"], [other["text"] for other in one["alternatives"][1:]]) for one in found]
        rest = iter(one["text"] for one in found)
        return [(markup.with_texts([next(rest) for _ in markup.texts]), []) for markup in markups]

    async def detected(self, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        """Of each text the languages that the models know, the likeliest first, with a confidence in per cent."""
        check_texts(texts, self._serving.settings)
        known = list(dict.fromkeys(code for pair in pairs_of(all_models(self._serving.crew)) for code in pair))
        found = await self._answers(Job.of("detect", "", texts, {"languages": known}))
        if not known or not all(one["languages"] for one in found):
            raise Refused(WRONG, "the models that are served do not say which languages they know")
        return [
            [
                {"language": each["language"], "confidence": round(100 * each["confidence"], 1)}
                for each in one["languages"]
            ]
            for one in found
        ]


def _theirs(refused: Refused) -> Refused:
    """A refusal with the statuses that LibreTranslate has."""
    status = {UNAUTHORISED: FORBIDDEN}.get(refused.status, refused.status)
    if status in (404, WRONG):
        status = BAD
    headers = {name: value for name, value in refused.headers.items() if status == TOO_MANY or name == "Connection"}
    return Refused(status, refused.sentence, headers)
