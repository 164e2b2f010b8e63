"""Batches that do not fit in memory are computed otherwise, with the same gradients."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from patchword import api
from patchword.errors import OutOfMemoryError
from patchword.images.task import ClassificationTask
from patchword.nn.recomputation import recomputed
from patchword.nn.residual_block import ResidualBlock
from patchword.text.task import TranslationTask
from patchword.training.events import Event, Note
from patchword.training.state import load_state

NETWORKS: dict[str, dict[str, Any]] = {
    "transformer": {
        "d_model": 16,
        "num_heads": 2,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "d_ff": 32,
        "dropout": 0.0,
    },
    "rnn": {"architecture": "rnn", "embedding_size": 16, "hidden_size": 16, "dropout": 0.0},
    "vit": {"name": "Ti/4", "d_model": 16, "num_heads": 2, "num_layers": 2, "d_ff": 32},
    "resnet": {"architecture": "cnn", "depths": [1, 1], "widths": [8, 8]},
}
Train = Callable[[str, str], tuple[dict[str, Tensor], list[str]]]


@pytest.fixture
def train(phrases: tuple[Path, Path], photos: Path, tmp_path: Path) -> Train:
    """train(network, folder): the weights after five updates of two batches each, and what was said."""

    def run(network: str, folder: str) -> tuple[dict[str, Tensor], list[str]]:
        values: dict[str, Any] = {
            "model": NETWORKS[network],
            # Not Adam, which makes much of a rounding where a gradient is nothing.
            "optimizer": {"name": "sgd", "learning_rate": 1e-2, "accumulate": 2},
            "training": {"max_steps": 5, "seed": 3, "threads": 1},
        }
        if network in ("transformer", "rnn"):
            data = {"train": [str(path) for path in phrases], "hold_out": 40}
            values |= {"task": "translation", "data": data, "batch_tokens": 600, "vocabulary": {"size": 400}}
        else:
            values |= {"task": "classification", "data": {"train": [str(photos)], "hold_out": 0.2}, "batch_size": 16}
            values |= {"preprocessing": {"image_size": [8, 8], "resize": "squash"}}
            values |= {"augmentation": {"flip": True, "pad_crop": 1, "mixup": 0.2}}
        said: list[str] = []

        def listen(event: Event) -> None:
            if isinstance(event, Note):
                said.append(event.text)

        torch.manual_seed(5)
        api.train(api.read_recipe(values, "test"), tmp_path / folder, listener=listen)
        return load_state(tmp_path / folder / "state" / "latest.pt")[1]["model"], said

    return run


def too_large(monkeypatch: pytest.MonkeyPatch, rows: int) -> list[int]:
    """Let there be no memory for more rows at once, once a backward pass has begun; what was tried is noted."""
    tried: list[int] = []
    for task, first in ((TranslationTask, "source"), (ClassificationTask, "images")):
        loss = task.loss

        def limited(self: Any, model: Any, tensors: Any, loss: Any = loss, first: str = first) -> Any:
            found = loss(self, model, tensors)
            if model.training:
                tried.append(len(getattr(tensors, first)))
                if tried[-1] > rows:
                    found.total.register_hook(lambda gradient: torch.empty(2**55))
            return found

        monkeypatch.setattr(task, "loss", limited)
    return tried


@pytest.mark.parametrize("network", ["transformer", "rnn", "vit"])
def test_a_batch_is_computed_in_pieces_that_add_up_to_its_gradient(
    network: str, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = train(network, "whole")
    tried = too_large(monkeypatch, 5)
    pieces, said = train(network, "pieces")
    for name, weight in whole.items():
        torch.testing.assert_close(pieces[name], weight, atol=2e-5, rtol=1e-4)
    assert 5 >= max(tried[-4:]) > 1
    sentence = "a batch does not fit in memory: such batches are computed in pieces from now on"
    assert sum(text.startswith(sentence) for text in said) == 1
    # What did not fit is not tried again and again.
    assert sum(rows > 5 for rows in tried) <= 8


def test_where_a_batch_norm_sees_all_rows_blocks_are_computed_twice(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = train("resnet", "whole")
    seen = []

    def limited(self: ResidualBlock, *arguments: Any, forward: Any = ResidualBlock.forward) -> Any:
        if self.training and torch.is_grad_enabled():
            seen.append(self)
            if len(seen) == 8:
                torch.empty(2**55)
        return forward(self, *arguments)

    monkeypatch.setattr(ResidualBlock, "forward", limited)
    twice, said = train("resnet", "twice")
    assert len(seen) > 16 * 1.5  # once more in every backward pass from then on
    assert all(torch.equal(twice[name], weight) for name, weight in whole.items())
    assert any("the inside of blocks is computed twice from now on" in text for text in said)


def test_recomputed_blocks_keep_less(monkeypatch: pytest.MonkeyPatch) -> None:
    from patchword.models.residual_network import ResidualNetwork
    from patchword.models.residual_network_config import ResidualNetworkConfig

    torch.manual_seed(0)
    model = ResidualNetwork(
        ResidualNetworkConfig(num_classes=3, depths=(3, 3), widths=(16, 32), stem="cifar", stem_width=16)
    )
    images = torch.randn(4, 3, 32, 32)

    def kept(loss: Callable[[], Tensor]) -> int:
        places: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            places[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss()
        return sum(places.values())

    def again() -> Tensor:
        with recomputed(model.blocks()):
            return model(images).sum()

    assert kept(again) < 0.6 * kept(lambda: model(images).sum())


@pytest.mark.parametrize("network", ["vit", "resnet"])
def test_what_never_fits_is_told_with_its_key(network: str, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    too_large(monkeypatch, 0)
    with pytest.raises(OutOfMemoryError, match="not enough memory for a batch at step 1; lower batch_size or choose"):
        train(network, "never")
