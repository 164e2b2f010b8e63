"""The process that computes, without the process: batches, faults, and clients that go away."""

from typing import Any

import pytest

from patchword.server.dispatcher import Batch, Dispatcher, Waiting
from patchword.server.jobs import Order
from patchword.server.loaded import Loaded, served_names
from patchword.server.worker import Worker


class Sent(list[Any]):
    """A wire that keeps what is sent."""

    def send(self, *message: Any) -> None:
        self.append(message)


@pytest.fixture(scope="module")
def loaded(models: list[str]) -> Loaded:
    return Loaded(models)


def waiting(number: int, text: str, **more: Any) -> Waiting:
    options = {"split": False, "max_extra": 6, **more.pop("options", {})}
    order = Order(number, "translate", "words", options, [{"text": text, "prefix": None, "alignment": False}], **more)
    return Waiting(order, [len(text)], 0.0)


def computed(loaded: Loaded, *several: Waiting) -> list[Any]:
    wire = Sent()
    for each in several:
        each.given = 1
    Worker(wire, Dispatcher(0, lambda call: 100), loaded).compute(Batch(tuple((each, 0) for each in several)))
    numbers = [each.order.number for each in several]
    assert wire[0] == ("began", numbers, numbers)
    assert wire[-1][0] == "computed"
    return wire[1:-1]


@pytest.mark.parametrize("options", [{}, {"method": "sample", "seed": 3, "n_best": 2}])
def test_each_has_the_answer_that_it_has_alone(loaded: Loaded, options: dict[str, Any]) -> None:
    texts = ["one two", "five six seven eight nine ten", "", "three"]
    together = computed(loaded, *(waiting(i, text, options=options) for i, text in enumerate(texts)))
    alone = [computed(loaded, waiting(i, text, options=options))[0] for i, text in enumerate(texts)]
    assert together == alone
    assert all(kind == "ended" and status == 200 for kind, _, status, _ in together)


def test_a_fault_of_one_is_no_other_ones(loaded: Loaded) -> None:
    ends = computed(loaded, waiting(1, "one"), waiting(2, "half \ud800"), waiting(3, "two"))
    assert [(number, status) for _, number, status, _ in ends] == [(1, 200), (2, 422), (3, 200)]
    assert "half a surrogate pair" in ends[1][3]


def test_a_mistake_of_ours_is_one_sentence(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loaded.systems["words"], "translate", lambda *a, **b: 1 / 0)
    assert computed(loaded, waiting(1, "one")) == [
        ("ended", 1, 500, "the server made a mistake, which its log describes")
    ]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_who_goes_away_costs_nothing_after_one_step(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two in a batch one goes away after three steps; the other goes on alone."""
    translator = loaded.systems["words"]
    gone, stays = (waiting(number, "one two three", options={"max_extra": 40}) for number in (1, 2))
    rows: list[int] = []
    fast = translator.network.fast
    network = type(getattr(fast, "native", fast))
    likeliest = network.likeliest

    def counted(self: Any, tokens: Any, *rest: Any, **more: Any) -> Any:
        rows.append(len(tokens))
        if len(rows) == 3:
            gone.wanted = False
        return likeliest(self, tokens, *rest, **more)

    monkeypatch.setattr(network, "likeliest", counted)
    ends = computed(loaded, gone, stays)
    assert [number for _, number, *_ in ends] == [2]
    assert rows[2] == 2 * rows[3] > 0
    assert len(rows) > 5


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["runs/en-de", "runs/photos/"], ["en-de", "photos"]),
        (["runs/en-de/best", "best"], ["en-de", "best"]),
        (["a/x", "b/x", "x-2"], ["x", "x-2", "x-2-2"]),
        (["hf:Helsinki-NLP/opus-mt-en-de", "hf:a/b@main"], ["opus-mt-en-de", "b"]),
        (["/", "."], ["model", "model-2"]),
    ],
)
def test_models_have_their_folders_names(paths: list[str], names: list[str]) -> None:
    assert served_names(paths) == names
