"""Every command and every Python block of both READMEs, as it stands, on small data of the names that it has."""

import ast
import re
import shlex
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from patchword import api
from patchword.cli.main import main
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from tests.converters.local_hub import LocalHub, running
from tests.converters.marian import reference as marian
from tests.stand_in import write_demo

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh.md"

# What makes a training short; the rest of its line stays as it stands.
SHORT = ["--max-steps", "2", "--set", "training.validate_every=2", "--batch-size", "64"]
SMALL = {
    "translation": ["--set", "vocabulary.size=420", "--set", "vocabulary.shrink=true", "--set", "data.hold_out=20"],
    "recipes/multi30k-en-de.toml": ["--set", "vocabulary.size=420", "--set", "validate_bleu=false"],
    "recipes/multi30k-en-de-rnn.toml": ["--set", "vocabulary.size=420", "--set", "validate_bleu=false"],
}


def commands(readme: Path) -> list[str]:
    """The lines that begin with our program's name, without their comments."""
    lines = re.findall(r"^    (patchword .*)$", readme.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.join(shlex.split(line, comments=True)) for line in lines]


def blocks(readme: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(
    tmp_path: Path, phrases: tuple[Path, Path], photos: Path, monkeypatch: pytest.MonkeyPatch, multi30k: Path
) -> Path:
    """A folder with everything that the READMEs name, as the current one."""
    english, german = (path.read_text(encoding="utf-8").splitlines()[:150] for path in phrases)
    for name, lines in (("a.en", english), ("a.de", german), ("test.en", english[:9]), ("test.de", german[:9])):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    pairs = "".join(f"{source}\t{target}\n" for source, target in zip(english, german, strict=True))
    (tmp_path / "pairs.tsv").write_text(pairs, encoding="utf-8")
    for split in ("train", "val", "test_2016_flickr"):
        (tmp_path / "multi30k").mkdir(exist_ok=True)
        for name, lines in (("en", english), ("de", german)):
            text = "".join(f"{line}\n" for line in lines)
            (tmp_path / "multi30k" / f"{split}.{name}").write_text(text, encoding="utf-8")
    picture = Image.open(next((photos / "red").iterdir()))
    for name in ("cat.jpg", "dog.png"):
        picture.save(tmp_path / name)
    shutil.copytree(photos / "red", tmp_path / "folder")
    for name in ("photos.zip", "test.zip", "train.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            for path in sorted(photos.rglob("*.png")):
                file.write(path, path.relative_to(photos))
    # What a model of two steps writes may be no text; a message without words needs none.
    (tmp_path / "app.po").write_text('msgid "%s: %d"\nmsgstr ""\n')
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    (tmp_path / "demo").mkdir()
    write_demo(tmp_path / "demo")
    vit(tmp_path / "vit-base-patch16-224")
    opus(tmp_path / "opus-mt-en-de", english, german)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def vit(folder: Path) -> None:
    sizes = {"d_model": 16, "num_layers": 1, "num_heads": 2, "d_ff": 16, "patch_size": 8, "image_size": (16, 16)}
    model = VisionTransformer(VisionTransformerConfig.parse({**sizes, "num_classes": 3}, "test"))
    torch.nn.init.normal_(model.head.linear.weight)
    preprocessing = Preprocessing(image_size=(16, 16), resize="squash")
    api.export(ImageClassifier(model, preprocessing, ("a", "b", "c")), folder, "hf")


def opus(folder: Path, english: list[str], german: list[str]) -> None:
    tokenizer = marian.make_tokenizer(folder.with_name("pieces"), english, german, 300, False)
    marian.save(marian.build({False: tokenizer}), tokenizer, folder)


def run(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = shlex.split(line)
    if arguments[1] == "train" and "--resume" not in arguments:
        arguments += SHORT + ([] if "--init" in arguments else SMALL.get(arguments[2], []))
    if arguments[1] == "bench":
        arguments += ["--rounds", "1"]
    if arguments[1] == "compare":
        arguments += ["--list"]  # minutes and hours otherwise; tests/compare runs a cell of each
    if "--measure" in arguments:
        arguments += ["--images", "2"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    out, said = capsys.readouterr()
    assert ended.value.code == 0, f"{line}\n{out}\n{said}"


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings(marian.THEIR_WARNING)
def test_every_line_and_block_runs(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    constants: Any = pytest.importorskip("huggingface_hub.constants")
    hub = LocalHub()
    hub.repositories["google/vit-base-patch16-224"] = {"main": place / "vit-base-patch16-224"}
    hub.repositories["Helsinki-NLP/opus-mt-en-de"] = {"main": place / "opus-mt-en-de"}
    monkeypatch.setenv("PATCHWORD_CACHE", str(place / "cache"))
    found = commands(ENGLISH)
    assert len(found) > 15
    with running(hub) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(place / "hub"))
        for line in found:
            if line.split()[1] == "serve":
                continue  # it would not end; test_tour serves
            output = re.search(r"--out (\S+)", line)
            if output and "--resume" not in line and Path(output[1]).exists():
                shutil.rmtree(output[1])  # two lines may show two ways to the same folder
            run(line, monkeypatch, capsys)
        for block in blocks(ENGLISH):
            shutil.rmtree("models/vit", ignore_errors=True)
            shutil.rmtree("runs/mine", ignore_errors=True)
            exec(compile(block, "README.md", "exec"), {"__name__": "readme"})


def test_the_chinese_one_shows_the_same_commands_and_python() -> None:
    assert commands(CHINESE) == commands(ENGLISH)
    english, chinese = ([ast.dump(ast.parse(block)) for block in blocks(path)] for path in (ENGLISH, CHINESE))
    assert chinese == english
