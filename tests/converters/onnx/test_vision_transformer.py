from pathlib import Path

import pytest
import torch

from patchword.checkpoints.exportable import Exportable
from patchword.converters.exporting import export
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from tests.converters.onnx.models import OnnxModel, assert_graphs_are_described, randomised

SMALL = {"num_classes": 5, "image_size": (16, 24), "patch_size": 8, "d_model": 16, "num_heads": 2, "d_ff": 24}
SMALL |= {"num_layers": 1}
CONFIGS: dict[str, dict[str, object]] = {
    "as in the paper": {},
    "registers, layer scale, mean pooling, hidden layer in the head": {
        "register_tokens": 2,
        "layer_scale": 0.1,
        "pool": "mean",
        "norm_after_pool": True,
        "head_hidden": 7,
        "activation": "gelu_tanh",
        "drop_path": 0.3,
        "dropout": 0.2,
        "attention_dropout": 0.2,
    },
    "DeiT's two tokens and two heads": {"distillation_token": True, "distillation_head": True, "image_size": (8, 8)},
    "a backbone without a head, as DINOv2": {
        "num_classes": 0,
        "pool": "class_token_and_mean",
        "activation": "swiglu",
        "register_tokens": 1,
    },
    "no class token, no positions, Post-LN, grey images": {
        "class_token": False,
        "positions": "none",
        "pool": "mean",
        "norm_first": False,
        "layer_norm_eps": 1e-12,
        "activation": "silu",
        "channels": 1,
    },
}


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys(), scope="module")
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[VisionTransformer, Path]:
    torch.manual_seed(1)
    model = randomised(VisionTransformer(VisionTransformerConfig.model_validate(SMALL | request.param)))
    assert isinstance(model, VisionTransformer)
    out = tmp_path_factory.mktemp("onnx") / "out"
    export(Exportable(model, "classification", {"classes": list("abcde")}), out, "onnx")
    return model, out


def test_any_batch_gives_our_logits_or_features(exported):
    model, out = exported
    onnx = OnnxModel(out)
    for batch in (1, 7):
        images = torch.randn(batch, model.config.channels, *model.config.image_size)
        with torch.inference_mode():
            expected = {"logits": model(images)} if model.config.num_classes else {"features": model.features(images)}
        found = onnx.run("model.onnx", {"images": images.numpy()})
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            assert values.std() > 0.1
            torch.testing.assert_close(torch.from_numpy(found[name]), values, atol=1e-4, rtol=0)


def test_config_json_says_what_goes_in_and_comes_out(exported):
    model, out = exported
    onnx = OnnxModel(out)
    assert {file.name for file in out.iterdir()} == {"config.json", "model.onnx"}
    assert onnx.config["classes"] == ["a", "b", "c", "d", "e"]
    assert_graphs_are_described(onnx)
    images = onnx.config["graphs"]["model.onnx"]["inputs"]["images"]
    assert images["shape"] == ["batch", model.config.channels, *model.config.image_size]


def test_a_graph_does_not_say_where_its_source_code_was(exported):
    graph = (exported[1] / "model.onnx").read_bytes()
    assert b".py" not in graph
    assert b"stack_trace" not in graph
