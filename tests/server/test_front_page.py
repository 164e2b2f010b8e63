"""The page's files as they are served, and the samples."""

import re
from pathlib import Path

import httpx
import pytest
from PIL import Image

from patchword.server.front_page import files
from patchword.server.samples import DIGITS, digits, samples_of, sentences


def test_every_part_that_a_module_imports_is_served(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    wanted = set(re.findall(r'(?:src|href)="/page/([^"]+)"', page.text))
    seen: set[str] = set()
    while wanted - seen:
        name = min(wanted - seen)
        part = client.get(f"/page/{name}")
        assert part.status_code == 200, name
        seen.add(name)
        if name.endswith(".js"):
            assert part.headers["content-type"].startswith("text/javascript")
            wanted |= set(re.findall(r'from "\./([^"]+)"', part.text))
    assert {"front.js", "front.css", "words.js", "picture.js", "walk.js", "style.css"} <= seen


def test_no_script_but_the_servers_own_may_run(client: httpx.Client) -> None:
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page.text)


def test_a_part_is_sent_again_only_when_it_has_changed(client: httpx.Client) -> None:
    first = client.get("/page/front.js")
    tag = first.headers["etag"]
    again = client.get("/page/front.js", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/page/front.js", headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize("name", ["nothing.js", "..%2Ffront_page.py", "%2e%2e", "__init__.py"])
def test_nothing_else_is_served(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/page/{name}")
    assert answer.status_code == 404
    assert answer.json()["error"]


def test_the_file_that_is_shared_is_served_empty(client: httpx.Client) -> None:
    assert '<script type="application/json" id="document">' in client.get("/page/empty.html").text


def test_no_name_is_in_both_folders() -> None:
    assert "words.js" in files()
    assert "front.js" in files()


def test_each_model_has_its_samples(client: httpx.Client) -> None:
    found = client.get("/v1/samples").json()
    assert found["images"] == []  # it knows colours, of which there are none
    assert found["texts"] == []  # and the other one a language without a code


class Known:
    """A system that says what it knows."""

    def __init__(self, **known: object) -> None:
        vars(self).update(known)


def test_sentences_are_in_the_language_that_is_read(tmp_path: Path) -> None:
    found = samples_of(Known(languages=("fr", "en")), tmp_path)["texts"]
    assert {one["language"] for one in found} == {"fr"}
    assert [one["text"] for one in found][:1] == ["Un homme fait du vélo."]
    assert "lundi 12 juin 2017" in [one["text"] for one in found]
    assert sentences("eo")  # of which there are phrases of CLDR's alone
    assert sentences("source") == []


def test_who_knows_digits_gets_one_of_each(tmp_path: Path) -> None:
    found = samples_of(Known(classes=DIGITS), tmp_path)["images"]
    assert [one["name"] for one in found] == list(DIGITS)
    assert len({one["url"] for one in found}) == 10
    assert digits()[3][1] == found[3]["url"]
    assert samples_of(Known(classes=("cat", "dog")), tmp_path)["images"] == []


def test_a_folder_of_samples_comes_first(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "some.txt").write_text("Ein Satz.\n\nNoch einer.\n", encoding="utf-8")
    Image.new("RGB", (2000, 1000), (200, 10, 10)).save(folder / "red.png")
    (folder / "broken.png").write_bytes(b"no picture")
    found = samples_of(Known(languages=("de", "en")), tmp_path)
    assert [one["text"] for one in found["texts"]] == ["Ein Satz.", "Noch einer."]
    found = samples_of(Known(classes=DIGITS), tmp_path)
    assert [one["name"] for one in found["images"]] == ["red"]
    assert len(found["images"][0]["url"]) < 10_000
