"""Bodies and images that are damaged in any way: never a 5xx, never silence, and the next good request is answered."""

import base64
import json
import random
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.fuzz.share import WHOLE
from tests.server.running import Running

BODIES = 20_000 if WHOLE else 300
IMAGES = 1_000 if WHOLE else 100
EVERY = 50  # damaged requests between two good ones
SECONDS = 90.0  # in which anything is answered, also where others use the machine
JSON, FORM, FILES = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=cut"
KINDS = (JSON, FORM, FILES, "application/json; charset=utf-16", "text/plain", "multipart/form-data", "a" * 300, "")
VALUES: list[Any] = [
    *(None, True, [], {}, "", "a", 0, -1, 1.5, 10**400, 1e308, "\ud800", "\x00", "\U0001f600" * 9, "<b>" * 99),
    *([[]], ["a", 1], [None], {"texts": "a"}, "x" * 30_000, ["a"] * 200, "data:image/png;base64,", "%00", "1e999"),
]
TOKENS = (
    b"{",
    b"[" * 100_000,
    b"NaN",
    b"1" * 5000,
    b'"\\ud800"',
    b"\xff\xfe",
    b"\x00",
    b",,",
    b'"',
    b"--cut--\r\n",
    b"&",
)

Good = tuple[str, str, bytes]


def multipart(fields: dict[str, bytes], file: bytes) -> bytes:
    parts = [
        b'--cut\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (n.encode(), v) for n, v in fields.items()
    ]
    head = b'--cut\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    return b"".join(parts) + head + file + b"\r\n--cut--\r\n"


@pytest.fixture(scope="module")
def good(red: bytes) -> list[Good]:
    """Requests that are answered well: path, content type, body."""
    text = base64.b64encode(red).decode()
    bodies: list[tuple[str, dict[str, Any]]] = [
        (
            "/v1/translate",
            {"model": "words", "texts": ["one two. Three!", "seven"], "beam": 2, "n_best": 2, "max_extra": 3},
        ),
        ("/v1/translate", {"texts": "one", "prefix": [4, 5], "alignment": True, "split": False, "max_extra": 3}),
        ("/v1/translate", {"texts": "one two", "stream": True, "method": "greedy", "max_extra": 3}),
        (
            "/v1/translate",
            {
                "texts": ["one"],
                "method": "sample",
                "seed": 1,
                "temperature": 0.5,
                "top_k": 5,
                "top_p": 0.9,
                "max_extra": 3,
            },
        ),
        ("/v1/classify", {"model": "pictures", "images": [text], "top": 2}),
        ("/v1/explain", {"text": "one two", "walk": False, "target_ids": [5, 6]}),
        ("/v1/explain", {"image": text, "walk": False}),
        ("/translate", {"q": ["one", "two"], "source": "en", "target": "de", "format": "html", "alternatives": 0}),
        ("/translate", {"q": "one", "source": "auto", "target": "de", "alternatives": 1, "api_key": ""}),
        ("/detect", {"q": "one"}),
    ]
    return [
        *((path, JSON, json.dumps(body).encode()) for path, body in bodies),
        ("/translate", FORM, b"q=one+two&source=en&target=de&format=text"),
        ("/detect", FORM, b"q=the+house"),
        ("/v1/classify", FILES, multipart({"top": b"2"}, red)),
        ("/v1/explain", FILES, multipart({"walk": b"false"}, red)),
    ]


def with_another_value(generator: random.Random, body: bytes) -> bytes:
    """Another value, name or place somewhere in JSON; bytes that are no JSON as they are."""
    try:
        values = json.loads(body)
    except ValueError:
        return body
    name = generator.choice([*values, "x"])
    if generator.random() < 0.2:
        values[generator.choice(["\ud800", "", "models", name + "s"])] = values.pop(name, 1)
    elif isinstance(values.get(name), list) and generator.random() < 0.5:
        values[name].insert(0, generator.choice(VALUES))
    else:
        values[name] = generator.choice(VALUES)
    return json.dumps(generator.choice([values, [values], values, values])).encode()


def with_other_bytes(generator: random.Random, body: bytes) -> bytes:
    """Bytes changed, cut out, doubled or put in."""
    damaged = bytearray(body)
    for _ in range(generator.choice([1, 1, 2, 8])):
        first, last = sorted(generator.randrange(len(damaged) + 1) for _ in range(2))
        match generator.randrange(5):
            case 0 if first < len(damaged):
                damaged[first] = generator.randrange(256)
            case 1:
                del damaged[first:last]
            case 2:
                damaged[first:first] = damaged[first:last]
            case 3:
                damaged[first:first] = generator.choice(TOKENS)
            case _:
                del damaged[first:]
    return bytes(damaged)


def is_answered(client: httpx.Client, good: Good) -> None:
    path, kind, body = good
    assert client.post(path, content=body, headers={"content-type": kind}).status_code == 200


def checked(response: httpx.Response, case: int) -> int:
    """The status of an answer that is one."""
    said = f"case {case}: {response.status_code} {response.text[:300]}"
    assert response.status_code < 500, said
    if response.headers["content-type"].startswith("text/event-stream"):
        assert '"status": 5' not in response.text, said
    elif response.status_code >= 400:
        problem = response.json()["error"]
        assert problem, said
        assert "\n" not in problem, said
        assert "Traceback" not in problem, said
        assert len(problem) < 600, said
    return response.status_code


def test_good_requests_are_answered(client: httpx.Client, good: list[Good]) -> None:
    for each in good:
        is_answered(client, each)


def test_damaged_bodies_are_answered_and_what_follows_too(running: Running, good: list[Good]) -> None:
    damages: tuple[Callable[[random.Random, bytes], bytes], ...] = (with_another_value, with_other_bytes)
    restarts = running.serving.crew.restarts
    ends: Counter[int] = Counter()
    with httpx.Client(base_url=running.address, timeout=SECONDS, trust_env=False) as client:
        for case in range(BODIES):
            generator = random.Random(f"body {case}")
            path, kind, body = generator.choice(good)
            body = generator.choice(damages)(generator, body)
            kind = generator.choice(KINDS) if generator.random() < 0.1 else kind
            try:
                response = client.post(path, content=body, headers={"content-type": kind} if kind else {})
            except httpx.TimeoutException:
                pytest.fail(f"case {case}: no answer to {path} {body[:500]!r}")
            ends[checked(response, case)] += 1
            if case % EVERY == 0:
                is_answered(client, good[case // EVERY % len(good)])
    assert {200, 400, 415, 422} <= ends.keys()
    assert running.serving.crew.restarts == restarts


def pictures() -> list[bytes]:
    """A small picture in several formats."""
    found = []
    picture = Image.effect_noise((40, 30), 50).convert("RGB")
    for name, more in (
        ("PNG", {}),
        ("JPEG", {"quality": 80}),
        ("JPEG", {"progressive": True}),
        ("GIF", {}),
        ("WEBP", {}),
        ("BMP", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {}),
    ):
        content = BytesIO()
        picture.save(content, name, **more)
        found.append(content.getvalue())
    return found


def test_broken_images_are_answered_and_harm_no_other(running: Running, red: bytes) -> None:
    whole = pictures()
    restarts = running.serving.crew.restarts
    fine = broken = 0
    with httpx.Client(base_url=running.address, timeout=SECONDS, trust_env=False) as client:
        (expected,) = client.post("/v1/classify", files={"image": ("a", red)}).json()["classifications"]
        for case in range(IMAGES):
            generator = random.Random(f"image {case}")
            content = with_other_bytes(generator, generator.choice(whole))
            response = client.post("/v1/classify", files=[("image", ("b", content)), ("image", ("a", red))])
            assert checked(response, case) == 200
            found, other = response.json()["classifications"]
            assert other == expected
            assert (found["error"] is None) == bool(found["predictions"]), found
            fine, broken = fine + (found["error"] is None), broken + (found["error"] is not None)
            if case % 10 == 0:
                body = {"image": base64.b64encode(content).decode(), "walk": False}
                checked(client.post("/v1/explain", json=body), case)
    assert min(fine, broken) > IMAGES // 20
    assert running.serving.crew.restarts == restarts
