"""Limits, each with its own status and one sentence. No worker runs here, so that what waits goes on waiting."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from patchword.errors import DataError, RecipeError
from patchword.server.app import application, serving_of
from patchword.server.keys import Keys
from patchword.server.serving import Serving
from patchword.server.settings import Settings

FACTS = [
    {"name": "words", "task": "any", "languages": ["en", "de"]},
    {"name": "pictures", "task": "any", "classes": 3, "image_size": [8, 8]},
]
Use = Callable[[httpx.AsyncClient, Serving], Awaitable[Any]]


def using(use: Use, **settings: Any) -> Any:
    """Do something with a server that has no worker."""

    async def run() -> Any:
        serving = serving_of(Settings.parse({"models": ("m",), **settings}, "test"))
        serving.crew.facts = FACTS
        transport = httpx.ASGITransport(application(serving))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await use(client, serving)

    return asyncio.run(run())


def answered(status: int, sentence: str, path: str = "/v1/translate", *, settings: Any = None, **request: Any) -> None:
    async def use(client: httpx.AsyncClient, serving: Serving) -> httpx.Response:
        return await client.post(path, **request)

    response = using(use, **(settings or {}))
    assert response.status_code == status
    assert sentence in response.json()["error"]


def test_a_body_that_says_that_it_is_too_large_is_not_read() -> None:
    answered(413, "more than 1,000 bytes", settings={"max_body": 1000}, json={"texts": "a" * 2000})


def test_a_body_of_unknown_length_is_read_up_to_the_limit() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 100_000
            yield b" " * 100_000

    async def use(client: httpx.AsyncClient, serving: Serving) -> httpx.Response:
        return await client.post("/v1/translate", content=endless(), headers={"content-type": "application/json"})

    response = using(use, max_body=1_000_000)
    assert response.status_code == 413
    assert response.headers["connection"] == "close"
    assert sent < 3_000_000


def test_texts_images_and_alternatives_have_limits() -> None:
    answered(413, "text 2 has 11 characters; at most 10", settings={"max_text": 10}, json={"texts": ["a", "b" * 11]})
    answered(413, "3 texts at once; at most 2", settings={"max_texts": 2}, json={"texts": ["a", "b", "c"]})
    answered(422, "n_best = 3: at most 2", settings={"max_alternatives": 2}, json={"texts": "a", "n_best": 3})
    answered(422, "beam = 3: at most 2", settings={"max_alternatives": 2}, json={"texts": "a", "beam": 3})
    files = [("image", ("a.png", b"a" * 11))]
    answered(413, "'a.png' has 11 bytes; at most 10", "/v1/classify", settings={"max_image_bytes": 10}, files=files)
    answered(413, "2 images at once; at most 1", "/v1/classify", settings={"max_images": 1}, files=files * 2)
    answered(413, "one is explained at once", "/v1/explain", files=files * 2)


def test_a_request_that_takes_too_long_is_given_up() -> None:
    async def use(client: httpx.AsyncClient, serving: Serving) -> None:
        response = await client.post("/v1/translate", json={"texts": "a"})
        assert response.status_code == 504
        assert "no answer within 0.05 s" in response.json()["error"]
        streamed = await client.post("/v1/translate", json={"texts": "a", "stream": True})
        assert '"status": 504' in streamed.text
        assert streamed.text.startswith("event: error\n")
        assert serving.crew.waiting == 0

    using(use, timeout=0.05)


def test_no_more_wait_than_may() -> None:
    async def use(client: httpx.AsyncClient, serving: Serving) -> None:
        async def ask() -> httpx.Response:
            return await client.post("/v1/translate", json={"texts": "a"})

        waiting = [asyncio.ensure_future(ask()) for _ in range(2)]
        while serving.crew.waiting < 2:
            await asyncio.sleep(0.01)
        refused = await ask()
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert "2 requests are waiting already" in refused.json()["error"]
        assert [response.status_code for response in await asyncio.gather(*waiting)] == [504, 504]
        assert (await ask()).status_code == 504

    using(use, queue=2, timeout=0.5)


def test_no_more_bytes_are_held_than_may() -> None:
    async def use(client: httpx.AsyncClient, serving: Serving) -> None:
        async def ask(size: int) -> httpx.Response:
            return await client.post("/v1/translate", json={"texts": "a" * size})

        first = asyncio.ensure_future(ask(900))
        while serving.crew.waiting < 1:
            await asyncio.sleep(0.01)
        assert (await ask(500)).status_code == 429
        assert (await first).status_code == 504
        assert (await ask(500)).status_code == 504

    using(use, max_held=1000, timeout=0.3)


def test_a_body_that_does_not_come_is_given_up() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)
        yield b"}"

    headers = {"content-type": "application/json"}
    answered(408, "took more than 0.1 s", settings={"timeout": 0.1}, content=slow(), headers=headers)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "not JSON: expecting value at line 1, column 1"),
        (b"{", "not JSON"),
        (b'{"texts": NaN}', "NaN is no number of JSON's"),
        (b'{"texts": "a", "temperature": Infinity}', "Infinity is no number of JSON's"),
        (b'{"texts": "\xff"}', "not UTF-8: byte 12 is wrong"),
        (b'{"texts": "\\ud800"}', "half a surrogate pair, U+D800"),
        (b'{"\\udfff": 1}', "half a surrogate pair, U+DFFF"),
        (b"[" * 100_000, "too many brackets"),
        (b"[" * 100 + b"]" * 100, "more than 64 brackets"),
        (b'{"seed": ' + b"1" * 5000 + b"}", "too many digits"),
    ],
)
def test_what_is_no_json_is_a_bad_request(body: bytes, sentence: str) -> None:
    answered(400, sentence, content=body, headers={"content-type": "application/json; charset=utf-8"})


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
def test_another_content_type_is_refused(kind: str) -> None:
    answered(415, "expected application/json", content=b"{}", headers={"content-type": kind})


def test_what_is_beyond_a_float_is_a_wrong_value() -> None:
    body = b'{"texts": "a", "temperature": 1e999}'
    answered(422, "temperature", content=body, headers={"content-type": "application/json"})


def test_keys_open_what_computes_and_the_counts(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    hashes = [hashlib.sha256(key).hexdigest() for key in (b"first", "zwölf".encode())]
    keys.write_text(f"# two\n\n{hashes[0]}  anna\n{hashes[1].upper()} # bob\n", encoding="utf-8")

    async def use(client: httpx.AsyncClient, serving: Serving) -> None:
        async def status(path: str, body: Any, **headers: str) -> int:
            response = await client.post(path, json=body, headers=headers)
            assert response.status_code == 504 or "API key" in response.json()["error"]
            return response.status_code

        body = {"texts": "a"}
        assert await status("/v1/translate", body) == 401
        assert await status("/v1/translate", body, Authorization="Bearer second") == 401
        assert await status("/v1/translate", body, Authorization="Basic first") == 401
        assert await status("/v1/translate", body, Authorization="Bearer first") == 504
        assert await status("/v1/translate", body, **{"X-API-Key": "first"}) == 504
        assert await status("/v1/classify", {"images": ["a"]}) == 401
        assert await status("/v1/explain", {"text": "a"}) == 401
        theirs = {"q": "a", "source": "en", "target": "de"}
        assert await status("/translate", theirs) == 403
        assert await status("/translate", {**theirs, "api_key": "zwölf"}) == 504
        assert await status("/detect", {"q": "a", "api_key": "no"}) == 403
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/healthz")).status_code == 200

    using(use, api_keys=keys, timeout=0.05)


@pytest.mark.parametrize(("text", "problem"), [("", "no keys"), ("secret\n", "line 1: expected a key's SHA-256")])
def test_a_file_of_keys_holds_hashes(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "keys").write_text(text)
    with pytest.raises(DataError, match=problem):
        Keys.read(tmp_path / "keys")


def test_other_origins_may_call_only_if_they_are_named() -> None:
    async def use(client: httpx.AsyncClient, serving: Serving) -> str | None:
        response = await client.get("/healthz", headers={"Origin": "https://example.org"})
        return response.headers.get("access-control-allow-origin")

    assert using(use) is None
    assert using(use, cors=("https://example.org",)) == "https://example.org"
    assert using(use, cors=("https://example.com",)) is None


def test_what_is_not_there_is_said_in_the_same_form() -> None:
    answered(404, "there is nothing at '/v2'; /docs lists the calls", "/v2")
    answered(405, "POST is not for '/v1/models'", "/v1/models")


def test_a_mistake_of_ours_leaves_no_trace_in_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    async def use(client: httpx.AsyncClient, serving: Serving) -> httpx.Response:
        serving.crew.facts = [{"nonsense": 1}]
        return await client.post("/v1/translate", json={"texts": "a", "model": "b"})

    response = using(use)
    assert response.status_code == 500
    assert response.json() == {"error": "the server made a mistake, which its log describes"}
    assert "KeyError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"port": 65536}, "port = 65536"),
        ({"queue": 0}, "queue = 0"),
        ({"timeout": float("inf")}, "timeout"),
        ({"models": ()}, "models"),
        ({"max_pixels": 1}, "max_pixels = 1"),
    ],
)
def test_settings_have_ranges(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        Settings.parse({"models": ("m",), **values}, "serve")
