"""The application: all calls, around what they share."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, Response

from patchword import __version__
from patchword.config import Config
from patchword.server import classification, documents, explanation, libretranslate, translation
from patchword.server.answering import json_response
from patchword.server.crew import Crew
from patchword.server.docs_page import docs_page
from patchword.server.gate import Gate, mistaken, nowhere, refuse
from patchword.server.keys import Keys
from patchword.server.metrics import CONTENT_TYPE_LATEST, Metrics
from patchword.server.models import all_models
from patchword.server.refused import NOT_READY, Refused
from patchword.server.serving import Serving
from patchword.server.settings import Settings

_NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


class Model(Config):
    """A model that is served."""

    name: str
    task: str
    architecture: str
    parameters: int
    precision: str
    languages: list[str] | None = None
    """Source and target, of a model that translates."""
    classes: int | None = None
    """How many, of a model that classifies."""
    image_size: list[int] | None = None
    """Height and width that it sees."""


class Models(Config):
    """The models that are served."""

    models: list[Model]


class Health(Config):
    """That the server is there."""

    status: str


def serving_of(settings: Settings) -> Serving:
    """What a server's calls share; made where the event loop runs. The crew is not started yet."""
    metrics = Metrics()
    return Serving(settings, Crew(settings, metrics.batch), Keys.read(settings.api_keys), metrics)


def application(serving: Serving) -> Any:
    """The application of a server, for uvicorn or any other that speaks ASGI."""
    app = FastAPI(
        title="Patchword",
        version=__version__,
        summary="Translate texts, classify images, and look inside.",
        docs_url=None,
        redoc_url=None,
        # FastAPI's own form of a wrong value is no answer of this server's.
        exception_handlers={Refused: refuse, HTTPException: nowhere, Exception: mistaken},
    )
    app.state.serving = serving
    translation.attach(app, serving)
    classification.attach(app, serving)
    explanation.attach(app, serving)
    libretranslate.attach(app, serving)
    _attach_own(app, serving)
    if find_spec("patchword.server.front_page") is not None:
        import_module("patchword.server.front_page").attach(app, serving)
    if serving.settings.cors:
        origins = list(serving.settings.cors)
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    return Gate(app, serving)


def _attach_own(app: FastAPI, serving: Serving) -> None:
    @app.get("/v1/models", summary="The models that are served", responses=documents.responses(Models, refusals=(503,)))
    async def models() -> Response:
        return json_response({"models": list(all_models(serving.crew))})

    @app.get("/healthz", summary="Whether the server lives", responses=documents.responses(Health, refusals=(500,)))
    async def healthz() -> Response:
        return json_response({"status": "ok"})

    @app.get(
        "/readyz",
        summary="Whether the models are loaded and requests are taken",
        responses=documents.responses(Health, refusals=(503,)),
    )
    async def readyz() -> Response:
        if serving.draining:
            raise Refused(NOT_READY, "the server ends")
        if not serving.crew.ready:
            raise Refused(NOT_READY, "the models are being loaded")
        return json_response({"status": "ok"})

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(docs_page(app.openapi()), headers={"Content-Security-Policy": _NOTHING_ELSE})

    @app.get("/metrics", summary="Counts for Prometheus", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        serving.keys.require(request.headers)
        serving.metrics.waiting.set(serving.crew.waiting)
        serving.metrics.restarts.set(serving.crew.restarts)
        serving.metrics.ready.set(serving.crew.ready)
        return Response(serving.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
