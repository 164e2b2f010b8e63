"""Word links, on made-up attention of which the right answer is known."""

import pytest
import torch
from torch import Tensor

from patchword.explain.alignment import Reading, links_of, pharaoh, readings, spread, word_weights
from patchword.explain.words import Word, piece_words

# Source "A big man" in 4 pieces and the end token; target "Ein Mann" in 3 pieces, with a step for the end.
SOURCE = piece_words(["▁A", "▁b", "ig", "▁man"], False)
TARGET = piece_words(["▁Ein", "▁Ma", "nn"], False)


def looking(*columns: int) -> Tensor:
    """A head of which step t looks at source piece columns[t], and a little at the end token."""
    rows = torch.zeros(len(columns), 5)
    rows[:, 4] = 0.1
    rows[range(len(columns)), list(columns)] += 0.9
    return rows


def cross(*layers: Tensor) -> Tensor:
    return torch.stack([layer[None] for layer in layers])


def found(maps: Tensor, reading: Reading) -> str:
    return pharaoh(links_of(word_weights(maps, reading, SOURCE, TARGET), reading.both))


def test_a_step_is_read_for_the_piece_that_it_writes_or_the_one_that_it_reads() -> None:
    # Row t predicts piece t: "Ein" looks at "A", "Mann" at "man".
    unshifted = cross(looking(0, 3, 3, 1))
    assert found(unshifted, Reading(0, False)) == "0-0 2-1"
    # The same model one step late: when "Ein" is the input.
    shifted = cross(looking(1, 0, 3, 3))
    assert found(shifted, Reading(0, True)) == "0-0 2-1"


def test_the_layer_that_is_named_is_read_and_none_means_all() -> None:
    maps = cross(looking(0, 3, 3, 0), looking(1, 1, 1, 1), looking(0, 1, 3, 0))
    assert found(maps, Reading(0, False)) == "0-0 2-1"
    assert found(maps, Reading(1, False)) == "1-0 1-1"
    mean = word_weights(maps, Reading(None, False), SOURCE, TARGET)
    apart = [word_weights(maps, Reading(layer, False), SOURCE, TARGET) for layer in range(3)]
    torch.testing.assert_close(mean, torch.stack(apart).mean(0))


def test_heads_and_a_target_words_pieces_are_averaged_and_a_source_words_added() -> None:
    heads = torch.stack([looking(0, 1, 2, 0), looking(0, 1, 3, 0)])[None]
    weights = word_weights(heads, Reading(0, False), SOURCE, TARGET)
    # "Mann": step 1 looks at "b", of step 2 one head at "ig", the other at "man"; the end token is nobody's.
    torch.testing.assert_close(weights, torch.tensor([[0.9, 0.0, 0.0], [0.0, 0.675, 0.225]]))


def test_the_end_token_is_no_word_however_much_it_is_looked_at() -> None:
    away = torch.zeros(4, 5)
    away[:, 4], away[:, 1] = 0.98, 0.02
    assert found(cross(away), Reading(0, False)) == "1-0 1-1"


def test_of_equal_words_the_first_is_linked_whatever_rounding_made_of_them() -> None:
    even = torch.full((2, 3), 1 / 3)
    assert links_of(even) == [(0, 0), (0, 1)]
    assert links_of(even + torch.tensor([0.0, 1e-8, 2e-8])) == [(0, 0), (0, 1)]
    assert links_of(even, both=True) == [(0, 0), (0, 1), (1, 0), (2, 0)]


def test_both_ways_a_source_word_has_a_link_that_no_target_word_chose() -> None:
    weights = torch.tensor([[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.0, 0.2, 0.8]])
    assert links_of(weights) == [(0, 0), (0, 1), (2, 2)]
    assert links_of(weights, both=True) == [(0, 0), (0, 1), (1, 1), (2, 2)]


@pytest.mark.parametrize(("source", "target"), [([], TARGET), (SOURCE, []), ([], [])])
def test_where_a_side_is_empty_there_are_no_links(source: list[Word], target: list[Word]) -> None:
    weights = word_weights(cross(looking(0, 0, 0, 0)), Reading(None, True), source, target)
    assert weights.shape == (len(target), len(source))
    assert links_of(weights) == links_of(weights, both=True) == []


def test_links_between_words_of_pieces_become_links_between_words_of_texts() -> None:
    assert spread([(0, 0), (1, 1)], [[0], [1, 2]], [[0, 1], [1]]) == [(0, 0), (0, 1), (1, 1), (2, 1)]
    assert pharaoh([(1, 2), (0, 0), (0, 10), (0, 9)]) == "0-0 0-9 0-10 1-2"
    assert pharaoh([]) == ""


def test_every_layer_is_a_reading_and_so_is_their_mean_where_there_are_several() -> None:
    assert readings(1) == [Reading(0, False), Reading(0, True), Reading(0, False, True), Reading(0, True, True)]
    assert len(readings(6)) == 2 * 2 * 7
    assert Reading.usual(6) == Reading(4, False)
    assert Reading.usual(1) == Reading(0, False)


def test_a_reading_comes_back_from_json_and_what_is_none_does_not() -> None:
    for reading in readings(3):
        assert Reading.parse(reading.as_dict(), 3) == reading
        assert all(reading.told(3).values())
    assert len({reading.told(3)["en"] for reading in readings(3)}) == len(readings(3))
    for values in (None, [], {}, {"layer": 3, "shifted": True}, {"layer": True, "shifted": True}, {"layer": 0}):
        assert Reading.parse(values, 3) is None
