from pathlib import Path

import pytest
import torch

from patchword.checkpoints.exportable import Exportable
from patchword.converters.exporting import export
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from tests.converters.onnx.models import OnnxModel, assert_graphs_are_described
from tests.converters.resnet.reference import randomise

CONFIGS: dict[str, tuple[str, dict[str, object]]] = {
    "basic": ("resnet18", {"depths": (1, 1), "widths": (16, 32), "drop_path": 0.2, "dropout": 0.1}),
    "bottleneck": ("resnet50", {"depths": (1, 2), "widths": (32, 64), "shortcut": "average", "downsampling": "blur"}),
    "cifar": ("resnet20", {}),
    "backbone": ("resnet20", {"num_classes": 0, "depths": (1, 1, 1)}),
}


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys(), scope="module")
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[ResidualNetwork, Path]:
    name, changes = request.param
    model = randomise(ResidualNetwork(ResidualNetworkConfig.named(name, **{"num_classes": 5, **changes})))
    out = tmp_path_factory.mktemp("onnx") / "out"
    details = {"classes": list("abcde"), "preprocessing": {"image_size": [32, 48]}}
    export(Exportable(model, "classification", details), out, "onnx")
    return model, out


def test_any_batch_gives_our_logits_or_features(exported):
    model, out = exported
    onnx = OnnxModel(out)
    for batch in (1, 7):
        images = torch.randn(batch, 3, 32, 48)
        with torch.inference_mode():
            expected = {"logits": model(images)} if model.config.num_classes else {"features": model.features(images)}
        found = onnx.run("model.onnx", {"images": images.numpy()})
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            assert values.std() > 0.1
            torch.testing.assert_close(torch.from_numpy(found[name]), values, atol=1e-4, rtol=0)


def test_config_json_says_what_goes_in_and_comes_out(exported):
    onnx = OnnxModel(exported[1])
    assert_graphs_are_described(onnx)
    assert onnx.config["graphs"]["model.onnx"]["inputs"]["images"]["shape"] == ["batch", 3, 32, 48]
