"""The page at /, the modules that it is made of, and what people can try there."""

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from patchword import explain
from patchword.explain.page import empty_page
from patchword.server.samples import Sampled, samples

FOLDERS = (Path(__file__).parent / "page", Path(explain.__file__).parent / "page")
KINDS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
# Scripts, styles and requests are this server's alone; pictures may be the page's own, too.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # A browser asks each time whether what it has is still what is served; a new version of the page is whole at once.
    "Cache-Control": "no-cache",
}


def attach(app: FastAPI, served: Callable[[], Iterable[Sampled]]) -> None:
    """Give an app the page: GET /, /page/{name} and /v1/samples.

    Args:
        app: gets the routes.
        served: the models that are served now, for samples that suit them.
    """

    @app.get("/", include_in_schema=False)
    def front(request: Request) -> Response:
        return _answer(request, "index.html")

    @app.get("/page/{name}", include_in_schema=False)
    def part(request: Request, name: str) -> Response:
        return _answer(request, name)

    @app.get("/v1/samples", summary="Sentences and pictures to try")
    async def offered() -> dict[str, Any]:
        return await run_in_threadpool(samples, list(served()))


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
        return Response('{"error":"the page has no such part"}', 404, headers=HEADERS, media_type="application/json")
    content, kind, tag = files()[name]
    headers = {**HEADERS, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=kind)
