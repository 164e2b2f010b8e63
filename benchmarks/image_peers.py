"""ViT-B/16 and ResNet-50 at 224 pixels beside onnxruntime and timm: random weights, alternating, in own processes.

usage: image_peers.py [--threads N] [--rounds N] [--columns 1,8] [--precisions float32,int8] [--models vit,resnet]

Each run goes through eight images. onnxruntime runs timm's network as torch exports it; its int8 is its own dynamic
quantisation. A ResNet is compared in float32 alone: ours has no int8.
"""

import argparse
import logging
import tempfile
from pathlib import Path

import workers

SIZE = 224
IMAGES = 8  # of a run, in batches of one or more

TIMM = {"vit": "vit_base_patch16_224", "resnet": "resnet50"}


def patchword_runs(folder: Path, name: str, precision: str, threads: int) -> workers.Runs:
    """Ours."""
    import torch

    from patchword.engine.choice import packed
    from patchword.models.residual_network import ResidualNetwork, ResidualNetworkConfig
    from patchword.models.vision_transformer import VisionTransformer
    from patchword.models.vision_transformer_config import VisionTransformerConfig

    torch.set_num_threads(threads)
    if name == "vit":
        model = VisionTransformer(VisionTransformerConfig(num_classes=1000))
    else:
        model = ResidualNetwork(ResidualNetworkConfig.named("resnet50", 1000))
    engine = packed(model.eval(), precision, consume=True)
    images = torch.randn(IMAGES, 3, SIZE, SIZE)

    @torch.inference_mode()
    def run(column: str) -> int:
        for batch in images.split(int(column)):
            engine(batch)
        return len(images)

    return run


def onnxruntime_runs(folder: Path, name: str, precision: str, threads: int) -> workers.Runs:
    """onnxruntime."""
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        folder / f"{name}.{precision}.onnx", options, providers=["CPUExecutionProvider"]
    )
    images = numpy.random.default_rng(1).standard_normal((IMAGES, 3, SIZE, SIZE), dtype=numpy.float32)

    def run(column: str) -> int:
        for start in range(0, len(images), int(column)):
            session.run(None, {"x": images[start : start + int(column)]})
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
    parser.add_argument("--precisions", default="float32,int8")
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
    systems = {"patchword": patchword_runs, "onnxruntime": onnxruntime_runs}
    if precision == "float32":
        systems["timm"] = timm_runs
    running = {
        name: workers.Worker(build, folder, model, precision, arguments.threads) for name, build in systems.items()
    }
    for column in arguments.columns.split(","):
        speeds = workers.compare(running, column, arguments.rounds)
        print(f"{model:6s} {precision:8s} batch {column:3s} {workers.line(speeds, 'patchword')}", flush=True)
    peaks = "  ".join(f"{name} {worker.close():.0f}" for name, worker in running.items())
    print(f"{model:6s} {precision:8s} peak MB   {peaks}", flush=True)


if __name__ == "__main__":
    main()
