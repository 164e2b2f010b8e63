"""ViT-B/16 at 224 pixels beside onnxruntime and timm: random weights, alternating in one process.

usage: image_peers.py [--threads N] [--rounds N]

Every round runs each system once, so that a machine that slows down slows all of them; medians and ratios are printed.
"""

import torchvision_operators  # isort: skip  # noqa: F401

import argparse
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import onnxruntime
import timm
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from patchword.engine.choice import packed
from patchword.models.vision_transformer import VisionTransformer, VisionTransformerConfig


def main() -> None:
    """Print a line a precision and batch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(arguments.threads)
    plain = timm.create_model("vit_base_patch16_224").eval()
    reference = VisionTransformer(VisionTransformerConfig(num_classes=1000)).eval()
    print(f"{arguments.threads} threads, images/s (medians of {arguments.rounds} rounds)")
    with tempfile.TemporaryDirectory() as name:
        graph, quantised = str(Path(name) / "vit.onnx"), str(Path(name) / "vit_int8.onnx")
        torch.onnx.export(
            plain, (torch.randn(1, 3, 224, 224),), graph, dynamo=False, input_names=["x"], output_names=["y"],
            dynamic_axes={"x": {0: "batch"}}, opset_version=17,
        )  # fmt: skip
        quantize_dynamic(graph, quantised, weight_type=QuantType.QInt8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = arguments.threads
        for precision, file in (("float32", graph), ("int8", quantised)):
            session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
            engine: Any = packed(reference, precision)  # type: ignore[arg-type]
            for batch in (1, 8):
                x = torch.randn(batch, 3, 224, 224)
                systems: dict[str, Callable[[], object]] = {
                    "patchword": lambda x=x: engine(x),
                    "onnxruntime": lambda x=x.numpy(): session.run(None, {"x": x}),
                }
                if precision == "float32":
                    systems["timm"] = lambda x=x: plain(x)
                speeds = measured(systems, batch, arguments.rounds)
                text = "  ".join(f"{n} {s:6.2f} (x{speeds['patchword'] / s:.2f})" for n, s in speeds.items())
                print(f"{precision:8s} batch {batch}  {text}", flush=True)


@torch.inference_mode()
def measured(systems: dict[str, Callable[[], object]], batch: int, rounds: int) -> dict[str, float]:
    """Images a second of every system."""
    times: dict[str, list[float]] = {name: [] for name in systems}
    for turn in range(rounds + 1):
        for name, work in systems.items():
            start = time.perf_counter()
            work()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: batch / median(taken) for name, taken in times.items()}


if __name__ == "__main__":
    main()
