"""The page at /, as people use it: with a mouse, a keyboard alone, on a phone, in the dark, in either language."""

import base64
import io
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pages.served import served_models
from tests.server.running import Running

SENTENCE = "the old man sees a big tree."
PATIENCE = 60.0  # seconds, for machines that have much else to do

# Keeps every text that the translation has had.
RECORD = """() => {
  window.seen = [];
  const look = () => {
    const text = [...document.querySelectorAll(".translation")].map((node) => node.textContent)[0];
    if (text && text !== window.seen.at(-1)) window.seen.push(text);
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""

# Gives the page a file as the system's clipboard or a drag does.
GIVE = """([kind, text, name]) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/png" }));
  const event = kind === "paste" ? new ClipboardEvent(kind, { clipboardData: data, bubbles: true })
    : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(served_models(tmp_path_factory.mktemp("served"))) as server:
        yield server


@pytest.fixture
def front(running: Running, opened: Any) -> Any:
    """front(**how): the page, once it knows the models."""

    def open_front(**how: Any) -> Any:
        page = opened(running.address, **how)
        page.set_default_timeout(1000 * PATIENCE)
        page.wait_for_selector("#choice:not([hidden])")
        return page

    return open_front


@pytest.fixture
def troubled(browser: Any, running: Running) -> Iterator[Any]:
    """A page whose console may complain, and its address."""
    page = browser.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    yield page
    page.close()


def picture(digit: int = 3) -> bytes:
    """A digit of 8 x 8 pixels as a PNG file."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = data.images[list(data.target).index(digit)] * (255 / 16)
    content = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(content, format="PNG")
    return content.getvalue()


def write(page: Any, text: str = SENTENCE) -> None:
    """Write a text and wait until its words can be pointed at."""
    page.fill("#source", text)
    page.wait_for_selector(".views .target button.word")


def words(page: Any, view: int = 0) -> list[str]:
    """The translation's words, without its end."""
    found = page.locator("#translations article").nth(view).locator(".target button.word:not(.end)")
    return [text.strip() for text in found.all_inner_texts()]


def choose(page: Any, model: str, selector: str = "#model") -> None:
    page.select_option(selector, label=model)


def best(page: Any) -> str:
    page.wait_for_selector("#classifications canvas")
    return str(page.inner_text("#classifications .bars tr.strong th"))


def overflow(page: Any) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_a_translation_appears_as_it_is_decoded(front: Any, until: Any, kept_picture: Any) -> None:
    page = front()

    def greedily(route: Any) -> None:
        # Of a beam nothing may be certain before its end.
        route.continue_(post_data=json.dumps({**route.request.post_data_json, "method": "greedy"}))

    page.route("**/v1/translate", greedily)
    page.evaluate(RECORD)
    for _ in range(8):  # on a busy machine a browser may be given all of a stream at once
        write(page)
        assert words(page) == ["das", "alt", "Mann", "sieht", "ein", "groß", "Baum."]
        seen = page.evaluate("window.seen.splice(0)")
        assert all(later.startswith(earlier) for earlier, later in pairwise(seen))
        if len(seen) > 1:
            break
        page.fill("#source", "")
        assert until(lambda: not words(page), PATIENCE)
    assert len(seen) > 1
    assert until(lambda: page.inner_text("#live") == "das alt Mann sieht ein groß Baum.", PATIENCE)
    kept_picture(page, "front-translation")


def test_what_is_typed_meanwhile_is_what_is_translated(front: Any, until: Any) -> None:
    page = front()
    page.locator("#source").press_sequentially("the old man sees a cat.", delay=15)
    until(lambda: words(page) == ["das", "alt", "Mann", "sieht", "ein", "Katze."], PATIENCE)
    page.fill("#source", "a red house.")
    page.fill("#source", "two dog.")
    until(lambda: words(page) == ["zwei", "Hund."], PATIENCE)
    page.fill("#source", "")
    until(lambda: not words(page) and page.locator("#actions").is_hidden(), PATIENCE)


def test_a_word_shows_where_it_looked(front: Any, until: Any, kept_picture: Any) -> None:
    page = front()
    write(page)
    page.hover(".views .target button.word >> nth=2")
    until(lambda: "“Mann” looked at “man”" in page.inner_text(".views .status"), PATIENCE)
    weights = page.eval_on_selector_all(
        ".views .source button.word", "all => all.map((one) => Number(one.style.getPropertyValue('--weight')))"
    )
    assert max(weights) == weights[2] > 0.5
    kept_picture(page, "front-hover")


def test_another_word_is_chosen_and_the_rest_translated_from_there(front: Any, until: Any, kept_picture: Any) -> None:
    page = front()
    write(page)
    before = words(page)
    page.click(".views .target button.word >> nth=2")
    page.wait_for_selector(".weighed .pick")
    kept_picture(page, "front-alternatives")
    picked = page.inner_text(".weighed .pick >> nth=0").strip("·\n ")
    page.click(".weighed .pick >> nth=0")
    # Read at once, since the words are there, gone while it is decoded, and there again.
    until(lambda: (seen := words(page))[2:3] != before[2:3] and seen[2:] and seen[2].startswith(picked), PATIENCE)
    assert words(page)[:2] == before[:2]
    assert page.evaluate("document.activeElement.textContent").startswith(picked)
    kept_picture(page, "front-chosen")
    after = words(page)
    # The map, the walk and the file are of what was chosen.
    page.hover(".views .target button.word >> nth=2")
    until(lambda: f"“{after[2]}” looked at" in page.inner_text(".views .status"), PATIENCE)
    page.click("#walk_button")
    page.click("#walk summary >> nth=0")
    page.wait_for_selector("#walk .target button.word")
    shown = page.locator("#walk .target button.word:not(.end)").all_inner_texts()
    assert [text.strip() for text in shown] == after
    with page.expect_download() as download:
        page.click("#share")
    shared = Path(download.value.path()).read_text(encoding="utf-8")
    assert json.dumps(" ".join(after), ensure_ascii=False) in shared
    page.click("text=Back to the model’s own")
    until(lambda: words(page) == before, PATIENCE)
    assert page.locator("#walk").is_hidden()


def test_the_end_can_be_chosen(front: Any, until: Any) -> None:
    page = front()
    write(page)
    before = words(page)
    for step in reversed(range(1, len(before))):
        page.click(f".views .target button.word >> nth={step}")
        page.wait_for_selector(".weighed .pick")
        ends = page.locator(".weighed .pick", has_text="■")
        if ends.count():
            break
        page.click(f".views .target button.word >> nth={step}")
    ends.first.click()
    until(lambda: words(page) and len(words(page)) <= step + 1 and words(page) != before, PATIENCE)
    assert words(page)[:step] == before[:step]
    assert page.locator(".said:not([hidden])").count() == 0
    page.click("#walk_button")
    page.wait_for_selector("#walk .model")


def test_of_a_long_text_each_sentence_is_looked_into(front: Any, until: Any, kept_picture: Any) -> None:
    page = front()
    page.fill("#source", "the old man sees a cat.\na red house.\n\ntwo dog.")
    page.wait_for_selector(".sentence >> nth=2")
    page.click(".sentence >> nth=1")
    until(lambda: words(page), PATIENCE)
    source = page.locator(".views .looking .source button.word:not(.end)").all_inner_texts()
    assert [text.strip() for text in source] == ["a", "red", "house."]
    assert page.get_attribute(".sentence >> nth=1", "aria-pressed") == "true"
    kept_picture(page, "front-long-text")
    page.click(".sentence >> nth=2")
    until(lambda: len(words(page)) == 2, PATIENCE)
    page.click("#walk_button")
    page.click("#walk summary >> nth=0")
    page.wait_for_selector("#walk .source button.word")
    assert page.inner_text("#walk .source button.word >> nth=0").strip() == "two"


@pytest.mark.parametrize("kind", ["drop", "paste", "choose"])
def test_a_picture_is_classified_however_it_comes(front: Any, kind: str, kept_picture: Any) -> None:
    page = front()
    choose(page, "digits")
    if kind == "choose":
        page.set_input_files("#file", {"name": "three.png", "mimeType": "image/png", "buffer": picture()})
    else:
        page.evaluate(GIVE, [kind, base64.b64encode(picture()).decode(), "three.png"])
    assert best(page) == "3"
    kept_picture(page, f"front-{kind}")


def test_a_sample_is_one_click_away(front: Any, until: Any) -> None:
    page = front()
    page.click("#sentences button >> nth=0")
    until(lambda: words(page), PATIENCE)
    assert page.input_value("#source") == "A man rides a bike."
    choose(page, "digits")
    assert page.locator("#pictures img").count() == 10
    page.click("#pictures button >> nth=0")
    assert best(page) == "0"


def test_two_models_side_by_side(front: Any, kept_picture: Any) -> None:
    page = front()
    choose(page, "rnn", "#against")
    write(page)
    page.wait_for_selector("article:nth-child(2) .target button.word")
    assert words(page, 0) == words(page, 1)
    boxes = [page.locator("#translations article").nth(index).bounding_box() for index in (0, 1)]
    assert boxes[0]["y"] == boxes[1]["y"]
    kept_picture(page, "front-beside")
    choose(page, "digits")
    assert page.locator("#against_choice").is_hidden()


def test_the_walk_is_one_click_away(front: Any, kept_picture: Any) -> None:
    page = front()
    write(page)
    page.click("#walk_button")
    page.wait_for_selector("#walk details.group")
    page.click("#walk details.group >> nth=1")
    page.wait_for_selector("#walk .step-picture canvas, #walk .step-picture table")
    assert page.get_attribute("#walk_button", "aria-expanded") == "true"
    kept_picture(page, "front-walk")
    page.click("#walk_button")
    assert page.locator("#walk").is_hidden()


def test_the_page_is_in_chinese_too(front: Any, kept_picture: Any) -> None:
    page = front(language="zh")
    write(page)
    assert page.inner_text("#source_label") == "请输入英语"
    page.hover(".views .target button.word >> nth=2")
    kept_picture(page, "front-chinese")
    left = [word for word in re.findall(r"\w+", page.inner_text("main")) if re.search("[A-Za-z]{3}", word)]
    known = {*re.findall(r"\w+", page.inner_text(".views")), "words", "rnn", "digits", "transformer", "float32"}
    assert not [word for word in left if word not in known and word not in page.inner_text("#sentences")]
    page.click("text=English")
    assert page.inner_text("#source_label") == "Write in English"
    assert words(page)[:2] == ["das", "alt"]


def test_an_error_is_a_sentence(troubled: Any, running: Running, until: Any, kept_picture: Any) -> None:
    troubled.goto(running.address)
    troubled.wait_for_selector("#choice:not([hidden])")
    troubled.fill("#source", "man " * 6000)
    said = ".views .said:not([hidden])"
    troubled.wait_for_selector(said)
    assert troubled.inner_text(said) == "text 1 has 24,000 characters; at most 20,000 are taken"
    write(troubled, "the man.")
    assert troubled.locator(said).count() == 0
    choose(troubled, "digits")
    troubled.evaluate(GIVE, ["drop", base64.b64encode(b"no picture").decode(), "broken.png"])
    troubled.wait_for_selector(said)
    assert "image" in troubled.inner_text(said)
    kept_picture(troubled, "front-error")


def test_a_server_that_is_away_is_asked_until_it_is_back(troubled: Any, running: Running, until: Any) -> None:
    troubled.goto(running.address)
    troubled.wait_for_selector("#choice:not([hidden])")
    gone = [True]
    for path in ("**/v1/translate", "**/readyz"):
        troubled.route(path, lambda route: route.abort() if gone[0] else route.continue_())
    troubled.fill("#source", SENTENCE)
    troubled.wait_for_selector("#away:not([hidden])")
    assert "does not answer" in troubled.inner_text("#away")
    gone[0] = False
    until(lambda: words(troubled), PATIENCE)
    assert troubled.locator("#away").is_hidden()


def test_a_key_is_asked_for_where_one_is_needed(troubled: Any, running: Running, until: Any) -> None:
    def guarded(route: Any) -> None:
        if route.request.headers.get("authorization") == "Bearer open sesame":
            route.continue_()
        else:
            route.fulfill(status=401, content_type="application/json", body='{"error": "an API key is needed"}')

    troubled.route("**/v1/samples", guarded)
    troubled.goto(running.address)
    troubled.fill("#key_field", "open sesame")
    troubled.press("#key_field", "Enter")
    troubled.wait_for_selector("#sentences button")
    assert troubled.locator("#key").is_hidden()


def test_without_samples_the_page_is_as_good(troubled: Any, running: Running) -> None:
    busy = {"status": 500, "content_type": "application/json", "body": '{"error": "no"}'}
    troubled.route("**/v1/samples", lambda route: route.fulfill(**busy))
    troubled.goto(running.address)
    write(troubled)
    assert troubled.locator("#sentences button").count() == 0
    assert troubled.locator("#away").is_hidden()


def test_what_fails_again_and_again_is_left_to_the_person(troubled: Any, running: Running, until: Any) -> None:
    troubled.clock.install()
    troubled.goto(running.address)
    troubled.wait_for_selector("#choice:not([hidden])")
    asked, healthy = [], []

    def refuse(route: Any) -> None:
        asked.append(route.request.url)
        if healthy:
            return route.continue_()
        return route.fulfill(status=503, content_type="application/json", body='{"error": "the models are away"}')

    troubled.route("**/v1/translate", refuse)
    troubled.fill("#source", SENTENCE)

    def given_up() -> bool:
        troubled.clock.run_for(1000)
        return bool(troubled.is_visible("#away_again"))

    until(given_up, PATIENCE)
    assert troubled.inner_text("#away_why") == "the models are away"
    count = len(asked)
    assert count <= 16  # four times in each of four rounds
    troubled.clock.run_for(60_000)
    assert len(asked) == count
    healthy.append(True)
    troubled.click("#away_again")
    until(lambda: words(troubled), PATIENCE)
    assert troubled.locator("#away").is_hidden()


def test_a_mistake_of_the_pages_own_is_not_taken_for_a_server_that_is_away(
    troubled: Any, running: Running, until: Any
) -> None:
    troubled.goto(running.address)
    found = troubled.evaluate(
        """async () => {
          const { streamed } = await import("/page/server.js");
          const { Away } = await import("/page/server.js");
          const body = { texts: "the man.", stream: true };
          const mistake = streamed("/v1/translate", body, undefined, () => undefined.nothing);
          return await mistake.then(() => "none", (error) => [error instanceof Away, error.name]);
        }"""
    )
    assert found == [False, "TypeError"]


def test_everything_can_be_done_with_the_keyboard_alone(front: Any, until: Any) -> None:
    page = front()

    def tab_to(selector: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"Tab never came to {selector}")

    tab_to("#source")
    # At once: where a machine is slow, what stands there between two keys would be translated too.
    page.keyboard.insert_text(SENTENCE)
    until(lambda: len(words(page)) == 7, PATIENCE)
    before = words(page)
    tab_to(".target button.word")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    until(lambda: "“Mann” looked at" in page.inner_text(".views .status"), PATIENCE)
    page.keyboard.press("Enter")
    tab_to(".weighed .pick")
    page.keyboard.press("Enter")
    until(lambda: words(page)[2:] and words(page) != before, PATIENCE)
    until(lambda: page.evaluate("document.activeElement.matches('.target button.word')"), PATIENCE)
    tab_to("#walk_button")
    page.keyboard.press("Enter")
    until(lambda: page.evaluate("document.activeElement.id") == "walk", PATIENCE)
    page.focus("#model")
    page.keyboard.press("End")  # the last of the models: digits
    page.wait_for_selector("#pictures button")
    tab_to("#file")
    tab_to("#pictures button")
    page.keyboard.press("Enter")
    assert best(page) == "0"


@pytest.mark.parametrize("width", [320, 390])
def test_it_fits_a_phone(front: Any, width: int, kept_picture: Any) -> None:
    page = front(width=width, height=800)
    write(page)
    page.tap(".views .target button.word >> nth=2")
    page.wait_for_selector(".weighed .pick")
    assert overflow(page) <= 0
    kept_picture(page, f"front-phone-{width}")
    choose(page, "digits")
    page.tap("#pictures button >> nth=3")
    best(page)
    assert page.locator("label[for=photo]").is_visible()
    assert overflow(page) <= 0
    kept_picture(page, f"front-phone-picture-{width}")


def test_nothing_hinders_people_in_light_or_dark(front: Any, hindrances: Any, kept_picture: Any) -> None:
    for dark in (False, True):
        page = front(dark=dark)
        write(page)
        page.click(".views .target button.word >> nth=2")
        page.click("#walk_button")
        page.wait_for_selector("#walk details.group")
        assert hindrances(page) == []
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 200) == dark
        kept_picture(page, "front-dark" if dark else "front-light")
        choose(page, "digits")
        page.click("#pictures button >> nth=5")
        best(page)
        assert hindrances(page) == []
        kept_picture(page, "front-dark-picture" if dark else "front-light-picture")


def test_a_shared_file_shows_the_same_without_a_server(front: Any, opened: Any, tmp_path: Any, until: Any) -> None:
    page = front()
    write(page)
    page.click(".views .target button.word >> nth=2")
    page.click(".weighed .pick >> nth=0")
    page.wait_for_selector("text=Back to the model’s own")
    page.wait_for_selector(".views .target button.word")
    with page.expect_download() as download:
        page.click("#share")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.suffix == ".html"
    file = opened(path)
    file.wait_for_selector(".target button.word")
    texts = file.locator(".target button.word:not(.end)").all_inner_texts()
    assert [text.strip() for text in texts] == words(page)
    assert [url for url in file.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    with page.expect_download() as download:
        choose(page, "digits")
        page.click("#pictures button >> nth=3")
        best(page)
        page.click("#share")
    download.value.save_as(path)
    file = opened(path)
    file.wait_for_selector("canvas")
    assert file.inner_text(".bars tr.strong th") == "3"


def test_a_copy_is_the_translation(front: Any, until: Any) -> None:
    page = front()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    write(page)
    page.click("#copy")
    until(lambda: page.inner_text("#done") == "Copied.", PATIENCE)
    assert page.evaluate("navigator.clipboard.readText()") == "das alt Mann sieht ein groß Baum."


def test_the_page_asks_nobody_else(front: Any, running: Running) -> None:
    page = front()
    write(page)
    choose(page, "digits")
    page.click("#pictures button >> nth=3")
    best(page)
    assert {url for url in page.asked if not url.startswith((f"{running.address}/", "data:", "blob:"))} == set()


def test_the_document_of_the_samples_is_in_the_api(running: Running) -> None:
    with running.client() as client:
        assert "/v1/samples" in json.loads(client.get("/openapi.json").text)["paths"]
