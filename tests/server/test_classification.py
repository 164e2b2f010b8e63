"""`POST /v1/classify`."""

import base64
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from patchword import api


def test_images_are_classified_as_the_model_does(client: httpx.Client, models: list[str], red: bytes) -> None:
    own = api.load(models[1]).classify(Image.open(BytesIO(red)), top=2)  # type: ignore[union-attr]
    expected = [{"class": label, "probability": probability} for label, probability in own.predictions]
    text = base64.b64encode(red).decode()
    as_json = client.post("/v1/classify", json={"images": [text, f"data:image/png;base64,{text}"], "top": 2}).json()
    as_form = client.post("/v1/classify", data={"top": "2"}, files=[("image", ("red.png", red))]).json()
    assert as_json["model"] == as_form["model"] == "pictures"
    assert [each["predictions"] for each in as_json["classifications"]] == [expected, expected]
    assert as_form["classifications"] == [{"name": "red.png", "predictions": expected, "error": None}]


def test_a_broken_image_keeps_no_other_from_being_classified(client: httpx.Client, red: bytes) -> None:
    files = [("image", ("red.png", red)), ("image", ("note.txt", b"no picture"))]
    good, bad = client.post("/v1/classify", files=files).json()["classifications"]
    assert good["error"] is None
    assert bad["predictions"] == []
    assert "note.txt: not an image" in bad["error"]


@pytest.mark.parametrize(
    ("request_", "status", "sentence"),
    [
        ({"files": [("image", ("a.png", b"\x89PNG nothing"))]}, 422, "a.png"),
        ({"json": {"images": ["%%%"]}}, 422, "image 1: is not base64"),
        ({"json": {"images": []}}, 422, "at least 1 item"),
        ({"json": {"images": ["aGVsbG8="], "top": 0}}, 422, "top"),
        ({"json": {"images": ["aGVsbG8="], "model": "words"}}, 422, "ask for one that classifies"),
        ({"json": ["aGVsbG8="]}, 422, "the body is an array; expected an object"),
        ({"files": [("image", ("a.png", b"a"))], "data": {"top": "many"}}, 422, "expected a whole number"),
        ({"files": [("image", ("a.png", b"a"))], "data": {"tops": "1"}}, 422, "did you mean 'top'?"),
        ({"data": {"top": "1"}}, 415, "expected application/json or multipart/form-data"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "the form cannot be read"),
        ({"files": [("image", ("a.png", b"a"))] * 33}, 413, "33 images at once; at most 32 are taken"),
    ],
)
def test_what_cannot_be_done_is_said(
    client: httpx.Client, request_: dict[str, Any], status: int, sentence: str
) -> None:
    response = client.post("/v1/classify", **request_)
    assert response.status_code == status
    assert sentence in response.json()["error"]


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(client: httpx.Client) -> None:
    large = BytesIO()
    Image.new("1", (6000, 5000)).save(large, "PNG")
    response = client.post("/v1/classify", files={"image": ("large.png", large.getvalue())})
    assert response.status_code == 422
    assert "6000 x 5000 pixels, more than the 25,000,000 that are allowed" in response.json()["error"]
