import torch
from hypothesis import given
from hypothesis import strategies as st

from patchword.text.batches import length_buckets, pad

lengths = st.lists(st.tuples(st.integers(1, 60), st.integers(2, 60)), min_size=1, max_size=200)


@given(pairs=lengths, budget=st.integers(10, 500), seed=st.integers(0, 99))
def test_every_pair_is_in_one_batch_and_no_batch_exceeds_its_budget(
    pairs: list[tuple[int, int]], budget: int, seed: int
) -> None:
    source, target = zip(*pairs, strict=True)
    batches = length_buckets(source, target, budget, torch.Generator().manual_seed(seed))
    assert sorted(i for batch in batches for i in batch) == list(range(len(pairs)))
    for batch in batches:
        longest = max(max(source[i], target[i]) for i in batch)
        assert len(batch) == 1 or longest * len(batch) <= budget
    assert length_buckets(source, target, budget, torch.Generator().manual_seed(seed)) == batches


def test_little_of_a_real_corpus_is_padding() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(5, 30, (3000,), generator=generator).tolist()
    source = [max(3, length + int(torch.randint(-3, 4, (), generator=generator))) for length in target]
    batches = length_buckets(source, target, 1500, generator)
    padded = sum(len(batch) * max(target[i] for i in batch) for batch in batches)
    assert sum(target) / padded > 0.95
    assert batches != sorted(batches, key=lambda batch: target[batch[0]])


def test_short_rows_are_filled_at_the_end() -> None:
    assert pad([[5, 6, 7], [8]], 0).tolist() == [[5, 6, 7], [8, 0, 0]]
