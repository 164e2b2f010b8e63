"""Tasks cut by classes, few images of each, what pre-training begins with, and the linear probe."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from patchword.compare.beginnings import fine_tunable, pretrained, untrained
from patchword.compare.cell import Cell
from patchword.compare.claim import Setup, Work
from patchword.compare.claims import pretraining
from patchword.compare.probing import linear_probe, represented
from patchword.compare.running import Job, compute
from patchword.compare.sides import IMAGES, image_side
from patchword.compare.statistics import pareto_front
from patchword.compare.tasks import classes
from patchword.compare.tasks.classes import Classes, Split, shifted
from patchword.compare.tasks.images import digits
from patchword.compare.tasks.other_classes import divided, few
from patchword.compare.training import Budget, shuffled, train

MAKE = image_side(tuple(IMAGES)[1], 6, 8, 1, patch=2, width=16, layers=2)


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def numbered() -> Classes:
    """Inputs that tell their class and their number."""
    labels = torch.arange(60) % 10
    split = Split(torch.stack([labels.float(), torch.arange(60.0)], dim=1), labels)
    return Classes(split, split.first(30), split.first(20), 10)


def test_a_divided_task_has_every_image_once_and_no_class_in_common(numbered: Classes) -> None:
    first, second = divided(numbered, 6, generator())
    assert (first.count, second.count) == (6, 4)
    for part in ("train", "validation", "test"):
        pieces = [getattr(task, part) for task in (first, second)]
        whole = torch.cat([piece.inputs[:, 1] for piece in pieces])
        assert sorted(whole.tolist()) == getattr(numbered, part).inputs[:, 1].tolist()
        for task, piece in zip((first, second), pieces, strict=True):
            # A class has one number, in every part.
            pairs = {(int(new), int(old)) for new, old in zip(piece.classes, piece.inputs[:, 0], strict=True)}
            assert sorted(new for new, _ in pairs) == list(range(task.count))
            assert len({old for _, old in pairs}) == task.count


def test_other_seeds_draw_other_classes(numbered: Classes) -> None:
    drawn = {
        tuple(sorted(set(divided(numbered, 6, generator(seed))[0].train.inputs[:, 0].tolist()))) for seed in range(5)
    }
    assert len(drawn) > 1


def test_few_images_of_each_class_are_among_more(numbered: Classes) -> None:
    two, four = few(numbered, 2), few(numbered, 4)
    assert torch.bincount(two.train.classes).tolist() == [2] * 10
    assert set(two.train.inputs[:, 1].tolist()) < set(four.train.inputs[:, 1].tolist())
    assert two.test is numbered.test
    with pytest.raises(ValueError, match="a class has 6 images to learn from; expected 7"):
        few(numbered, 7)


@pytest.mark.parametrize("channels", [1, 3])
def test_shifted_images_are_the_images_elsewhere_in_ordinary_memory(channels: int) -> None:
    images = torch.rand(40, channels, 5, 6) + 1
    plain, turned = (shifted(images, 2, generator(), mirror, background=-1.0) for mirror in (False, True))
    assert plain.stride() == images.stride(), "a convolution on the CPU is told by strides what memory is like"
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2), value=-1.0)

    def places(one: Tensor, canvas: Tensor) -> list[tuple[int, int]]:
        windows = [(y, x) for y in range(5) for x in range(5)]
        return [(y, x) for y, x in windows if torch.equal(canvas[:, y : y + 5, x : x + 6], one)]

    found = [places(one, canvas) for one, canvas in zip(plain, padded, strict=True)]
    assert all(found)
    assert len({place for each in found for place in each}) > 5
    mirrored = [not places(one, canvas) for one, canvas in zip(turned, padded, strict=True)]
    assert 5 < sum(mirrored) < 35
    assert all(places(one.flip(2), canvas) for one, canvas in zip(turned[mirrored], padded[mirrored], strict=True))


def test_batches_are_mirrored_only_where_the_task_says_so() -> None:
    images = torch.arange(64.0).view(1, 1, 8, 8).expand(16, 1, 8, 8)
    split = Split(images, torch.zeros(16, dtype=torch.long))
    for mirror in (False, True):
        task = Classes(split, split, split, 1, shift=1, mirror=mirror)
        batch, _ = next(task.batches(16, 1, generator()))
        rising = batch[:, 0, 4, 4] > batch[:, 0, 4, 3]
        assert bool(rising.all()) is not mirror


def test_first_weights_depend_on_the_seed_alone() -> None:
    def weights(seed: int) -> Tensor:
        torch.rand(seed)
        return torch.cat([p.flatten() for p in untrained(MAKE, Work(Setup(), "10", seed)).parameters()])

    before = torch.get_rng_state()
    first = untrained(MAKE, Work(Setup(), "10", 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(torch.cat([p.flatten() for p in first.parameters()]), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_pre_training_keeps_the_best_rate_and_fine_tuning_leaves_it_as_it_is() -> None:
    work = Work(Setup(), "10", 1)
    first, rest = divided(digits(generator()), 6, generator())
    found = pretrained(MAKE, first, Budget(40), (1e-7, 2e-3), work)
    alone = pretrained(MAKE, first, Budget(40), (2e-3,), work)
    assert all(torch.equal(a, b) for a, b in zip(found.state_dict().values(), alone.state_dict().values(), strict=True))
    kept = {name: tensor.clone() for name, tensor in found.state_dict().items()}
    model = fine_tunable(found, (8, 8), rest.count).eval()
    assert torch.equal(model.features(rest.test.inputs), found.features(rest.test.inputs))
    assert not model(rest.test.inputs).any(), "a new head is zeros"
    train(model, few(rest, 5), Budget(3), Work(Setup(), "10", 1, 1e-2))
    assert not torch.equal(model.features(rest.test.inputs), found.features(rest.test.inputs))
    assert all(torch.equal(kept[name], tensor) for name, tensor in found.state_dict().items())


@pytest.fixture
def _two_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def two(count: int, size: int, steps: int, generator: torch.Generator) -> Iterator[Tensor]:
        return shuffled(count, size, min(steps, 2), generator)

    monkeypatch.setattr(classes, "shuffled", two)
    pretraining._beginning.cache_clear()
    yield
    pretraining._beginning.cache_clear()


@pytest.mark.usefixtures("_two_steps")
def test_a_pre_trained_cell_has_the_same_bits_whether_its_network_was_kept_or_not() -> None:
    setup, job = Setup(), Job(pretraining.CLAIM, Cell((next(iter(IMAGES)), "pretrained"), 2))
    fresh = compute(job, setup, 1e-3)
    kept = compute(job, setup, 1e-3)
    assert pretraining._beginning.cache_info().hits == 1
    assert kept.figures == fresh.figures
    scratch = compute(Job(pretraining.CLAIM, Cell((job.cell.settings[0], "scratch"), 2)), setup, 1e-3)
    assert scratch.figures.keys() == fresh.figures.keys()
    assert scratch.figures != fresh.figures


def test_a_linear_probe_reads_what_is_linear_and_nothing_else() -> None:
    draw = generator()
    labels = torch.randint(2, (300,), generator=draw)
    noise = torch.randn(300, 4, generator=draw)
    told = noise + 1000 * torch.stack([labels, 0 * labels, 0 * labels, 0 * labels], dim=1)
    for inputs, least, most in ((told, 0.99, 1.0), (noise, 0.3, 0.7)):
        parts = [Split(inputs[rows], labels[rows]) for rows in (slice(0, 200), slice(200, 300))]
        assert least <= linear_probe(Classes(parts[0], parts[1], parts[1], 2)) <= most


def test_representations_are_a_frozen_networks_features() -> None:
    task, model = digits(generator(), 40), untrained(MAKE, Work(Setup(), "10", 1))
    seen = represented(model, task)
    assert seen.train.inputs.shape == (40, model.config.feature_size)
    assert torch.equal(seen.train.classes, task.train.classes)
    assert torch.allclose(seen.test.inputs[:7], model.features(task.test.inputs[:7]), atol=1e-5)


def test_the_pareto_front_is_what_nothing_beats() -> None:
    assert pareto_front([3, 1, 2, 4, 1], [0.9, 0.5, 0.4, 0.9, 0.5]) == [1, 4, 0]
    assert pareto_front([1, 2], [0.5, 0.5]) == [0]
