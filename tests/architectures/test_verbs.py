"""Every verb works with a model of any architecture."""

import gc
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword import api
from patchword.memory import _MAPPED
from tests.architectures.kinds import Workshop, done


def test_a_trained_model_answers(shop: Workshop, trained: Path) -> None:
    verb = "translate" if shop.kind.translates else "classify"
    out, _ = done(verb, trained, *shop.question)
    assert len(out.splitlines()) == (len(shop.question) if shop.kind.translates else 1 + 3)
    rows = [json.loads(line) for line in done(verb, trained, *shop.question, "--json")[0].splitlines()]
    assert len(rows) == len(shop.question)
    plainly, _ = done(verb, trained, *shop.question, "--json", "--reference")
    key = "text" if shop.kind.translates else "image"
    assert [json.loads(line)[key] for line in plainly.splitlines()] == [row[key] for row in rows]


def test_evaluate_scores_it(shop: Workshop, trained: Path) -> None:
    found = json.loads(done("evaluate", trained, *shop.options, "--json")[0])
    assert found["precision"] == "float32"
    count = len(shop.data[0].read_text().splitlines()) if shop.kind.translates else 36
    assert found["sentences" if shop.kind.translates else "images"] == count
    shown, _ = done("evaluate", trained, *shop.options)
    assert ("tok:13a" if shop.kind.translates else "top-1 accuracy") in shown


def test_a_translator_writes_its_answers_and_a_classifiers_features_vote(
    shop: Workshop, trained: Path, tmp_path: Path
) -> None:
    if shop.kind.translates:
        done("evaluate", trained, *shop.options, "--output", tmp_path / "answers")
        assert len((tmp_path / "answers").read_text().splitlines()) == len(shop.data[0].read_text().splitlines())
        return
    found = json.loads(done("evaluate", trained, *shop.options, "--knn", "3", "--json")[0])
    assert (found["k"], found["images"], found["neighbours"]) == (3, 36, 35)
    assert found["accuracy"] > 50  # three colours


def test_info_says_what_it_is(shop: Workshop, trained: Path) -> None:
    shown, _ = done("info", trained)
    assert f"{shop.kind.task} by a {shop.kind.name.replace('_', ' ')}" in shown
    assert "kernels on this machine: " in shown
    found = json.loads(done("info", trained, "--json")[0])
    assert found["architecture"] == shop.kind.name
    assert found["parameters"] == sum(p.numel() for p in api.load(trained).model.parameters())
    assert all(found["model"][name] == value for name, value in shop.kind.small.items())


def test_bench_measures_every_way_that_there_is(shop: Workshop, trained: Path) -> None:
    torch.set_num_threads(1)
    out, said = done("bench", trained, "--json", "--rounds", "1")
    rows = [json.loads(line) for line in out.splitlines()]
    rounded = {"bfloat16", "int8"}
    ways = {"reference", "float32"} | (set() if shop.kind.short == "cnn" else rounded)
    assert {row["way"] for row in rows} == ways
    assert all(row["sentences_a_second" if shop.kind.translates else "images_a_second"] > 0 for row in rows)
    for way in rounded:
        assert (f"{way} is left out: precision '{way}' needs" in said) == (shop.kind.short == "cnn")
    assert ("-" in done("bench", trained, "--rounds", "1")[0].split()) == (shop.kind.short == "cnn")


def test_what_it_looked_at_has_named_maps_with_axes(shop: Workshop, trained: Path) -> None:
    system: object = api.load(trained)
    seen = system.attention(shop.question[0])  # type: ignore[attr-defined]
    assert {name: found.axes for name, found in seen.evidence.items()} == shop.kind.evidence
    for found in seen.evidence.values():
        assert found.values.isfinite().all()
        assert (found.values >= 0).all()
    if shop.kind.translates:
        cross = seen.evidence["cross"].values
        assert cross.shape[-2:] == (len(seen.target_pieces), len(seen.source_pieces))
        torch.testing.assert_close(cross.sum(-1), torch.ones(cross.shape[:-1]))


def test_explain_shows_what_it_looked_at(shop: Workshop, trained: Path, tmp_path: Path) -> None:
    out, _ = done("explain", trained, shop.question[0])
    assert ("Links are read from" if shop.kind.translates else "strongest in the") in out
    done("explain", trained, shop.question[0], "--no-walk", "--out", tmp_path / "why.json")
    document = json.loads((tmp_path / "why.json").read_text())
    assert document["model"]["architecture"] == shop.kind.name
    part = document["text" if shop.kind.translates else "image"]
    assert part["maps"]


def test_what_is_saved_again_is_the_same(shop: Workshop, trained: Path, tmp_path: Path) -> None:
    system = api.load(trained)
    api.save(system, tmp_path / "again")
    assert shop.answers(api.load(tmp_path / "again")) == shop.answers(system)
    first, again = (folder / "model.safetensors" for folder in (trained / "best", tmp_path / "again"))
    assert first.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("to", ["hf", "onnx"])
def test_export_writes_it_or_says_why_not(
    shop: Workshop, trained: Path, tmp_path: Path, to: str, refused: object
) -> None:
    reasons = {
        ("recurrent", "hf"): "no class for our recurrent",
        ("recurrent", "onnx"): "the architecture recurrent has no graph",
        ("residual_network", "hf"): "cannot express",
    }
    reason = reasons.get((shop.kind.name, to))
    if reason is None:
        done("export", trained, tmp_path / "out", "--to", to)
        assert (tmp_path / "out" / "config.json").is_file()
    else:
        assert reason in refused("export", trained, tmp_path / "out", "--to", to)  # type: ignore[operator]


def test_a_loaded_model_keeps_nothing_of_its_file(
    shop: Workshop, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchword.checkpoints.weights._SMALL", 20)  # the models are small themselves
    folder = shutil.copytree(api.load(trained).folder or trained, tmp_path / "model")
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    for precision in ("float32",) if shop.kind.short == "cnn" else ("float32", "bfloat16", "int8"):

        def answers(system: Any) -> list[Any]:
            if shop.kind.translates:
                return system.translate(list(shop.question))
            return [answer.predictions for answer in system.classify(list(shop.question))]

        expected = answers(api.load(folder, precision=precision))
        system = api.load(folder, precision=precision)
        gc.collect()
        assert not _MAPPED
        weights.write_bytes(b"\0" * len(content))
        assert answers(system) == expected
        weights.write_bytes(content)
