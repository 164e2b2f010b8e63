"""`POST /v1/translate`."""

import json
import re
from itertools import pairwise
from typing import Any

import httpx
import pytest

from patchword import api
from patchword.explain.words import text_words


def post(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/v1/translate", json=body)


def streamed(client: httpx.Client, body: dict[str, Any]) -> list[tuple[str, Any]]:
    """Events by name, with their data."""
    with client.stream("POST", "/v1/translate", json={**body, "stream": True}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [block.split("\n") for block in response.read().decode().strip().split("\n\n")]
    return [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in events]


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
    told = streamed(client, body)
    assert [name for name, _ in told] == ["prefix"] * (len(told) - 1) + ["done"]
    assert told[-1][1] == whole
    for index, translation in enumerate(whole["translations"]):
        prefixes = [data["text"] for name, data in told if name == "prefix" and data["index"] == index]
        assert prefixes
        assert all(b.startswith(a) and len(b) > len(a) for a, b in pairwise(prefixes))
        assert translation["text"] == prefixes[-1]


PARAGRAPHS = "One two. Five six seven!\n\n  Eight nine.\n"


def test_a_text_is_translated_sentence_by_sentence_unless_that_is_not_wanted(
    client: httpx.Client, translator: Any
) -> None:
    (split,) = post(client, texts=PARAGRAPHS, max_extra=5).json()["translations"]
    own = translator.translate_text(PARAGRAPHS, max_extra=5)
    assert len(own.sentences) == 3
    assert (split["source"], split["text"], split["notes"]) == (PARAGRAPHS, own.text, [])
    assert [(one["source"], one["text"]) for one in split["sentences"]] == [
        (one.source, one.text) for one in own.sentences
    ]
    (whole,) = post(client, texts=PARAGRAPHS, max_extra=5, split=False).json()["translations"]
    assert whole["sentences"] == [{"source": PARAGRAPHS.strip(), "text": whole["text"]}]
    assert whole["text"] == translator.translate(PARAGRAPHS, max_extra=5).text != split["text"]
    body = {"q": PARAGRAPHS, "source": "en", "target": "de"}
    assert client.post("/translate", json=body).json() == {"translatedText": translator.translate_text(PARAGRAPHS).text}


def test_a_text_with_a_prefix_is_one_sentence(client: httpx.Client, translator: Any) -> None:
    (found,) = post(client, texts=PARAGRAPHS, prefix="three", max_extra=5).json()["translations"]
    assert found["text"] == translator.translate(PARAGRAPHS, prefixes=["three"], max_extra=5).text


def test_words_are_aligned_in_each_sentence_and_numbered_through_the_text(
    client: httpx.Client, translator: Any
) -> None:
    """A text's links are those of its sentences, moved by the words before them."""
    body = {"max_extra": 5, "alignment": True}
    texts = ["One two.", "Five six seven!"]
    one, two = post(client, texts=texts, **body).json()["translations"]
    (both,) = post(client, texts="  One two.\n\nFive six seven!", **body).json()["translations"]
    words = len(text_words(texts[0])), len(text_words(one["text"]))
    moved = [[int(a) + words[0], int(b) + words[1]] for a, b in (pair.split("-") for pair in two["alignment"].split())]
    assert moved
    assert both["alignment"].split() == one["alignment"].split() + [f"{a}-{b}" for a, b in moved]


def test_what_was_done_to_a_text_is_noted(client: httpx.Client) -> None:
    text = ", ".join(["one two three four"] * 120)
    (found,) = post(client, texts=f"The seven. One two: {text}.", method="greedy", max_extra=0).json()["translations"]
    assert found["error"] is None
    (note,) = found["notes"]
    assert re.match(r"sentence 2 has more than \d+ tokens and was translated in \d+ parts: ", note)


def test_a_stream_of_a_long_text_tells_it_from_its_beginning_and_takes_nothing_back(client: httpx.Client) -> None:
    body = {"texts": [PARAGRAPHS, "Seven. One."], "max_extra": 300}  # longer than the pause between two events
    whole = post(client, **body).json()
    events = streamed(client, body)
    assert events[-1] == ("done", whole)
    for index, translation in enumerate(whole["translations"]):
        prefixes = [data["text"] for name, data in events if name == "prefix" and data["index"] == index]
        assert len(prefixes) > 1
        assert all(b.startswith(a) and len(b) > len(a) for a, b in pairwise(prefixes))
        assert translation["text"].startswith(prefixes[-1])


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


def test_a_long_text_is_aligned_as_its_sentences_are(client: httpx.Client, translator: Any) -> None:
    body = {"alignment": True, "max_extra": 2}
    parts = PARAGRAPHS.split()
    first, second, third = " ".join(parts[:2]), " ".join(parts[2:5]), " ".join(parts[5:])
    alone = post(client, texts=[first, second, third], **body).json()["translations"]
    shifts, links = [0, 0], []
    for one in alone:
        for link in one["alignment"].split():
            source, target = map(int, link.split("-"))
            links.append(f"{source + shifts[0]}-{target + shifts[1]}")
        shifts = [shifts[0] + len(one["source"].split()), shifts[1] + len(one["text"].split())]
    (whole,) = post(client, texts=PARAGRAPHS, **body).json()["translations"]
    assert links
    assert whole["alignment"].split() == links


def test_a_translation_that_was_begun_is_explained(client: httpx.Client, translator: Any) -> None:
    ids = translator.vocabulary.encode_target(["three"])[0][1:-1]
    for prefix in ("three", ids):
        (own,) = post(client, texts="one two", prefix=prefix).json()["translations"]
        found = client.post("/v1/explain", json={"text": "one two", "prefix": prefix, "walk": False}).json()["text"]
        assert (found["translation"], found["score"]) == (own["text"], own["score"])
        assert found["target_ids"][: len(ids)] == ids


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"text": "a", "prefix": {}}, 422, "prefix: expected a text, or a list of token ids"),
        ({"text": "a", "prefix": "b", "target_ids": [5]}, 422, "expected target_ids or a prefix; found both"),
        ({"text": "a", "prefix": [10**6]}, 422, "the prefix has the id 1000000"),
        ({"text": "a", "prefix": "x" * 20_001}, 413, "the prefix is longer than 20,000"),
        ({"image": "aaaa", "model": "pictures", "prefix": "b"}, 422, "prefix: expected a text's translation"),
    ],
)
def test_prefixes_that_nothing_begins_with_are_refused(
    client: httpx.Client, body: dict[str, Any], status: int, sentence: str
) -> None:
    response = client.post("/v1/explain", json=body)
    assert (response.status_code, sentence in response.json()["error"]) == (status, True), response.text
