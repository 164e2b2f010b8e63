"""Random batches through the kernels: a sentence or an image must have the same bits whatever it is computed beside.

usage: random_batches.py [--cases N] [--seed N] [--precision P]

Every case is a random network (sizes, order of norms, activation, precision, instruction set) and a batch of it, which
is compared bit for bit with: its rows one by one, two threads, and eight callers at once. Prints each case with other
bits, and ends with 1 if there was one. `tests/engine/test_random_batches.py` runs some cases.
"""

import argparse
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from patchword.engine import native
from patchword.engine.choice import packed
from patchword.engine.precision import PRECISIONS
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.text.batches import pad
from patchword.text.search import SearchOptions, search

CALLERS = 8


def sizes(draw: random.Random) -> dict[str, Any]:
    """Widths that are and are not multiples of what the kernels go through at once."""
    heads = draw.choice([1, 2, 3, 4])
    d_model = heads * 2 * draw.randint(2, 20)
    activation = draw.choice(["relu", "gelu", "gelu_tanh", "silu"])
    first = {"norm_first": draw.random() < 0.5, "activation": activation}
    return {"d_model": d_model, "num_heads": heads, "d_ff": draw.randint(1, 150), **first}


def text_case(draw: random.Random, precision: Any) -> tuple[Callable[[list[int]], Any], int]:
    """A function from sentences' numbers to their hypotheses, and how many sentences there are."""
    share = draw.random() < 0.3
    vocabulary = {"source_vocab_size": draw.randint(8, 300)}
    vocabulary["target_vocab_size"] = vocabulary["source_vocab_size"] if share else draw.randint(8, 300)
    layers = {name: draw.randint(1, 3) for name in ("encoder_layers", "decoder_layers")}
    values = {**sizes(draw), **vocabulary, **layers, "share_embeddings": share, "tie_output": draw.random() < 0.5}
    engine = packed(Transformer(TransformerConfig.parse(values, "a case")).eval(), precision)
    count, highest = draw.randint(2, 9), vocabulary["source_vocab_size"] - 1
    rows = [[draw.randint(4, highest) for _ in range(draw.randint(1, 30))] for _ in range(count)]
    beam = draw.randint(1, 5)
    options = SearchOptions(beam=beam, method="greedy" if beam == 1 else "beam", max_extra=draw.randint(0, 10))
    return lambda numbers: search(engine, pad([rows[i] for i in numbers], 0), options), count


@torch.inference_mode()
def image_case(draw: random.Random, precision: Any) -> tuple[Callable[[list[int]], Any], int]:
    """A function from images' numbers to their logits as lists, and how many images there are."""
    patch, (rows, columns) = draw.randint(1, 6), (draw.randint(1, 7), draw.randint(1, 7))
    image = {"image_size": (patch * rows, patch * columns), "patch_size": patch, "num_layers": draw.randint(1, 3)}
    config = VisionTransformerConfig.parse({**sizes(draw), **image, "num_classes": draw.randint(1, 90)}, "a case")
    engine = packed(VisionTransformer(config).eval(), precision)
    count = draw.randint(2, 9)
    images = torch.randn(count, 3, *config.image_size)

    def compute(numbers: list[int]) -> Any:
        with torch.inference_mode():
            return engine(images[numbers]).tolist()

    return compute, count


def differences(seed: int, only: str | None = None) -> list[str]:
    """What has other bits in one case: nothing, if all is well; in any precision, or only in one."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    precision = draw.choice(PRECISIONS if only is None else [only])
    make = draw.choice([text_case, image_case])
    torch.set_num_threads(1)
    compute, count = make(draw, precision)
    order = draw.sample(range(count), count)
    alone = [compute([number])[0] for number in range(count)]
    right = [alone[number] for number in order]
    found = [] if compute(order) == right else ["a batch"]
    torch.set_num_threads(2)
    found += [] if compute(order) == right else ["two threads"]
    with ThreadPoolExecutor(CALLERS) as pool:
        together = list(pool.map(lambda _: compute(order) == right, range(CALLERS)))
    found += [] if all(together) else ["eight callers"]
    return [f"case {seed} ({make.__name__}, {precision}): {what} has other bits" for what in found]


def main() -> None:
    """Run the cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2900)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=PRECISIONS)
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.cases)
    found = [line for seed in seeds for line in differences(seed, arguments.precision)]
    print("\n".join([*found, f"{arguments.cases} cases on {native.variant()} kernels, {len(found)} with other bits"]))
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
