"""The page at /, the modules that it is made of, and what people can try there."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response

from patchword import explain
from patchword.config import Config
from patchword.errors import shown
from patchword.explain.page import empty_page
from patchword.server import documents
from patchword.server.answering import answers, json_response
from patchword.server.jobs import Job
from patchword.server.models import all_models
from patchword.server.refused import UNKNOWN, Refused
from patchword.server.serving import Serving

FOLDERS = (Path(__file__).parent / "page", Path(explain.__file__).parent / "page")
KINDS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
# Scripts, styles and requests are this server's alone; pictures may be the page's own, too.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    # A browser asks each time whether what it has is still what is served; a new version of the page is whole at once.
    "Cache-Control": "no-cache",
}


class SampleText(Config):
    """A sentence to try."""

    text: str
    language: str
    model: str
    """Which model it is for."""


class SampleImage(Config):
    """A picture to try."""

    name: str
    url: str
    """A data URL."""
    model: str
    """Which model it is for."""


class Samples(Config):
    """What there is to try."""

    texts: list[SampleText]
    images: list[SampleImage]


def attach(app: FastAPI, serving: Serving) -> None:
    """Give an app the page: GET /, /page/{name} and /v1/samples."""

    @app.get("/", include_in_schema=False)
    async def front(request: Request) -> Response:
        return _answer(request, "index.html")

    @app.get("/page/{name}", include_in_schema=False)
    async def part(request: Request, name: str) -> Response:
        return _answer(request, name)

    @app.get(
        "/v1/samples",
        summary="Sentences and pictures to try",
        responses=documents.responses(Samples, refusals=(401, 429, 500, 503, 504)),
    )
    async def offered(request: Request) -> Response:
        serving.keys.require(request.headers)
        found: dict[str, list[Any]] = {"texts": [], "images": []}
        for facts, path in zip(all_models(serving.crew), serving.settings.models, strict=True):
            job = Job.of("samples", facts["name"], [path])
            for kind, samples in (await answers(request, serving.crew, job, serving.settings.timeout))[0].items():
                found[kind] += [{**sample, "model": facts["name"]} for sample in samples]
        return json_response(found)


@cache
def files() -> dict[str, tuple[bytes, str, str]]:
    """By name, what the page is made of: content, its kind, and a tag that changes with the content.

    "empty.html" is the file that is shared, before an explanation is put into it.
    """
    found = {}
    for path in (path for folder in FOLDERS for path in sorted(folder.glob("*.*"))):
        if path.suffix in KINDS:
            content = path.read_bytes()
            assert path.name not in found, f"both folders have {path.name}"
            found[path.name] = (content, KINDS[path.suffix], _tag(content))
    content = empty_page().encode()
    found["empty.html"] = (content, KINDS[".html"], _tag(content))
    return found


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:20]}"'


def _answer(request: Request, name: str) -> Response:
    if name not in files():
        raise Refused(UNKNOWN, f"the page has no part {shown(name)}")
    content, kind, tag = files()[name]
    headers = {**HEADERS, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=kind)
