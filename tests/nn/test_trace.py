import pytest
import torch

from patchword.nn.trace import AttentionTrace


def test_a_trace_keeps_layers_in_order_under_their_names():
    trace, maps = AttentionTrace(), [torch.rand(1, 2, 3, 3) for _ in range(3)]
    for name, weights in zip(["encoder", "cross", "encoder"], maps, strict=True):
        trace.record(name, weights)
    assert torch.equal(torch.stack(trace["encoder"]), torch.stack([maps[0], maps[2]]))
    assert torch.equal(trace["cross"][0], maps[1])


def test_a_name_that_was_never_recorded_is_an_error():
    with pytest.raises(KeyError, match="decoder"):
        AttentionTrace()["decoder"]
