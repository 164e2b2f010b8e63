"""The page of an explanation, as far as no browser is needed: tests/pages has one."""

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from patchword.explain import page as pages
from patchword.explain.page import bundled, embedded, empty_page, page
from tests.explain.documents import HOSTILE, hostile_document, image_document, text_document

MODULES = Path(pages.__file__).parent / "page"


class Parts(HTMLParser):
    """The tags of a page, and what its scripts hold."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.tags[-1] if self.tags else ("", {})
        self.texts.setdefault(attributes.get("id") or tag, data)


def document_in(html: str) -> Any:
    return json.loads(Parts(html).texts["document"])


def said(module: str) -> dict[str, str]:
    source = (MODULES / module).read_text(encoding="utf-8")
    return dict(re.findall(r'^  "([\w-]+)": "((?:[^"\\]|\\.)*)",$', source, re.MULTILINE))


def test_the_page_holds_the_document() -> None:
    document = text_document(5, 1, 1)
    assert document_in(page(document)) == document


def test_hostile_strings_end_no_script_and_come_back_as_they_were() -> None:
    document = hostile_document()
    html = page(document)
    html.encode()  # a lone surrogate does not keep the page from being written
    parts = Parts(html)
    assert document_in(html) == document
    assert [tag for tag, _ in parts.tags].count("script") == 2
    assert not any(tag == "img" for tag, _ in parts.tags)
    assert parts.texts["title"] == HOSTILE[0]


def test_numbers_that_are_not_finite_become_null() -> None:
    assert json.loads(embedded({"score": -math.inf, "all": (math.nan, 1.5)})) == {"score": None, "all": [None, 1.5]}


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    html = page(text_document(5, 1, 1))
    policy = next(attributes["content"] for tag, attributes in Parts(html).tags if "http-equiv" in attributes)
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data: blob:;")
    assert "unsafe" not in policy
    for tag, attributes in Parts(html).tags:
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", empty_page())


def test_every_module_is_in_the_page_after_those_that_it_imports() -> None:
    script = bundled()
    modules = {file.name for file in MODULES.glob("*.js")}
    order = re.findall(r'^modules\["([\w.]+)"\] = ', script, re.MULTILINE)
    assert sorted(order) == sorted(modules)
    for name in modules:
        for imported in re.findall(r'from "\./([\w.]+)"', (MODULES / name).read_text()):
            assert order.index(imported) < order.index(name)


def test_what_a_module_imports_is_exported_where_it_says() -> None:
    for file in MODULES.glob("*.js"):
        for names, imported in re.findall(r'import \{([^}]*)\} from "\./([\w.]+)"', file.read_text()):
            exported = pages.EXPORT.findall((MODULES / imported).read_text())
            wanted = {name.strip().split(" as ")[0] for name in names.split(",") if name.strip()}
            assert wanted <= set(exported), (file.name, imported)


def test_modules_that_import_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}
    monkeypatch.setattr(pages, "_read", sources.__getitem__)
    with pytest.raises(AssertionError, match=r"a\.js imports itself: a\.js -> b\.js -> a\.js"):
        pages._visit("a.js", [], ())


def test_both_languages_say_everything() -> None:
    english, chinese = said("english.js"), said("chinese.js")
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", chinese[key])), key


def test_every_saying_that_is_asked_for_exists() -> None:
    known = set(said("english.js"))
    for file in MODULES.glob("*.js"):
        assert set(re.findall(r'\bt\("([\w-]+)"', file.read_text(encoding="utf-8"))) <= known, file.name


def test_no_module_is_longer_than_a_noun_can_be() -> None:
    lengths = {file.name: len(file.read_text().splitlines()) for file in MODULES.glob("*.js")}
    assert max(lengths.values()) <= 300, lengths


def test_a_picture_of_twelve_layers_and_heads_is_under_three_megabytes() -> None:
    assert len(page(image_document()).encode()) < 3_000_000
