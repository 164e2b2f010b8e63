"""A folder as `make demo` leaves it, with models that have learned nothing: what READMEs call demo/."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from tests.tiny import tiny_translator

NUMBERS = {"one": "一", "two": "二", "three": "三", "four": "四", "five": "五", "six": "六"}


def write_demo(folder: Path) -> None:
    """Write `translator/`, `classifier/` and of `data/` what is there to be read."""
    translator = tiny_translator()
    translator.languages = ("en", "zh")
    translator.save(folder / "translator" / "best")
    sizes = {"d_model": 16, "num_layers": 1, "num_heads": 2, "d_ff": 16, "patch_size": 2, "image_size": (8, 8)}
    model = VisionTransformer(VisionTransformerConfig.parse({**sizes, "num_classes": 10}, "test"))
    torch.nn.init.normal_(model.head.linear.weight)
    preprocessing = Preprocessing(image_size=(8, 8), resize="squash")
    ImageClassifier(model, preprocessing, tuple("0123456789")).save(folder / "classifier" / "best")
    pairs = [(f"{a} {b}", NUMBERS[a] + NUMBERS[b]) for a in NUMBERS for b in NUMBERS]
    data = folder / "data"
    data.mkdir()
    held_out = "".join(f"{source}\t{target}\n" for source, target in pairs)
    (data / "phrases.held_out.tsv").write_text(held_out, encoding="utf-8")
    linked = "".join(f"{source}\t{target}\t0-0 1-1\n" for source, target in pairs)
    (data / "alignments.tsv").write_text(linked, encoding="utf-8")
    draw = np.random.default_rng(0)
    for label in "0123456789":
        place = data / "digits" / "held_out" / label
        place.mkdir(parents=True)
        Image.fromarray(draw.integers(0, 256, (8, 8), dtype=np.uint8)).save(place / "0060.png")
