"""What looking inside costs: ViT-B/16 at 224 pixels, random weights, beside one classification by the same network.

usage: explaining.py [--threads N] [--rounds N]

Every round runs each way once, in turn; a way's factor is the median of its time over the classification's of the same
round. "attention" is one pass that gives classes and attention, the map of every layer and head, rollout and the
distance of attention; "for a class" is relevance and Grad-CAM, one pass forward and one back. "document" is everything
that a page is made from, pictures and packing too, without the walk.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image

from patchword.explain.attention import read_attention, read_rollout
from patchword.explain.distance import attention_distance
from patchword.explain.explanation import explained
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig

SIZE = (224, 224)


def ways(system: ImageClassifier) -> dict[str, Callable[[], Any]]:
    """What is timed, by name; the first is what the others are compared with."""
    model = system.reference()
    images, classes = torch.randn(1, 3, *SIZE), torch.tensor([3])
    picture = Image.effect_mandelbrot((640, 480), (-2, -1.2, 1, 1.2), 50).convert("RGB")

    def classification() -> None:
        with torch.inference_mode():
            model(images)

    def attention() -> None:
        with torch.inference_mode():
            _, evidence = model.answer_and_evidence(images)
            read_attention(evidence)
            read_rollout(evidence)
            attention_distance(evidence["encoder"], SIZE)

    return {
        "classification": classification,
        "attention": attention,
        "for a class": lambda: model.class_evidence(images, classes),
        "document": lambda: explained(system, picture, walk=False),
    }


def main() -> None:
    """Print a line a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    model = VisionTransformer(VisionTransformerConfig(num_classes=1000))
    system = ImageClassifier(model, Preprocessing(image_size=SIZE), [str(number) for number in range(1000)])
    timed = ways(system)
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for number in range(arguments.rounds + 1):
        for name, run in timed.items():
            begin = time.perf_counter()
            run()
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - begin)
    base = seconds["classification"]
    print(f"{arguments.threads} threads, medians of {arguments.rounds} rounds")
    for name, found in seconds.items():
        factor = statistics.median(mine / one for mine, one in zip(found, base, strict=True))
        print(f"{name:15s} {1000 * statistics.median(found):7.0f} ms  {factor:5.2f} times a classification")
    picture = Image.effect_mandelbrot((640, 480), (-2, -1.2, 1, 1.2), 50).convert("RGB")
    print(f"document        {len(json.dumps(explained(system, picture, walk=False))) / 1000:7.0f} kB of JSON")


if __name__ == "__main__":
    main()
