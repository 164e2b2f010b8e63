"""The command line as people use it: what it prints, its exit codes, its one-sentence errors."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patchword.cli.main import app
from patchword.errors import PatchwordError
from patchword.text.translator import Translator
from tests.forked import run


def problem(*arguments: object) -> str:
    """The sentence of a command that must fail on its input."""
    with pytest.raises(PatchwordError) as caught:
        CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    text = str(caught.value)
    assert "\n" not in text
    return text


SMALL = ["--set", "model={size='tiny', d_model=32, num_heads=2, encoder_layers=1, decoder_layers=1, d_ff=32}"]


@pytest.fixture(scope="module")
def translator(phrases: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cli") / "en-de"
    settings = [*SMALL, "--set", "training.max_steps=60", "--set", "vocabulary.size=400"]
    done = run("train", "translation", "--source", phrases[0], "--target", phrases[1], "--out", out, *settings)
    assert done.returncode == 0, done.stderr
    assert "picked model.size = tiny" in done.stderr
    assert f"the best model is {out}/best" in done.stderr
    return out


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("cli-images")
    for value, name in ((60, "dark"), (190, "light")):
        (folder / "photos" / name).mkdir(parents=True)
        for index in range(20):
            pixels = np.random.default_rng(index).integers(value - 50, value + 50, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{index}.png")
    settings = ["--set", "training.max_steps=30", "--set", "model.num_layers=1", "--set", "batch_size=8"]
    done = run("train", "classification", "--data", folder / "photos", "--out", folder / "run", *settings)
    assert done.returncode == 0, done.stderr
    assert "picked images of 32 x 32 pixels" in done.stderr
    return folder / "run", folder / "photos"


def test_translate_gives_a_line_for_a_line(translator: Path, tmp_path: Path) -> None:
    lines = "3 days\n\n  \nfour hours and seven minutes\n"
    from_stdin = run("translate", translator, stdin=lines)
    assert from_stdin.returncode == 0, from_stdin.stderr
    out = from_stdin.stdout.split("\n")
    assert len(out) == 5
    assert out[1] == out[2] == out[4] == ""
    (tmp_path / "in.txt").write_text(lines)
    assert run("translate", translator, "--file", tmp_path / "in.txt").stdout == from_stdin.stdout
    arguments = run("translate", translator, "3 days", "", "four hours and seven minutes")
    assert arguments.stdout.split("\n")[::2][:2] == [out[0], out[3]]


def test_n_best_and_json_carry_scores(translator: Path) -> None:
    rows = run("translate", translator, "3 days", "--n-best", "3").stdout.strip().split("\n")
    assert [row.split("\t")[0] for row in rows] == ["1", "1", "1"]
    scores = [float(row.split("\t")[1]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    found = json.loads(run("translate", translator, "3 days", "--n-best", "3", "--json").stdout)
    assert found["source"] == "3 days"
    assert [a["score"] for a in found["alternatives"]] == pytest.approx(scores, abs=1e-4)


def test_options_that_are_left_out_are_the_models_own(translator: Path, tmp_path: Path) -> None:
    shutil.copytree(translator / "best", tmp_path / "greedy")
    config = json.loads((tmp_path / "greedy" / "config.json").read_text())
    config["details"]["search"] = {"method": "greedy", "max_extra": 2}
    (tmp_path / "greedy" / "config.json").write_text(json.dumps(config))

    def score(model: Path, *options: str) -> float:
        found = CliRunner().invoke(app, ["translate", str(model), "3 days and four hours", "--json", *options])
        return float(json.loads(found.output)["score"])

    own = score(tmp_path / "greedy")
    assert own == score(translator, "--method", "greedy", "--max-extra", "2")
    assert own != score(translator)
    assert score(tmp_path / "greedy", "--beam", "4") == score(translator, "--max-extra", "2")


def test_lines_before_a_wrong_byte_are_translated_and_the_byte_is_named(translator: Path) -> None:
    done = run("translate", translator, stdin=b"3 days\nf\xfcnf\n")
    assert done.returncode == 2
    assert done.stderr.strip() == "patchword: standard input, line 2: not UTF-8 text: byte 0xfc"
    assert len(done.stdout.split("\n")) == 2


def test_evaluate_prints_scores_with_signatures(translator: Path, phrases: tuple[Path, Path], tmp_path: Path) -> None:
    for name, path in zip(("s", "t"), phrases, strict=True):
        (tmp_path / name).write_text("".join(path.read_text().splitlines(keepends=True)[:20]))
    both = ["--source", tmp_path / "s", "--target", tmp_path / "t"]
    done = run("evaluate", translator, *both, "--output", tmp_path / "out.txt")
    assert done.returncode == 0, done.stderr
    assert "tok:13a" in done.stdout
    assert len((tmp_path / "out.txt").read_text().splitlines()) == 20
    assert "language assumed for the scores: en to de, as said" in done.stderr
    assert json.loads(run("evaluate", translator, *both, "--json").stdout)["sentences"] == 20


def test_columns_may_have_any_names(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("\U0001f1ec\U0001f1e7\t\u00f6\n" + "a dog\tein Hund\n" * 19, encoding="utf-8")
    data = ["train", "translation", "--data", tmp_path / "a.tsv", "--out", tmp_path / "run", "--columns"]
    assert "at least 20 are needed" in problem(*data, "\U0001f1ec\U0001f1e7,\u00f6")


def test_an_evaluation_says_its_languages_and_writes_a_line_for_a_text(
    translator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.tsv").write_text("1\tthree days\t三天\n2\tseven hours\t七个小时\n")
    data = ["evaluate", str(translator), "--data", str(tmp_path / "a.tsv"), "--output", str(tmp_path / "out")]
    with monkeypatch.context() as patched:
        patched.setattr(Translator, "_text", lambda self, hypothesis: "a\nb\u2028c\r")
        done = CliRunner().invoke(app, [*data, "--columns", "2,3", "--target-language", "cmn"])
    assert done.exit_code == 0, done.output
    assert "tok:zh" in done.stdout
    assert "language assumed for the scores: en to zh, as said by 'cmn'" in done.stderr
    assert (tmp_path / "out").read_text() == "a b c\n" * 2
    done = CliRunner().invoke(app, [*data, "--columns", "2,3"])
    assert "warning: the references have Chinese letters" in done.stderr
    assert "--columns 1,2" in problem(*data)
    (tmp_path / "a.tsv").write_text("three days\t\n")
    assert "line 1: the target side is empty" in problem(*data)


def test_classify_reports_a_broken_image_goes_on_and_exits_with_1(
    classifier: tuple[Path, Path], tmp_path: Path
) -> None:
    model, photos = classifier
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no")
    done = run("classify", model, photos / "dark/0.png", tmp_path / "broken.png", photos / "light/0.png", "--top", "1")
    assert done.returncode == 1
    assert done.stdout.split("\n")[::2][:2] == [str(photos / "dark/0.png"), str(photos / "light/0.png")]
    assert done.stderr.strip() == f"patchword: {tmp_path}/broken.png: not an image, or of an unknown format"
    rows = [json.loads(line) for line in run("classify", model, photos / "dark/0.png", "--json").stdout.splitlines()]
    assert {p["class"] for p in rows[0]["predictions"]} == {"dark", "light"}


def test_evaluate_a_classifier_prints_its_tables(classifier: tuple[Path, Path]) -> None:
    model, photos = classifier
    done = run("evaluate", model, "--data", photos)
    assert done.returncode == 0, done.stderr
    for part in ("top-1 accuracy", "calibration error", "precision", "confusion", "dark", "light"):
        assert part in done.stdout
    found = json.loads(run("evaluate", model, "--data", photos, "--json").stdout)
    assert sum(map(sum, found["confusion"])) == found["images"] == 40


def test_info_says_what_a_model_is_and_what_made_it(translator: Path, classifier: tuple[Path, Path]) -> None:
    text = run("info", translator).stdout
    for part in (
        "translation by a transformer",
        "parameters",
        "validation_loss",
        "source_language: en",
        "train translation",
    ):
        assert part in text
    found = json.loads(run("info", classifier[0], "--json").stdout)
    assert found["details"]["classes"] == ["dark", "light"]


def test_resume_goes_on_where_the_run_stopped(translator: Path) -> None:
    done = run("train", "--resume", "--out", translator, "--set", "training.max_steps=70")
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line)["step"] for line in (translator / "metrics.jsonl").read_text().splitlines()]
    assert max(steps) == 70


def test_mistakes_with_data_are_one_sentence(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    short = tmp_path / "short.de"
    short.write_text("eins\n")
    out = ["--out", tmp_path / "out"]
    assert "has 1 lines, but" in problem("train", "translation", "--source", phrases[0], "--target", short, *out)
    assert "no such file" in problem("train", "translation", "--source", "x.en", "--target", short, *out)
    assert "go together" in problem("train", "translation", "--source", phrases[0], *out)
    assert "needs its data" in problem("train", "classification", *out)
    (tmp_path / "empty").mkdir()
    assert "holds no images" in problem("train", "classification", "--data", tmp_path / "empty", *out)
    assert not (tmp_path / "out").exists()


def test_mistakes_with_recipes_are_one_sentence(phrases: tuple[Path, Path], tmp_path: Path, translator: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text('task = "translation"\n[data]\ntrain = ["a.tsv"]\n[schedul]\nwarmup_steps = 3\n')
    out = ["--out", tmp_path / "out"]
    assert problem("train", recipe, *out) == f"{recipe}: unknown key 'schedul'; did you mean 'schedule'?"
    recipe.write_text('task = "translation"\n[data]\ntrain = ["a.tsv"]\n[schedule]\nwarmup_steps = -3\n')
    assert "schedule.warmup_steps = -3" in problem("train", recipe, *out)
    recipe.write_text("task = translation\n")
    assert "r.toml: not valid TOML" in problem("train", recipe, *out)
    recipe.write_text('task = "translatoin"\n')
    assert "did you mean 'translation'" in problem("train", recipe, *out)
    assert "no such recipe file" in problem("train", tmp_path / "none.toml", *out)
    assert "did you mean 'translation'" in problem("train", "translaton", *out)
    both = ["--source", phrases[0], "--target", phrases[1]]
    assert "already holds a run" in problem("train", "translation", *both, "--out", translator)
    assert "holds no run" in problem("train", "--resume", *out)


def test_mistakes_with_models_are_one_sentence(translator: Path, classifier: tuple[Path, Path], tmp_path: Path) -> None:
    assert "no such model folder" in problem("translate", tmp_path / "nothing", "x")
    assert "not a model folder" in problem("info", tmp_path)
    assert "translation was asked for" in problem("translate", classifier[0], "x")
    assert "classification was asked for" in problem("classify", translator, "x.png")
    assert "more than the beam's 4" in problem("translate", translator, "x", "--n-best", "9")


def test_errors_exit_with_2_and_without_a_traceback() -> None:
    done = run("info", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "patchword: nowhere: no such model folder\n"
    assert run("trian").returncode == 2


def test_help_shows_every_verb() -> None:
    text = CliRunner().invoke(app, ["--help"]).output
    for verb in ("train", "translate", "classify", "evaluate", "info", "demo"):
        assert verb in text
    assert CliRunner().invoke(app, ["--version"]).output.strip() == "0.1.0"


def test_importing_patchword_loads_no_torch() -> None:
    program = (
        "import sys, patchword; assert 'torch' not in sys.modules; patchword.Transformer; assert 'torch' in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
