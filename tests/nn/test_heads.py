import torch

from patchword.nn.heads import ClassificationHead


def test_a_linear_head_is_one_layer():
    head, x = ClassificationHead(6, 3), torch.randn(2, 6)
    assert [name for name, _ in head.named_parameters()] == ["linear.weight", "linear.bias"]
    torch.testing.assert_close(head(x), x @ head.linear.weight.T + head.linear.bias)


def test_an_mlp_head_has_one_hidden_layer_with_tanh():
    head, x = ClassificationHead(6, 3, hidden=10), torch.randn(2, 6)
    hidden = head.hidden[0]
    between = torch.tanh(x @ hidden.weight.T + hidden.bias)
    assert between.shape == (2, 10)
    torch.testing.assert_close(head(x), between @ head.linear.weight.T + head.linear.bias)
