"""Settings of the wrong type, in every file of a checkpoint that has settings, are one sentence."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from patchword import api
from patchword.converters.settings import Settings
from patchword.errors import CheckpointError, PatchwordError
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig
from tests.fuzz.share import WHOLE

ODD: list[Any] = ["x", "12", "", -1, 0, 1.5, True, [], {}, [1], [1, 2, 3], {"a": 1}, [None], float("nan"), 10**12]


def settings(**values: Any) -> Settings:
    return Settings(Path("config.json"), values)


def test_a_value_of_the_right_type_is_given_and_null_is_nothing() -> None:
    found = settings(a=3, b=0.5, c=[1, 2.5], d=[2, 3], e={"height": 4, "width": 5}, f=None)
    assert (found.whole("a"), found.number("a"), found.number("b"), found.numbers("c")) == (3, 3.0, 0.5, [1.0, 2.5])
    assert (found.sides("a"), found.sides("d"), found.sides("e")) == ((3, 3), (2, 3), (4, 5))
    assert (found.whole("f", 7), found.number("f", 0.1), found.table("f"), found.table("e")["width"]) == (7, 0.1, {}, 5)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[("whole", value) for value in ("3", 1.0, True, -1, [3], 10**12)],
        *[("number", value) for value in ("0.5", True, [0.5], float("nan"), float("inf"))],
        *[("numbers", value) for value in (0.5, "ab", [None], ["1"], {"a": 1})],
        *[("sides", value) for value in ("3", 0, -8, 1.5, True, [1], [1, 2, 3], [None, 2], {"height": 3}, {}, 10**6)],
        *[("table", value) for value in ("ab", [1], 3, True)],
    ],
)
def test_a_value_of_another_type_is_named_with_what_it_should_be(kind: str, value: Any) -> None:
    with pytest.raises(CheckpointError, match=r"^config\.json: key = .*: expected "):
        getattr(settings(key=value), kind)("key")


def test_a_missing_value_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"^config\.json: key 'size' is missing$"):
        settings(size=None).whole("size")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints of ours in the formats of transformers and timm."""
    folder = tmp_path_factory.mktemp("checkpoints")
    sizes = {"patch_size": 8, "d_model": 8, "num_heads": 2, "num_layers": 1, "d_ff": 12}
    vit = VisionTransformer(VisionTransformerConfig.parse({**sizes, "num_classes": 2, "image_size": (16, 16)}, ""))
    api.export(ImageClassifier(vit, Preprocessing(image_size=(16, 16)), ["a", "b"]), folder / "vit", "hf")
    vocabulary = Vocabulary.train(["ride a bike"], ["fahr ein Rad"], VocabularyConfig(size=290, shrink=True))
    fields = {"d_model": 8, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 12, "norm_first": False}
    special = {f"{name}_id": getattr(vocabulary, f"{name}_id") for name in ("pad", "bos", "eos")}
    vocab = {f"{side}_vocab_size": vocabulary.source_size for side in ("source", "target")}
    config = TransformerConfig.parse({**fields, **special, **vocab, "share_embeddings": True}, "")
    api.export(Translator(Transformer(config), vocabulary, ("en", "de")), folder / "marian", "hf")
    names = {"cls_token": (1, 1, 8), "pos_embed": (1, 5, 8), "patch_embed.proj.weight": (8, 3, 8, 8)}
    names |= {"patch_embed.proj.bias": (8,), "head.weight": (2, 8), "head.bias": (2,)}
    names |= {"blocks.0.attn.qkv.weight": (24, 8), "blocks.0.attn.qkv.bias": (24,)}
    names |= {"blocks.0.attn.proj.weight": (8, 8), "blocks.0.attn.proj.bias": (8,)}
    names |= {"blocks.0.mlp.fc1.weight": (12, 8), "blocks.0.mlp.fc1.bias": (12,)}
    names |= {"blocks.0.mlp.fc2.weight": (8, 12), "blocks.0.mlp.fc2.bias": (8,)}
    names |= {
        f"{norm}.{kind}": (8,) for norm in ("norm", "blocks.0.norm1", "blocks.0.norm2") for kind in ("weight", "bias")
    }
    (folder / "timm").mkdir()
    save_file({name: torch.randn(shape) for name, shape in names.items()}, folder / "timm" / "model.safetensors")
    settings = {
        "input_size": [3, 16, 16],
        "crop_pct": 0.9,
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "label_names": ["a", "b"],
    }
    timm = {"architecture": "vit_x", "pretrained_cfg": settings, "model_args": {"img_size": 16, "num_heads": 2}}
    (folder / "timm" / "config.json").write_text(json.dumps(timm))
    return {path.name: path for path in folder.iterdir()}


def imported(folder: Path, out: Path) -> str | None:
    """What an import is refused with, or None for a model that opens; nothing is left behind."""
    try:
        api.import_checkpoint(folder, out)
    except PatchwordError as error:
        return str(error) + ("\nhalf-written" if out.exists() else "")
    api.load(out)
    shutil.rmtree(out)
    return None


def tables(values: dict[str, Any]) -> list[dict[str, Any]]:
    """A JSON object and the objects in it."""
    return [values, *(value for value in values.values() if isinstance(value, dict))]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("vit", "config.json"),
        ("vit", "preprocessor_config.json"),
        ("timm", "config.json"),
        ("marian", "config.json"),
        ("marian", "generation_config.json"),
        ("marian", "tokenizer_config.json"),
    ],
)
def test_a_setting_of_any_type_is_imported_whole_or_refused(
    folders: dict[str, Path], tmp_path: Path, name: str, file: str
) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(folders[name], folder)
    values = json.loads((folder / file).read_text())
    refused = 0
    for table in tables(values):
        for place, key in enumerate(table):
            before = table[key]
            for odd in odds(place):
                if odd == 10**12 and key in ("encoder_layers", "decoder_layers"):
                    continue
                table[key] = odd
                (folder / file).write_text(json.dumps(values))
                refusal = imported(folder, tmp_path / "ours")
                refused += refusal is not None
                assert "\n" not in (refusal or "")
            table[key] = before
    assert refused > len(ODD) // 3


def odds(place: int) -> list[Any]:
    """All odd values; in the quick share a third, another one for the next key."""
    return [*ODD, None] if WHOLE else [*ODD, None][place % 3 :: 3]


@pytest.mark.parametrize("tensor", [torch.tensor(1.0), torch.zeros(0), torch.ones(5), torch.ones(2, 8).int()])
def test_a_tensor_of_any_shape_and_type_is_refused(
    folders: dict[str, Path], tmp_path: Path, tensor: torch.Tensor
) -> None:
    for name in ("vit", "timm"):
        folder = tmp_path / name
        shutil.copytree(folders[name], folder)
        tensors = load_file(folder / "model.safetensors")
        for key in tensors:
            save_file({**tensors, key: tensor}, folder / "model.safetensors")
            with pytest.raises(CheckpointError):
                api.import_checkpoint(folder, tmp_path / "ours")
            assert not (tmp_path / "ours").exists()


def test_arrays_of_the_other_byte_order_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", kernel=np.ones(3, ">f4"))
    with pytest.raises(CheckpointError, match="unknown type"):
        api.import_checkpoint(tmp_path / "a.npz", tmp_path / "ours")


def test_text_that_cannot_be_written_again_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(folders["vit"], folder)
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "id2label": {"0": "\ud800", "1": "b"}}))
    with pytest.raises(CheckpointError, match="surrogates not allowed"):
        api.import_checkpoint(folder, tmp_path / "ours")


def test_images_that_are_not_rgb_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(folders["vit"], folder)
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "num_channels": 1}))
    with pytest.raises(CheckpointError, match="takes images of 1 channels; only RGB"):
        api.import_checkpoint(folder, tmp_path / "ours")


def test_names_that_no_file_can_have_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    for source, out in (("a" * 300, "ours"), ("/dev/null", "ours"), (folders["vit"], "a" * 300)):
        with pytest.raises(PatchwordError):
            api.import_checkpoint(source, tmp_path / out)
