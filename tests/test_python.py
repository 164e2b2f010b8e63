"""Python as people try it: one or many, options by name, and what is shown of a result."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import patchword
from patchword.errors import DataError, RecipeError

TINY = {"model.size": "tiny", "model.d_model": 16, "model.num_heads": 2, "model.d_ff": 16, "vocabulary.size": 400}


@pytest.fixture(scope="module")
def translator(phrases: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("python") / "run"
    done = patchword.train("translation", out, data=phrases, settings=TINY, max_steps=3, show=False)
    assert done.model == out / "best"
    return patchword.load(done.model)


@pytest.fixture
def classifier(photos: Path, tmp_path: Path) -> Any:
    small = {"model": {"d_model": 16, "num_layers": 1, "num_heads": 2, "d_ff": 16, "patch_size": 4}}
    patchword.train("classification", tmp_path / "run", data=photos, settings=small, max_steps=3, show=False)
    return patchword.load(tmp_path / "run")


def test_one_text_has_one_translation_and_several_a_list(translator: Any) -> None:
    one = translator.translate("three cats")
    assert isinstance(one.text, str)
    assert translator.translate(["three cats"]) == [one]
    assert translator.translate(text for text in ("three cats", "")) == translator.translate(("three cats", ""))
    assert translator.translate([]) == []


@pytest.mark.parametrize("wrong", [3, None, b"three", [b"three"], ["three", None], Path("a")])
def test_what_is_no_text_is_a_type_error(translator: Any, wrong: Any) -> None:
    with pytest.raises(TypeError):
        translator.translate(wrong)


def test_search_options_are_given_by_name(translator: Any) -> None:
    texts = ["three cats", "Monday"]
    whole = translator.translate(texts, patchword.SearchOptions(beam=5, n_best=3))
    assert translator.translate(texts, beam=5, n_best=3) == whole
    assert len(whole[0].alternatives) == 3
    with pytest.raises(RecipeError, match=r"unknown key 'beams'; did you mean 'beam'"):
        translator.translate(texts, beams=5)
    with pytest.raises(RecipeError, match="top_p is for method sample, which draws tokens; this is beam"):
        translator.translate(texts, top_p=0.9)
    assert translator.translate(texts, method="sample", top_p=0.9, seed=3)


def test_one_image_of_any_kind_has_one_classification(classifier: Any, photos: Path) -> None:
    path = next((photos / "red").iterdir())
    image = Image.open(path)
    one = classifier.classify(path)
    assert one.predictions == classifier.classify(str(path)).predictions == classifier.classify(image).predictions
    assert one.predictions == classifier.classify(np.asarray(image.convert("RGB"))).predictions
    assert classifier.classify([path, image])[0] == one
    assert classifier.features(path).shape == classifier.features([image]).shape
    for wrong in (3, None, b"x", [None], [3]):
        with pytest.raises(TypeError):
            classifier.classify(wrong)
    assert "expected uint8" in classifier.classify(np.zeros((4, 4, 3))).error


def test_evaluation_takes_one_path_or_several(translator: Any, classifier: Any, phrases: Any, photos: Path) -> None:
    assert patchword.evaluate(classifier, photos).top1 == patchword.evaluate(classifier, [str(photos)]).top1
    assert patchword.evaluate(translator, phrases).bleu >= 0
    with pytest.raises(RecipeError, match="--columns is for translators; this is an image classifier"):
        patchword.evaluate(classifier, photos, columns="1,2")


def test_a_system_says_what_it_is(translator: Any, classifier: Any) -> None:
    assert repr(translator).startswith("<Translator: en to de; transformer, ")
    assert repr(translator).endswith(" parameters, float32 on cpu>")
    assert repr(classifier).startswith("<ImageClassifier: 3 classes, images of ")


def test_a_notebook_shows_tables_without_running_what_is_in_them(
    translator: Any, classifier: Any, photos: Path
) -> None:
    shown = translator.translate("<script>alert(1)</script>", n_best=2)._repr_html_()
    assert shown.count("<tr>") == 3
    assert "<script>" not in shown
    path = next((photos / "red").iterdir())
    assert classifier.classify(path)._repr_html_().count("<tr>") == 4
    broken = photos / "<b>.png"
    broken.write_bytes(b"none")
    assert "<b>" not in classifier.classify(broken)._repr_html_()
    assert str(classifier.classify(broken)).startswith(f"{broken}: ")
    assert str(translator.translate("")) == ""


def test_devices_are_chosen_by_name(translator: Any, phrases: tuple[Path, Path], tmp_path: Path) -> None:
    before = translator.translate("three cats")
    assert translator.to("cpu") is translator
    assert translator.translate("three cats").text == before.text
    with pytest.raises(RecipeError, match="device 'gpu': expected auto, cpu, cuda, mps"):
        translator.to("gpu")
    if not torch.cuda.is_available():
        for name in ("cuda", "cuda:3"):
            with pytest.raises(RecipeError, match=f"device '{name}': this torch "):
                translator.to(name)
    if not torch.backends.mps.is_available():
        with pytest.raises(RecipeError, match="device 'mps': this torch finds no Apple GPU"):
            translator.to("mps")


def test_on_another_device_the_reference_network_runs(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    # torch's meta device is one that has shapes but no values, which is enough to see where things go.
    patchword.train("translation", tmp_path / "run", data=phrases, settings=TINY, max_steps=1, show=False)
    moved: Any = patchword.load(tmp_path / "run").to(torch.device("meta"))
    assert moved.network.device.type == "meta"
    assert moved.network.fast is moved.network.model
    assert repr(moved).endswith("float32 on meta>")
    with pytest.raises(RecipeError, match="precision 'int8' is the processor's"):
        patchword.load(tmp_path / "run", precision="int8").to(torch.device("meta"))


def test_half_a_surrogate_pair_is_named(translator: Any) -> None:
    with pytest.raises(DataError, match="text 1: character 1 is half a surrogate pair"):
        translator.translate("\ud800")
