"""`patchword bench` measures every way to run a model."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from patchword.cli.main import app
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig

SIZES = {"d_model": 16, "num_heads": 2, "d_ff": 16}


@pytest.fixture
def translator(tmp_path: Path) -> Path:
    words = ["one two three four", "five six seven"]
    vocabulary = Vocabulary.train(words, words, VocabularyConfig(size=300, shrink=True))
    size = {"source_vocab_size": vocabulary.source_size, "target_vocab_size": vocabulary.source_size}
    config = TransformerConfig.parse({**size, **SIZES, "encoder_layers": 1, "decoder_layers": 1}, "test")
    Translator(Transformer(config), vocabulary).save(tmp_path / "translator")
    return tmp_path / "translator"


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    config = VisionTransformerConfig.parse(
        {**SIZES, "num_layers": 1, "num_classes": 2, "image_size": (8, 8), "patch_size": 4}, "test"
    )
    ImageClassifier(VisionTransformer(config), Preprocessing(image_size=(8, 8)), ("a", "b")).save(tmp_path / "images")
    return tmp_path / "images"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    app(["bench", *map(str, arguments), "--rounds", "1"], standalone_mode=False)
    return capsys.readouterr().out


def test_a_translator_is_measured_greedily_and_with_a_beam(
    translator: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_num_threads(1)
    rows = [json.loads(line) for line in run(capsys, translator, "--json").splitlines()]
    assert {row["way"] for row in rows} == {"reference", "float32", "bfloat16", "int8"}
    assert {(row["method"], row["sentences"]) for row in rows} == {
        (method, size) for method in ("greedy", "beam 4") for size in (1, 16, 64)
    }
    assert all(0 < row["sentences_a_second"] <= row["tokens_a_second"] for row in rows)


def test_a_classifier_gets_a_table(classifier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(capsys, classifier, "--threads", "1")
    assert "images a second, cpu, 1 threads" in shown
    assert all(f"{size} at once" in shown for size in (1, 8, 32))


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--threads", 10**6, "less than or equal to 1024"),
        ("--rounds", 10**30, "less than or equal to 1000"),
        ("--threads", 0, "greater than or equal to 1"),
    ],
)
def test_threads_and_rounds_have_a_range(translator: Path, option: str, value: int, said: str) -> None:
    done = CliRunner().invoke(app, ["bench", str(translator), option, str(value)])
    assert done.exit_code == 2
    assert said in done.output


def test_off_the_processor_the_reference_alone_is_measured(
    classifier: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from patchword import api

    load = api.load
    monkeypatch.setattr("patchword.api.find_device", lambda _: torch.device("meta"))
    monkeypatch.setattr("patchword.api.load", lambda model, **how: load(model, **{**how, "device": "cpu"}))
    shown = run(capsys, classifier, "--device", "auto")
    assert "reference" in shown
    assert "int8" not in shown
    assert all(f"{size} at once" in shown for size in (1, 8, 32))
    rows = [json.loads(line) for line in run(capsys, classifier, "--device", "auto", "--json").splitlines()]
    assert {(row["way"], row["device"]) for row in rows} == {("reference", "cpu")}
