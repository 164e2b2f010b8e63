"""A model is read without drawing weights that the file then replaces, and without memory for them."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from patchword.checkpoints.model_folder import expected_shapes, read_description, read_model, write_model_folder
from patchword.models.registry import ARCHITECTURES

TRANSFORMER = {"source_vocab_size": 11, "target_vocab_size": 11, "d_model": 8, "num_heads": 2, "d_ff": 12}
TRANSFORMER |= {"encoder_layers": 2, "decoder_layers": 2}
RECURRENT = {"source_vocab_size": 11, "target_vocab_size": 11, "embedding_size": 6, "hidden_size": 8}
VISION = {"num_classes": 3, "image_size": [8, 12], "patch_size": 4, "d_model": 8, "num_heads": 2, "d_ff": 12}
VISION |= {"num_layers": 2}
RESIDUAL = {"num_classes": 3, "depths": [1, 2], "widths": [8, 16], "stem_width": 8}
SEPARATE = {"share_embeddings": False, "source_vocab_size": 9}

# Between them, every kind of parameter and buffer that an architecture can have.
MODELS: dict[str, tuple[str, dict[str, object]]] = {
    "one embedding": ("transformer", TRANSFORMER),
    "output tied": ("transformer", TRANSFORMER | SEPARATE | {"positions": "sinusoidal_halves", "output_bias": True}),
    "nothing tied": ("transformer", TRANSFORMER | SEPARATE | {"tie_output": False, "positions": "learned"}),
    "Pre-LN": ("transformer", TRANSFORMER | {"norm_first": True, "positions": "none"}),
    "LSTM": ("recurrent", RECURRENT | {"encoder_layers": 2, "decoder_layers": 2}),
    "GRU": ("recurrent", RECURRENT | SEPARATE | {"cell": "gru", "attention": "additive", "tie_output": False}),
    "no input feeding": ("recurrent", RECURRENT | {"attention": "dot", "input_feeding": False, "output_bias": True}),
    "ViT": ("vision_transformer", VISION),
    "DeiT": ("vision_transformer", VISION | {"distillation_token": True, "distillation_head": True}),
    "DINOv2": (
        "vision_transformer",
        VISION | {"register_tokens": 2, "layer_scale": 0.1, "activation": "swiglu", "pool": "class_token_and_mean"},
    ),
    "mean pool": (
        "vision_transformer",
        VISION | {"pool": "mean", "class_token": False, "norm_after_pool": True, "head_hidden": 5, "positions": "none"},
    ),
    "backbone": ("vision_transformer", VISION | {"num_classes": 0, "norm_first": False}),
    "ResNet": ("residual_network", RESIDUAL),
    "CIFAR ResNet": ("residual_network", RESIDUAL | {"stem": "cifar", "shortcut": "padded"}),
    "bottlenecks": (
        "residual_network",
        RESIDUAL | {"block": "bottleneck", "shortcut": "average", "downsampling": "blur"},
    ),
}


def write(path: Path, name: str) -> nn.Module:
    """A model folder, with values that no initialisation gives, and its model."""
    architecture, fields = MODELS[name]
    config, network, task, _ = ARCHITECTURES[architecture]
    model: nn.Module = network(config.model_validate(fields)).eval()
    for weight in model.parameters():
        nn.init.normal_(weight)
    write_model_folder(path, model, task=task, details={}, facts={}, card="")
    return model


def output(model: nn.Module) -> torch.Tensor:
    if hasattr(model, "decode"):
        inputs: tuple[torch.Tensor, ...] = (torch.tensor([[4, 5, 3]]), torch.tensor([[2, 6]]))
    else:
        inputs = (torch.linspace(-1, 1, 2 * 3 * 8 * 12).view(2, 3, 8, 12),)
    logits: torch.Tensor = model(*inputs)
    return logits


def aliases(model: nn.Module) -> dict[str, str]:
    """Each name of a parameter, and the first name of the same parameter."""
    first = {parameter: name for name, parameter in model.named_parameters()}
    return {name: first[parameter] for name, parameter in model.named_parameters(remove_duplicate=False)}


def test_every_architecture_is_here():
    assert {architecture for architecture, _ in MODELS.values()} == set(ARCHITECTURES)


@pytest.mark.parametrize("name", MODELS)
def test_reading_draws_nothing(tmp_path, name):
    write(tmp_path / "model", name)
    before = torch.get_rng_state()
    read_model(tmp_path / "model", read_description(tmp_path / "model"))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_read_is_the_model_that_was_written(tmp_path, name):
    written = write(tmp_path / "model", name)
    read = read_model(tmp_path / "model", read_description(tmp_path / "model"))
    assert aliases(read) == aliases(written)
    for of in (nn.Module.named_parameters, nn.Module.named_buffers):
        tensors = dict(of(read))
        assert tensors.keys() == dict(of(written)).keys()
        for key, tensor in of(written):
            assert torch.equal(tensors[key], tensor), key
            assert tensors[key].requires_grad == tensor.requires_grad, key
    assert torch.equal(output(read), output(written))


@pytest.mark.parametrize("name", MODELS)
def test_what_is_read_can_be_trained(tmp_path, name):
    write(tmp_path / "model", name)
    read = read_model(tmp_path / "model", read_description(tmp_path / "model"))
    with torch.inference_mode():
        output(read)
    output(read).sum().backward()
    assert all(parameter.grad is not None for parameter in read.parameters())


def test_reading_does_not_load_the_compiler(tmp_path):
    """Torch implements some operations on the meta device in its compiler, which takes seconds to load."""
    folders = [tmp_path / str(number) for number in range(len(MODELS))]
    for folder, name in zip(folders, MODELS, strict=True):
        write(folder, name)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from patchword.checkpoints.model_folder import read_description, read_model\n"
        "for folder in map(Path, sys.argv[1:]):\n"
        "    read_model(folder, read_description(folder))\n"
        "    assert not {'sympy', 'torch._dynamo', 'torch._inductor'} & sys.modules.keys(), folder\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *folders], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("architecture", "fields"),
    [
        ("transformer", TRANSFORMER | {"source_vocab_size": 2**24, "target_vocab_size": 2**24, "d_model": 2**16}),
        ("transformer", TRANSFORMER | {"d_model": 2**16, "positions": "learned", "max_positions": 2**24}),
        ("recurrent", RECURRENT | {"source_vocab_size": 2**24, "target_vocab_size": 2**24, "embedding_size": 2**16}),
    ],
)
def test_sizes_that_no_machine_has_memory_for_have_shapes(architecture, fields):
    shapes = expected_shapes(architecture, ARCHITECTURES[architecture].config.model_validate(fields))
    assert max(shape.numel() for shape in shapes.values()) >= 2**40
