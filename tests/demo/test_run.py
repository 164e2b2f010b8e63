"""The whole demo, with a few steps of training."""

import html
import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword import api, inside
from patchword.demo import run
from patchword.demo.report import TranslationRow
from patchword.errors import RecipeError, RunFolderError
from patchword.samples.phrases import PhraseSplit, phrase_pairs
from patchword.training.outcome import Outcome
from patchword.training.recipe import Recipe


def shortened(recipe: Recipe) -> Recipe:
    limits = recipe.training.model_copy(update={"max_steps": 6, "validate_every": 3})
    return recipe.model_copy(update={"training": limits})


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six steps a training and few phrases; one thread, since two cost more than they give on work this small."""
    torch.set_num_threads(1)
    train = api.train

    def few(source: str, target: str, seed: int) -> PhraseSplit:
        return phrase_pairs(source, target, seed, train=1500, held_out=20)

    def brief(recipe: Recipe, *args: object, **options: object) -> Outcome:
        return train(shortened(recipe), *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "phrase_pairs", few)
    monkeypatch.setattr(api, "train", brief)


def documents(page: str) -> dict[str, list[dict[str, Any]]]:
    """What the report lets people look into."""
    found: dict[str, list[dict[str, Any]]] = json.loads(re.findall(r'id="documents">([^<]*)<', page)[0])
    return found


@pytest.mark.usefixtures("short")
def test_the_demo_trains_both_systems_and_writes_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("translator", "classifier"):  # what an earlier demo left there
        (tmp_path / name / "state").mkdir(parents=True)
        for file in ("recipe.toml", "state/latest.pt"):
            (tmp_path / name / file).write_text("old", encoding="utf-8")
    run.run_demo(tmp_path, "en", "zh", 2)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count('data-name="source"') == 10
    assert page.count('scope="row"') == 10
    assert page.count("<svg") >= 3
    right, wrong = page.count(" ✓</b>"), page.count(" ✗ is ")
    assert right <= 10
    assert wrong == 10
    assert page.count("<img") == right + wrong
    found = documents(page)
    shown = re.findall(r'data-name="source"[^>]*>([^<]*)<', page)
    assert sorted(one["text"]["source"] for one in found["sentences"]) == sorted(map(html.unescape, shown))
    assert len(found["images"]) == right + wrong
    for kind in ("sentences", "images"):
        assert [bool(one.get("walk")) for one in found[kind]] == [True, *[False] * (len(found[kind]) - 1)]
    assert len(page) < 2e6
    assert (tmp_path / "data" / "alignments.tsv").read_text(encoding="utf-8").count("\n") == 400
    assert found["sentences"][0]["text"]["alignment"]["error"] is not None
    told = capsys.readouterr().err
    for text in ("% exact", "% right", "report.html", "next:", "patchword translate", "patchword classify"):
        assert text in told
    for name in ("translator", "classifier"):
        facts = api.load(tmp_path / name).facts
        assert facts["command"] == f"patchword demo --out {tmp_path} --from en --to zh --seed 2"


def test_a_signal_ends_the_demo_with_its_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        api, "train", lambda *args, **options: Outcome(7, None, signal.SIGTERM, "translation", tmp_path)
    )
    with pytest.raises(SystemExit) as caught:
        run.run_demo(tmp_path, "en", "de")
    assert caught.value.code == 128 + signal.SIGTERM
    assert not (tmp_path / "report.html").exists()


def test_wrong_input_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no locale 'german'; did you mean 'de'"):
        run.run_demo(tmp_path / "out", "en", "german")
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="is a file"):
        run.run_demo(tmp_path / "file", "en", "de")


def test_the_recipes_hold_out_their_own_validation_data_and_end_by_steps(tmp_path: Path) -> None:
    translation = run.translation_recipe(tmp_path / "phrases.tsv", "en", "zh", 3)
    classification = run.classification_recipe(tmp_path / "digits", 3)
    for recipe in (translation, classification):
        assert recipe.training.seed == 3
        assert recipe.data.validation is None
        # Beside another program a time limit would end them before they have learned.
        assert recipe.training.max_minutes is None
        assert recipe.training.max_steps is not None


def test_of_the_phrases_to_look_into_the_longest_right_one_comes_first_and_has_the_walk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [TranslationRow("a", "x", "x"), TranslationRow("a b c", "x", "y"), TranslationRow("a b", "x", "x")]
    monkeypatch.setattr(inside, "explained", lambda model, text, name, walk: {"text": text, "walk": walk})
    found = run.explained_phrases(None, rows)
    assert [(one["text"], one["walk"]) for one in found] == [("a b", True), ("a", False), ("a b c", False)]
