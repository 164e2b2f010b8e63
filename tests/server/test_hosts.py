"""Names by which a server may be asked, and pages that may call it."""

from typing import Any

import pytest

from patchword.server.hosts import Hosts
from patchword.server.refused import Refused
from patchword.server.settings import Settings
from tests.server.test_limits import answered


def problem(headers: dict[str, str], **settings: Any) -> str | None:
    try:
        Hosts(Settings.parse({"models": ("m",), **settings}, "test")).check(headers)
    except Refused as refused:
        return f"{refused.status}: {refused.sentence}"
    return None


OWN = ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "127.9.9.9", "a.localhost"]
OTHERS = ["evil.example", "evil.example:8000", "localhost.evil.example", "[", "", "10.0.0.1", "a@b"]


@pytest.mark.parametrize("host", OWN)
def test_a_server_of_this_machine_alone_has_its_names(host: str) -> None:
    assert problem({"host": host}) is None
    assert problem({"host": host, "origin": f"http://{host}"}) is None


@pytest.mark.parametrize("host", OTHERS)
def test_and_no_others(host: str) -> None:
    sentence = problem({"host": host})
    assert sentence is not None
    assert sentence.startswith("403: the server is not known as")
    assert problem({"host": host}, host="0.0.0.0") is None
    assert problem({"host": host}, allow_host=("*",)) is None


def test_it_can_be_told_more() -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        assert problem({"host": "Translate.example.org:443"}, host=host, allow_host=("translate.example.org",)) is None
        assert problem({"host": "evil.example"}, host=host, allow_host=("translate.example.org",)) is not None
    own = {"host": "translate.example.org", "origin": "https://translate.example.org"}
    assert problem(own, allow_host=("translate.example.org",)) is None


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example:8000", "null", "http://["])
def test_pages_of_others_may_not_call(origin: str) -> None:
    sentence = problem({"host": "localhost", "origin": origin})
    assert sentence is not None
    assert sentence.startswith("403: pages of ")
    assert problem({"host": "localhost", "origin": origin}, cors=(origin,)) is None
    assert problem({"host": "localhost", "origin": origin}, cors=("*",)) is None


def test_extensions_may() -> None:
    assert problem({"host": "localhost", "origin": "moz-extension://6a1f"}) is None


def test_it_is_refused_before_anything_is_done() -> None:
    answered(403, "not known as 'evil.example'", json={"texts": "a"}, headers={"host": "evil.example"})
    answered(403, "not known as 'evil.example'", "/translate", data={"q": "a"}, headers={"host": "evil.example"})
