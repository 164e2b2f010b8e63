"""Which candidates a step of beam search goes on with."""

import numpy
from hypothesis import given
from hypothesis import strategies as st

from patchword.text.beam import largest


@given(st.integers(0, 999), st.integers(1, 40), st.integers(0, 400))
def test_the_largest_come_first_and_of_equal_ones_the_first(seed: int, count: int, more: int) -> None:
    drawn = numpy.random.default_rng(seed)
    values = drawn.integers(-count - more, 1, (3, count + more)).astype(float)
    values[drawn.random(values.shape) < 0.2] = -numpy.inf
    places = largest(values, count)
    for row, found in zip(values.tolist(), places.tolist(), strict=True):
        wanted = sorted(range(len(row)), key=lambda place: (-row[place], place))[:count]
        assert [row[place] for place in found] == [row[place] for place in wanted]
        assert len(set(found)) == count
        if 8 * count >= len(row):
            assert found == wanted
