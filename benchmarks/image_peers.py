"""ViT-B/16 and ResNet-50 at 224 pixels beside onnxruntime and timm: random weights, alternating, in own processes.

usage: image_peers.py [--threads N] [--rounds N] [--columns 1,8] [--precisions float32,int8] [--models vit,resnet]

Each run goes through eight images. onnxruntime runs timm's network as torch exports it, with all threads on a batch,
and where there are several images with a session a thread; its int8 is its own dynamic quantisation. It has no bfloat16
here, so ours is beside its float32. A ResNet is compared in float32 alone: ours has nothing else.
"""

import argparse
import logging
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import workers

SIZE = 224
IMAGES = 8  # of a run, in batches of one or more

TIMM = {"vit": "vit_base_patch16_224", "resnet": "resnet50"}


def patchword_runs(folder: Path, name: str, precision: str, threads: int) -> workers.Runs:
    """Ours; a ViT without torch, from the model folder that `_written` makes."""
    import os

    import numpy

    os.environ["OMP_NUM_THREADS"] = str(threads)
    images: Any = numpy.random.default_rng(1).standard_normal((IMAGES, 3, SIZE, SIZE), dtype=numpy.float32)
    if name == "vit":
        from patchword import runtime

        engine: Any = runtime.load(folder / "vit", precision=precision, device="cpu").network
    else:
        import torch

        from patchword.engine.choice import packed
        from patchword.models.residual_network import ResidualNetwork
        from patchword.models.residual_network_config import ResidualNetworkConfig

        torch.set_num_threads(threads)
        model = ResidualNetwork(ResidualNetworkConfig.named("resnet50", 1000)).eval()
        images, engine = torch.from_numpy(images), torch.inference_mode()(packed(model, precision, consume=True))

    def run(column: str) -> int:
        for start in range(0, len(images), int(column)):
            engine(images[start : start + int(column)])
        return len(images)

    return run


def onnxruntime_runs(folder: Path, name: str, precision: str, threads: int, sessions: int = 1) -> workers.Runs:
    """onnxruntime, with so many sessions that share the threads, and a batch, out."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads // sessions
    path = folder / f"{name}.{precision}.onnx"
    opened = [onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for _ in range(sessions)]
    images = numpy.random.default_rng(1).standard_normal((IMAGES, 3, SIZE, SIZE), dtype=numpy.float32)
    pool = ThreadPoolExecutor(sessions)

    def run(column: str) -> int:
        for start in range(0, len(images), int(column)):
            parts = numpy.array_split(images[start : start + int(column)], min(sessions, int(column)))
            list(pool.map(lambda session, part: session.run(None, {"x": part}), opened, parts))
        return len(images)

    return run


def timm_runs(folder: Path, name: str, precision: str, threads: int) -> workers.Runs:
    """timm in torch's eager mode, float32."""
    import torchvision_operators  # isort: skip  # noqa: F401
    import timm  # isort: skip
    import torch

    torch.set_num_threads(threads)
    model = timm.create_model(TIMM[name]).eval()
    images = torch.randn(IMAGES, 3, SIZE, SIZE)

    @torch.inference_mode()
    def run(column: str) -> int:
        for batch in images.split(int(column)):
            model(batch)
        return len(images)

    return run


def _written(folder: Path, name: str, quantised: bool) -> workers.Runs:
    import torchvision_operators  # isort: skip  # noqa: F401
    import timm  # isort: skip
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from patchword.images.classifier import ImageClassifier
    from patchword.images.transforms import Preprocessing
    from patchword.models.vision_transformer import VisionTransformer
    from patchword.models.vision_transformer_config import VisionTransformerConfig

    if name == "vit":
        ours = VisionTransformer(VisionTransformerConfig(num_classes=1000))
        ImageClassifier(ours, Preprocessing(), [str(index) for index in range(1000)]).save(folder / "vit")
    logging.disable(logging.WARNING)
    torch.onnx.export(
        timm.create_model(TIMM[name]).eval(), (torch.randn(1, 3, SIZE, SIZE),),
        str(folder / f"{name}.float32.onnx"), dynamo=False, input_names=["x"], output_names=["y"],
        dynamic_axes={"x": {0: "batch"}}, opset_version=17,
    )  # fmt: skip
    if quantised:
        source, target = (folder / f"{name}.{precision}.onnx" for precision in ("float32", "int8"))
        quantize_dynamic(source, target, weight_type=QuantType.QInt8)
    return lambda _: 0


def main() -> None:
    """Print a line a precision and batch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--columns", default="1,8")
    parser.add_argument("--precisions", default="float32,bfloat16,int8")
    parser.add_argument("--models", default="vit,resnet")
    arguments = parser.parse_args()
    print(f"{arguments.threads} threads, images/s (medians of {arguments.rounds} rounds)", flush=True)
    for model in arguments.models.split(","):
        precisions = [p for p in arguments.precisions.split(",") if p == "float32" or model == "vit"]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            workers.Worker(_written, folder, model, "int8" in precisions).close()
            for precision in precisions:
                _compare(folder, model, precision, arguments)


def _compare(folder: Path, model: str, precision: str, arguments: argparse.Namespace) -> None:
    theirs = "float32" if precision == "bfloat16" else precision
    systems: dict[str, tuple[Any, str]] = {
        "patchword": (patchword_runs, precision),
        "onnxruntime": (onnxruntime_runs, theirs),
        "onnxruntime each": (partial(onnxruntime_runs, sessions=arguments.threads), theirs),
    }
    if precision == "float32":
        systems["timm"] = (timm_runs, theirs)
    running = {
        name: workers.Worker(build, folder, model, kind, arguments.threads) for name, (build, kind) in systems.items()
    }
    for column in arguments.columns.split(","):
        speeds = workers.compare(running, column, arguments.rounds)
        print(f"{model:6s} {precision:8s} batch {column:3s} {workers.line(speeds, 'patchword')}", flush=True)
    peaks = "  ".join(f"{name} {worker.close():.0f}" for name, worker in running.items())
    print(f"{model:6s} {precision:8s} peak MB   {peaks}", flush=True)


if __name__ == "__main__":
    main()
