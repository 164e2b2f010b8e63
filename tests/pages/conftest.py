"""Pages as a person has them: in a real browser, by mouse, touch and keyboard, on a phone and in the dark."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BUILD = Path(__file__).resolve().parents[2] / "build"
AXE = BUILD / "axe" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
Opened = Callable[..., "Page"]


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium; `.ci/run` installs it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: "Browser") -> Iterator[Opened]:
    """opened(path or URL, width, dark, language): its page; what goes wrong on it fails the test when that ends.

    page.asked is the list of the URLs that the page asked for, page.took the seconds until it was there.
    """
    contexts, wrong = [], []

    def open_page(
        place: Path | str, width: int = 1100, dark: bool = False, language: str = "en", height: int = 900
    ) -> "Page":
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale={"en": "en-GB", "zh": "zh-CN"}[language],
            has_touch=width < 500,
        )
        contexts.append(context)
        page: Any = context.new_page()
        page.asked = []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        start = time.perf_counter()
        page.goto(place.resolve().as_uri() if isinstance(place, Path) else place)
        page.took = time.perf_counter() - start
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong, wrong


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], object]], object]:
    """until(condition): what condition() gives once that is true; it has ten seconds."""

    def wait(condition: Callable[[], object], seconds: float = 10.0) -> object:
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, "it did not become true"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture(scope="session")
def hindrances() -> Callable[["Page"], list[str]]:
    """hindrances(page): what axe-core finds on it that is serious or critical."""
    if not AXE.is_file():
        pytest.skip("there is no axe-core: npm install --prefix build/axe axe-core")
    source = AXE.read_text(encoding="utf-8")

    def find(page: "Page") -> list[str]:
        # As a debugger does, since the page's own policy lets no other script in.
        page.evaluate(source)
        found = page.evaluate("() => axe.run({resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html'][:160]} ({node['failureSummary']})"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    return find


@pytest.fixture(scope="session")
def kept_picture() -> Callable[["Page", str], Path]:
    """kept_picture(page, name): build/pages/NAME.png, for people to look at."""

    def keep(page: "Page", name: str) -> Path:
        path = BUILD / "pages" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path, full_page=True)
        return path

    return keep
