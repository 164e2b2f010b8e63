"""Damaged and hostile model folders and foreign checkpoints: refused in one sentence, or answers that are finite."""

import json
import math
import random
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from patchword import api
from patchword.errors import PatchwordError
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.registry import ARCHITECTURES
from patchword.text.options import SearchOptions
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig
from tests.fuzz.share import cases
from tests.memory import peak_memory

CASES, SECONDS, BYTES = 1000, 20, 2 * 2**30

SURROGATE, NESTED = "\ud800", "<nested>"
HOSTILE: list[Any] = [10**30, 1e30, -1, 0, 10**9, 2**63, 10**5, 0.5, math.nan, math.inf, True, None, "", "x" * 5000]
HOSTILE += [SURROGATE, NESTED, [], {}, [[]], [1, 2, 3], ["a"], {"0": {"1": 2}}, "\x1b[2J\n", [10**9, 10**9]]

MODELS: dict[str, dict[str, Any]] = {
    "transformer": {"d_model": 8, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 12},
    "recurrent": {"embedding_size": 6, "hidden_size": 8},
    "vision_transformer": {"patch_size": 8, "d_model": 8, "num_heads": 2, "num_layers": 1, "d_ff": 12},
    "residual_network": {"depths": [1, 1], "widths": [8, 16], "stem_width": 8},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One of each: model folders of ours, and foreign checkpoints as folders, pickles, archives."""
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("whole")
    vocabulary = Vocabulary.train(["ride a bike"], ["fahr ein Rad"], VocabularyConfig(size=290, shrink=True))
    ids = {f"{name}_id": getattr(vocabulary, f"{name}_id") for name in ("pad", "bos", "eos")}
    sizes = {f"{side}_vocab_size": vocabulary.source_size for side in ("source", "target")}
    for name, fields in MODELS.items():
        architecture = ARCHITECTURES[name]
        if architecture.task == "translation":
            config = architecture.config.parse({**fields, **ids, **sizes}, "")
            system: Any = Translator(architecture.model(config), vocabulary, ("en", "de"))
        else:
            image = {"image_size": (16, 16)} if name == "vision_transformer" else {}
            config = architecture.config.parse({**fields, **image, "num_classes": 2}, "")
            system = ImageClassifier(architecture.model(config), Preprocessing(image_size=(16, 16)), ["a", "b"])
        api.save(system, root / name)
        if name != "recurrent":
            api.export(system, root / f"{name}-hf", "hf")
    tensors = load_file(root / "vision_transformer-hf" / "model.safetensors")
    for name, wrapped in (("old", False), ("new", True)):
        folder = root / f"pickle-{name}"
        shutil.copytree(root / "vision_transformer-hf", folder)
        (folder / "model.safetensors").unlink()
        torch.save({"state_dict": tensors}, folder / "pytorch_model.bin", _use_new_zipfile_serialization=wrapped)
    archive = root / "archive"
    archive.mkdir()
    np.savez(archive / "weights.npz", **jax_tensors())
    return {path.name: path for path in sorted(root.iterdir())}


def jax_tensors() -> dict[str, Any]:
    block = "Transformer/encoderblock_0"
    shapes: dict[str, tuple[int, ...]] = {"cls": (1, 1, 8), "Transformer/posembed_input/pos_embedding": (1, 5, 8)}
    shapes |= {"embedding/kernel": (8, 8, 3, 8), "embedding/bias": (8,), "head/kernel": (8, 2), "head/bias": (2,)}
    norms = (f"{block}/LayerNorm_0", f"{block}/LayerNorm_2", "Transformer/encoder_norm")
    shapes |= {f"{norm}/{kind}": (8,) for norm in norms for kind in ("scale", "bias")}
    attention = f"{block}/MultiHeadDotProductAttention_1"
    for name in ("query", "key", "value"):
        shapes |= {f"{attention}/{name}/kernel": (8, 2, 4), f"{attention}/{name}/bias": (2, 4)}
    shapes |= {f"{attention}/out/kernel": (2, 4, 8), f"{attention}/out/bias": (8,)}
    shapes |= {f"{block}/MlpBlock_3/Dense_0/kernel": (8, 12), f"{block}/MlpBlock_3/Dense_0/bias": (12,)}
    shapes |= {f"{block}/MlpBlock_3/Dense_1/kernel": (12, 8), f"{block}/MlpBlock_3/Dense_1/bias": (8,)}
    draw = np.random.default_rng(0)
    return {name: draw.normal(size=shape).astype("float32") for name, shape in shapes.items()}


def bytes_changed(draw: random.Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    kind = draw.choice(("flip", "flip", "cut", "zero", "grow", "header"))
    place = draw.randrange(len(content))
    if kind == "flip":
        for _ in range(draw.choice((1, 1, 3, 20))):
            content[draw.randrange(len(content))] = draw.randrange(256)
    elif kind == "cut":
        del content[place:]
    elif kind == "zero":
        content[place : place + draw.choice((1, 8, 200))] = bytes(len(content[place : place + 8]))
    elif kind == "grow":
        content[place:place] = draw.randbytes(draw.choice((1, 100)))
    else:
        content[: draw.choice((1, 8, 64))] = draw.randbytes(8)
    path.write_bytes(content)


def value_changed(draw: random.Random, path: Path) -> None:
    values = json.loads(path.read_text())
    tables = [values]
    for table in tables:
        tables += [value for value in table.values() if isinstance(value, dict) and value]
    table = draw.choice(tables)
    if draw.random() < 0.1:
        text = draw.choice(["[" * 100_000, "9" * 5000, "[]", "null", '"a"', "{}", json.dumps(draw.choice(HOSTILE[:8]))])
        path.write_text(text)
        return
    table[draw.choice([*table, "another"]) if draw.random() < 0.1 else draw.choice(list(table))] = draw.choice(HOSTILE)
    path.write_text(json.dumps(values).replace(json.dumps(NESTED), "[" * 100_000 + "]" * 100_000))


def tensor_changed(draw: random.Random, path: Path) -> None:
    tensors = load_file(path)
    name = draw.choice(list(tensors))
    value = draw.choice((math.nan, math.inf, 1e30, -1e38, 3.0, None))
    if value is None:
        del tensors[name]
    elif tensors[name].numel() and tensors[name].is_floating_point():
        tensors[name].view(-1)[draw.randrange(tensors[name].numel())] = value
    save_file(tensors, path)


def damage(draw: random.Random, folder: Path) -> Path:
    files = [path for path in sorted(folder.iterdir()) if path.suffix != ".md"]
    path = draw.choice(files)
    ways: list[Callable[[random.Random, Path], None]] = [bytes_changed]
    if path.suffix == ".json":
        ways += [value_changed] * 3
    if path.suffix == ".safetensors":
        ways.append(tensor_changed)
    draw.choice(ways)(draw, path)
    return path


def answer(folder: Path) -> None:
    """Ask the model in a folder; every number of its answer is finite."""
    api.describe(folder)
    system: Any = api.load(folder)
    if system.task == "translation":
        for result in system.translate(["ride a bike"], SearchOptions(beam=2, max_length=8)):
            assert math.isfinite(result.score)
            result.text.encode()
        return
    picture = Image.fromarray(np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3))
    for result in system.classify([picture]):
        assert result.predictions
        assert all(math.isfinite(probability) for _, probability in result.predictions)


def refusal(folder: Path, out: Path) -> str | None:
    """What a folder is refused with; None if it works."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if folder.name in MODELS:
                answer(folder)
            else:
                source = folder / "weights.npz" if folder.name == "archive" else folder
                api.import_checkpoint(source, out)
                answer(out)
    except PatchwordError as error:
        return str(error)
    return None


def blamed(folder: Path, damaged: Path, message: str) -> bool:
    """Whether a message is about another file than the damaged one."""
    others = (path.name for path in folder.iterdir() if path.name != damaged.name)
    return damaged.name not in message and any(f"{folder}/{other}: " in message for other in others)


def test_damage_is_refused_in_a_sentence_or_harmless(folders: dict[str, Path], tmp_path: Path) -> None:
    works = refused = 0
    before = peak_memory()
    for draw in cases(CASES):
        name = draw.choice(list(folders))
        folder, out = tmp_path / name, tmp_path / "imported"
        shutil.copytree(folders[name], folder)
        damaged = damage(draw, folder)
        begin = time.monotonic()
        try:
            message = refusal(folder, out)
        except Exception as error:
            raise AssertionError(f"{damaged} of case {works + refused}") from error
        assert time.monotonic() - begin < SECONDS, damaged
        works, refused = works + (message is None), refused + (message is not None)
        if message is not None:
            assert "\n" not in message
            assert len(message) < 2000
            assert not blamed(folder, damaged, message), (damaged, message)
        shutil.rmtree(folder)
        shutil.rmtree(out, ignore_errors=True)
    assert refused > works / 10
    assert peak_memory() <= max(before, BYTES)  # other tests of this process may have had more


def test_undamaged_ones_work(folders: dict[str, Path], tmp_path: Path) -> None:
    assert len(folders) == 10
    for name, folder in folders.items():
        assert refusal(folder, tmp_path / name) is None, name
