"""`POST /v1/translate`."""

import json
from itertools import pairwise
from typing import Any

import httpx
import pytest

from patchword import api


def post(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/v1/translate", json=body)


@pytest.fixture(scope="module")
def translator(models: list[str]) -> Any:
    return api.load(models[0])


def test_texts_are_translated_as_the_model_does(client: httpx.Client, translator: Any) -> None:
    answer = post(client, texts=["one two", "five six seven"], n_best=2, max_extra=5).json()
    expected = translator.translate(["one two", "five six seven"], n_best=2, max_extra=5)
    assert answer["model"] == "words"
    for found, own in zip(answer["translations"], expected, strict=True):
        assert (found["source"], found["text"], found["score"]) == (own.source, own.text, own.score)
        assert found["alternatives"] == [{"text": a.text, "score": a.score} for a in own.alternatives]
        assert found["error"] is None


def test_one_text_needs_no_list(client: httpx.Client) -> None:
    assert post(client, texts="one", max_extra=3).json() == post(client, texts=["one"], max_extra=3).json()


def test_a_translation_begins_with_its_prefix(client: httpx.Client, translator: Any) -> None:
    ids = translator.vocabulary.encode_target(["three"])[0][1:-1]
    for prefix in ("three", ids):
        assert (
            post(client, texts="one two", prefix=prefix, max_extra=5)
            .json()["translations"][0]["text"]
            .startswith("three")
        )


def test_a_stream_tells_prefixes_that_grow_and_then_the_answer(client: httpx.Client) -> None:
    body = {"texts": ["one two", "seven"], "max_extra": 5}
    whole = post(client, **body).json()
    with client.stream("POST", "/v1/translate", json={**body, "stream": True}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [block.split("\n") for block in response.read().decode().strip().split("\n\n")]
    told = [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in events]
    assert [name for name, _ in told] == ["prefix"] * (len(told) - 1) + ["done"]
    assert told[-1][1] == whole
    for index, translation in enumerate(whole["translations"]):
        prefixes = [data["text"] for name, data in told if name == "prefix" and data["index"] == index]
        assert prefixes
        assert all(b.startswith(a) and len(b) > len(a) for a, b in pairwise(prefixes))
        assert translation["text"] == prefixes[-1]


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"texts": []}, 422, "texts = []: expected a text, or a list of texts"),
        ({}, 422, "key 'texts' is missing"),
        ({"texts": 3}, 422, "texts = 3: expected a text, or a list of texts"),
        ({"texts": ["a", None]}, 422, "expected a text, or a list of texts"),
        ({"texts": "a", "beam": "4"}, 422, "beam = '4': input should be a valid integer"),
        ({"texts": "a", "beam": True}, 422, "beam"),
        ({"texts": "a", "beam": 10**30}, 422, "beam"),
        ({"texts": "a", "bean": 4}, 422, "unknown key 'bean'; did you mean 'beam'?"),
        ({"texts": "a", "beam": 17}, 422, "beam = 17: at most 16 are allowed here"),
        ({"texts": "a", "beam": 2, "n_best": 3}, 422, "n_best 3 is more than the beam's 2 hypotheses"),
        ({"texts": "a", "method": "greedy", "top_k": 3}, 422, "top_k is for method sample"),
        ({"texts": "a", "model": "word"}, 404, "no model is served as 'word'; did you mean 'words'?"),
        ({"texts": "a", "model": "pictures"}, 422, "ask for one that translates"),
        ({"texts": ["a", "b"], "prefix": "c"}, 422, "a prefix is of one text; found 2 texts"),
        ({"texts": "a", "prefix": [10**9]}, 422, "the prefix"),
        ({"texts": ["a"] * 129}, 413, "129 texts at once; at most 128 are taken"),
        ({"texts": ["b", "a" * 20_001]}, 413, "text 2 has 20,001 characters; at most 20,000 are taken"),
    ],
)
def test_what_cannot_be_done_is_said(client: httpx.Client, body: dict[str, Any], status: int, sentence: str) -> None:
    response = post(client, **body)
    assert response.status_code == status
    assert sentence in response.json()["error"]
