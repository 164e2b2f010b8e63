import torch
from hypothesis import given
from hypothesis import strategies as st

from patchword.nn.masks import causal_mask, padding_mask


def test_padding_is_hidden_from_every_query_and_head():
    mask = padding_mask(torch.tensor([[5, 6, 0], [7, 0, 0]]), pad_id=0)
    assert mask.shape == (2, 1, 1, 3)
    assert mask[:, 0, 0].tolist() == [[True, True, False], [True, False, False]]


@given(query=st.integers(1, 12), earlier=st.integers(0, 12))
def test_a_query_sees_its_own_position_and_those_before(query, earlier):
    mask = causal_mask(query, earlier + query)
    for row in range(query):
        position = earlier + row
        assert mask[row].tolist() == [key <= position for key in range(earlier + query)]
