import torch
from hypothesis import given
from hypothesis import strategies as st

from patchword.nn.cache import DecoderState, KeyValue, KeyValueCache

ROWS, HEADS, HEAD_SIZE = 3, 2, 4


def states(length: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(ROWS, HEADS, length, HEAD_SIZE), torch.randn(ROWS, HEADS, length, HEAD_SIZE)


@given(seed=st.integers(0, 2**32 - 1), portions=st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_a_cache_returns_all_that_was_appended(seed, portions):
    torch.manual_seed(seed)
    cache = KeyValueCache()
    key, value = states(sum(portions))
    end = 0
    for new in portions:
        kept = cache.append(key[:, :, end : end + new], value[:, :, end : end + new])
        end += new
        assert torch.equal(kept.key, key[:, :, :end])
        assert torch.equal(kept.value, value[:, :, :end])
        assert cache.length == end


@given(
    seed=st.integers(0, 2**32 - 1),
    length=st.integers(1, 70),
    rows=st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=6),
)
def test_a_cache_continues_from_the_selected_rows(seed, length, rows):
    torch.manual_seed(seed)
    cache = KeyValueCache()
    key, value = states(length)
    cache.append(key, value)
    cache.select(torch.tensor(rows))
    new = torch.randn(len(rows), HEADS, 1, HEAD_SIZE)
    kept = cache.append(new, -new)
    assert torch.equal(kept.key, torch.cat([key[rows], new], dim=2))
    assert torch.equal(kept.value, torch.cat([value[rows], -new], dim=2))


def test_an_empty_cache_can_be_selected_from():
    cache = KeyValueCache()
    cache.select(torch.tensor([0, 0, 1]))
    key, value = states(1)
    assert torch.equal(cache.append(key, value).key, key)


def test_removing_the_longest_sentence_shortens_the_memory_to_what_is_left():
    key, value = states(6)
    mask = (torch.arange(6) < torch.tensor([[2], [6], [4]]))[:, None, None, :]
    state = DecoderState([KeyValue(key, value)], mask)
    state.select(torch.tensor([2, 0]), torch.tensor([2, 0]))
    assert state.sentences == 2
    assert state.memory_mask[:, 0, 0].tolist() == [[True] * 4, [True, True, False, False]]
    assert torch.equal(state.memory[0].key, key[[2, 0], :, :4])
    assert torch.equal(state.memory[0].value, value[[2, 0], :, :4])


def test_reordering_hypotheses_leaves_the_memory_alone():
    key, value = states(6)
    memory = [KeyValue(key, value)]
    state = DecoderState(memory, torch.ones(ROWS, 1, 1, 6, dtype=torch.bool))
    state.select(None, torch.tensor([1, 0, 2]))
    assert state.memory is memory
    assert state.sentences == ROWS
    assert state.length == 0
