"""`patchword explain`, for text and for images, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.inside import explained, name_of
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from tests.architectures.kinds import Refusals, done
from tests.tiny import tiny_translator

TEXT = "one two three"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder `words` with a translator, a model folder `photos` with a classifier, and an image."""
    folder = tmp_path_factory.mktemp("models")
    tiny_translator().save(folder / "words" / "best")
    sizes = {"d_model": 16, "num_layers": 2, "num_heads": 2, "d_ff": 16, "patch_size": 8, "image_size": (16, 16)}
    model = VisionTransformer(VisionTransformerConfig.parse({**sizes, "num_classes": 3}, "test"))
    ImageClassifier(model, Preprocessing(image_size=(16, 16)), ("ape", "bee", "cat")).save(folder / "photos")
    Image.fromarray(np.arange(16 * 20 * 3, dtype=np.uint8).reshape(16, 20, 3)).save(folder / "cat.png")
    return folder


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refusals:
    return Refusals(tmp_path, capsys, monkeypatch)


def test_without_a_file_a_sentence_is_told_in_lines(models: Path) -> None:
    out, said = done("explain", models / "words", TEXT)
    lines = out.splitlines()
    assert lines[0] == TEXT
    assert lines[3].split() == ["word", "from", "probability", "also", "weighed"]
    assert lines[-1].startswith("Links are read from the decoder's attention")
    assert said == ""


def test_without_a_file_an_image_is_told_in_lines(models: Path) -> None:
    out, _ = done("explain", models / "photos", models / "cat.png")
    lines = out.splitlines()
    assert {line.split()[-1] for line in lines[:3]} == {"ape", "bee", "cat"}
    assert any("strongest in the" in line and "of 2" in line for line in lines[3:])


@pytest.mark.parametrize("name", ["why.json", "why.html", "why.png", "why.HTM"])
def test_a_files_name_says_its_form(models: Path, tmp_path: Path, name: str) -> None:
    for model, given, part in (("words", TEXT, "text"), ("photos", models / "cat.png", "image")):
        out, said = done("explain", models / model, given, "--no-walk", "--out", tmp_path / name)
        assert out == ""
        assert f"wrote {tmp_path / name}" in said
        content = (tmp_path / name).read_bytes()
        if name.endswith("json"):
            document = json.loads(content)
            assert (document["model"]["name"], part in document, "walk" in document) == (model, True, False)
        else:
            assert content.startswith(b"\x89PNG" if name.endswith("png") else b"<!doctype html>") or b"<html" in content


def test_links_are_printed_in_pharaoh_form(models: Path, tmp_path: Path) -> None:
    out, _ = done("explain", models / "words", TEXT, "--format", "pharaoh")
    assert out == explained(models / "words", TEXT, walk=False)["text"]["alignment"]["pharaoh"] + "\n"
    done("explain", models / "words", TEXT, "--format", "pharaoh", "--out", tmp_path / "links")
    assert (tmp_path / "links").read_text() == out


def test_two_models_of_a_task_stand_side_by_side(models: Path, tmp_path: Path) -> None:
    tiny_translator().save(tmp_path / "other")
    done("explain", models / "words", TEXT, "--against", tmp_path / "other", "--no-walk", "--out", tmp_path / "a.json")
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["against"]["model"]["name"] == "other"
    assert document["against"]["text"] == document["text"]
    out, _ = done("explain", models / "words", TEXT, "--against", tmp_path / "other")
    assert out.startswith("words, transformer\n")
    assert "\nother, transformer\n" in out


def test_a_model_is_called_by_its_run() -> None:
    assert name_of("runs/en-de/best") == name_of("runs/en-de") == "en-de"
    assert name_of(tiny_translator()) == "the model"


def test_what_was_measured_is_told_and_kept(models: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold.tsv"
    gold.write_text("".join(f"one two\t{word} ten\t0-0 1p1\n" for word in ("six", "nine", "four") * 4))
    tiny_translator().save(tmp_path / "model")
    out, said = done("explain", tmp_path / "model", "--measure", "--data", gold)
    assert "Alignment error of 12 pairs" in out
    assert "one way" in out
    assert "measured on the other 6: alignment error" in out
    assert f"kept in {tmp_path / 'model' / 'explanation.json'}" in said
    again, _ = done("explain", tmp_path / "model", TEXT)
    assert "measured on phrases with known links, their error is" in again


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["words"], "what to explain? give a sentence for a translator, or an image for a classifier"),
        (["words", ""], "the text: is empty: there is nothing to explain"),
        (["words", "cat.png"], "cat.png is a file, and a translator takes a sentence"),
        (["photos", "dog.png"], "dog.png: no such file"),
        (["photos", "."], ".: is a folder; expected an image file"),
        (["words", TEXT, "--out", "why.pdf"], "why.pdf: what form is that? name it .html, .json or .png, or say --"),
        (["words", TEXT, "--format", "pdf"], "no format 'pdf'; valid: html, json, png, pharaoh, text"),
        (["words", TEXT, "--format", "html"], "--format html needs --out, the file to write"),
        (["words", TEXT, "--out", "cat.png/why.html"], "cat.png/why.html: cannot be written: not a directory"),
        (["photos", "cat.png", "--format", "pharaoh"], "pharaoh is a form of word links, which an image does not have"),
        (["words", TEXT, "--against", "photos"], "photos is an image classifier, and words a translator; two models"),
        (["words", "--measure"], "--measure needs --data: what to measure on"),
        (["words", TEXT, "--measure", "--data", "x"], "--measure goes with MODEL and --data alone"),
        (["words", TEXT, "--data", "x"], "--data goes with --measure"),
        (["words", "--measure", "--data", "x.tsv"], "x.tsv: no such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(
    models: Path, refused: Refusals, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(models)
    assert refused("explain", *arguments).startswith(sentence)
