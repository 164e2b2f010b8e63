"""LibreTranslate's calls, made by its own client."""

from typing import Any
from urllib.error import HTTPError

import httpx
import pytest
from libretranslatepy import LibreTranslateAPI

from patchword import api
from patchword.server.markup import Markup
from tests.server.running import Running


@pytest.fixture(scope="module")
def expected(models: list[str]) -> Any:
    return api.load(models[0])


def test_their_client_translates_detects_and_lists(running: Running, expected: Any) -> None:
    theirs = LibreTranslateAPI(running.address)
    assert theirs.translate("one two", "en", "de") == expected.translate("one two").text
    found = theirs.detect("The woman is in the house with her child.")
    assert found[0]["language"] == "en"
    assert found[0]["confidence"] > 80
    assert theirs.languages() == [
        {"code": "en", "name": "English", "targets": ["de"]},
        {"code": "de", "name": "German", "targets": ["en"]},
    ]


def test_their_client_hears_what_is_wrong(running: Running) -> None:
    with pytest.raises(HTTPError) as error:
        LibreTranslateAPI(running.address).translate("one", "en", "tlh")
    with error.value as answer:
        assert answer.code == 400
        assert b'{"error":"\'tlh\' is not supported; valid: ' in answer.read()


def test_lists_forms_and_the_language_found(client: httpx.Client, expected: Any) -> None:
    texts = ["one two", "seven"]
    own = [translation.text for translation in expected.translate(texts)]
    as_json = client.post("/translate", json={"q": texts, "source": "en", "target": "de", "secret": "x"}).json()
    assert as_json == {"translatedText": own}
    form = client.post("/translate", data={"q": "one two", "source": "en-GB", "target": "DE", "format": "text"}).json()
    assert form == {"translatedText": own[0]}
    q = "The man is in the house"
    auto = client.post("/translate", json={"q": q, "source": "auto", "target": "de"}).json()
    assert auto["detectedLanguage"]["language"] == "en"
    assert auto["translatedText"] == expected.translate(q).text


def test_a_text_in_the_wanted_language_stays_as_it_is(client: httpx.Client) -> None:
    body = {"q": "Das ist ein Haus und nicht das andere.", "source": "auto", "target": "de"}
    assert client.post("/translate", json=body).json()["translatedText"] == body["q"]


def test_alternatives_come_beside_the_best(client: httpx.Client, expected: Any) -> None:
    body = {"q": "one two", "source": "en", "target": "de", "alternatives": 2}
    best, *others = expected.translate("one two", beam=4, n_best=3).alternatives
    answer = client.post("/translate", json=body).json()
    assert answer == {"translatedText": best.text, "alternatives": [other.text for other in others]}


def test_of_html_the_texts_are_translated(client: httpx.Client, expected: Any) -> None:
    markup = '<p class="one">one two<br>seven</p><script>one()</script>'
    answer = client.post("/translate", json={"q": markup, "source": "en", "target": "de", "format": "html"}).json()
    found = Markup(markup)
    assert found.texts == ["one two", "seven"]
    assert answer["translatedText"] == found.with_texts([t.text for t in expected.translate(found.texts)])


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"source": "en", "target": "de"}, "key 'q' is missing"),
        ({"q": "a", "target": "de"}, "key 'source' is missing"),
        ({"q": {}, "source": "en", "target": "de"}, "q: expected a text, or a list of texts"),
        ({"q": "a", "source": "en", "target": "de", "format": "pdf"}, "format = 'pdf'"),
        ({"q": "a", "source": "en", "target": "de", "alternatives": 16}, "at most 15 are given"),
    ],
)
def test_what_cannot_be_done_is_said(client: httpx.Client, body: dict[str, Any], sentence: str) -> None:
    response = client.post("/translate", json=body)
    assert response.status_code == 400
    assert sentence in response.json()["error"]


def test_settings_and_health(client: httpx.Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    settings = client.get("/frontend/settings").json()
    assert settings["charLimit"] == 20_000
    assert settings["language"]["target"] == {"code": "de", "name": "German"}


@pytest.mark.parametrize(
    ("source", "texts", "changed"),
    [
        ("<p>a &amp; b</p>", ["a & b"], "<p>A &amp; B</p>"),
        ("  plain < text\n", ["plain < text"], "  PLAIN &lt; TEXT\n"),
        (
            "<pre>as is</pre>, 1 <b translate=no>no <b>no</b></b>",
            [],
            "<pre>as is</pre>, 1 <b translate=no>no <b>no</b></b>",
        ),
        ("<ul><li>a<li>b<!-- c --><br/>", ["a", "b"], "<ul><li>A<li>B<!-- c --><br/>"),
    ],
)
def test_markup_is_kept(source: str, texts: list[str], changed: str) -> None:
    markup = Markup(source)
    assert markup.texts == texts
    assert markup.with_texts([text.upper() for text in texts]) == changed
