"""Accuracy under teacher forcing, by length."""

import pytest
import torch

from patchword.compare.sides import TEXT, text_side, transformer
from patchword.compare.tasks.pairs import END, FIRST, Pairs, Translation, accuracy, exact, greedy, right_by_place


def made(count: int) -> Pairs:
    generator = torch.Generator().manual_seed(count)
    sizes = torch.randint(1, 12, (count,), generator=generator).tolist()
    rows = [torch.randint(FIRST, FIRST + 8, (size,), generator=generator).tolist() for size in sizes]
    return Pairs.of([(row, row[::-1]) for row in rows])


def test_thirds_are_the_shortest_and_the_longest_sources_with_their_targets() -> None:
    pairs = made(100)
    shortest, longest = pairs.thirds()
    assert len(shortest) == len(longest) == 33
    lengths = sorted((pairs.source != 0).sum(1).tolist())
    assert sorted((shortest.source != 0).sum(1).tolist()) == lengths[:33]
    assert sorted((longest.source != 0).sum(1).tolist()) == lengths[-33:]
    for part in (shortest, longest):
        for source, target in zip(part.source.tolist(), part.target.tolist(), strict=True):
            words = source[: source.index(END)]
            assert target[1 : len(words) + 1] == words[::-1]


@pytest.mark.parametrize("side", TEXT)
def test_accuracy_is_that_of_the_whole_measurement_and_of_places(side: str) -> None:
    torch.manual_seed(1)
    model, pairs = text_side(side, FIRST + 8, 16, 1)().eval(), made(300)
    with torch.inference_mode():
        found = accuracy(model, pairs)
        right, wanted = right_by_place(model, pairs)
        assert found == Translation(pairs, pairs, pairs, FIRST + 8).measured(model, "test")["accuracy"]
    assert 0 < found < 1
    assert found == float(right[wanted != 0].double().mean())


def test_a_network_that_always_says_one_token_is_right_where_it_stands() -> None:
    model, pairs = transformer(FIRST + 8, 16, 1, tie_output=False, share_embeddings=False, output_bias=True), made(50)
    weight, bias = model.eval().projection()
    assert bias is not None
    with torch.no_grad():
        weight.zero_()
        bias[END] = 1.0
    assert accuracy(model, pairs) == 50 / int((pairs.target[:, 1:] != 0).sum())


def test_exact_outputs_are_those_that_are_right_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = made(40)
    wrong = {tuple(row) for row in pairs.source[:10].tolist()}

    def decoded(network: object, source: torch.Tensor, steps: int) -> torch.Tensor:
        rows = [
            pairs.target[:, 1 : steps + 1][pairs.source[:, : source.size(1)].tolist().index(row)]
            for row in source.tolist()
        ]
        found = torch.stack(rows)
        bad = torch.tensor([tuple(row) in {each[: source.size(1)] for each in wrong} for row in source.tolist()])
        # Right but for the end, which stands a place too early.
        found[bad, 0] = END
        return found

    monkeypatch.setattr("patchword.compare.tasks.pairs.greedy", decoded)
    assert exact(transformer(FIRST + 8, 16, 1), pairs) == 30 / 40


@pytest.mark.parametrize("side", TEXT)
def test_greedy_decoding_takes_the_likeliest_token_of_every_step_and_stops_at_the_end(side: str) -> None:
    torch.manual_seed(1)
    model, pairs = text_side(side, FIRST + 8, 16, 1)().eval(), made(20)
    with torch.no_grad():
        found = greedy(model, pairs.source, 6)
        again = model.decode(
            torch.cat([torch.full((20, 1), 2), found[:, :-1]], 1), model.encode(pairs.source), pairs.source
        )
    logits = torch.nn.functional.linear(again, *model.projection()).detach()
    logits[:, :, [0, 2]] = -1e9
    alive = (found == END).cumsum(1) - (found == END).long() == 0
    assert torch.equal(logits.argmax(2)[alive], found[alive])
    assert not found[~alive].any()
