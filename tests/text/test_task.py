import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword.errors import DataError
from patchword.text.pairs import Pair
from patchword.text.presets import choose_recipe
from patchword.text.recipe import TranslationRecipe
from patchword.text.task import TranslationTask, hold_out


def make_task(phrases: tuple[Path, Path], run: Path, **changes: Any) -> TranslationTask:
    values: dict[str, Any] = {
        "data": {"train": [str(path) for path in phrases], "hold_out": 30},
        "vocabulary": {"size": 400},
        "model": {"size": "tiny", "encoder_layers": 1, "decoder_layers": 1},
        "batch_tokens": 300,
    }
    values.update(changes)
    torch.manual_seed(0)
    return TranslationTask.prepare(TranslationRecipe.parse(values, "test"), run)


def test_an_epoch_is_a_function_of_seed_and_number(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = make_task(phrases, tmp_path / "a"), make_task(phrases, tmp_path / "b")
    assert first.epoch(3) == second.epoch(3)
    assert first.epoch(3) != first.epoch(4)
    assert sorted(i for batch in first.epoch(0) for i in batch) == list(range(370))


def test_over_long_pairs_are_counted_named_and_listed(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    data = {"train": [str(path) for path in phrases], "hold_out": 30, "max_tokens": 20}
    task = make_task(phrases, tmp_path / "run", data=data)
    lines = (tmp_path / "run" / "left_out.txt").read_text().split()
    assert len(lines) == len(task.overlong) > 0
    assert task.notes[1].startswith(f"{len(lines)} pairs over 20 tokens left out: lines {lines[0]}, ")
    with pytest.raises(DataError, match=r"every pair has more than data\.max_tokens = 3"):
        make_task(phrases, tmp_path / "none", data={**data, "max_tokens": 3})


def test_the_loss_is_torchs_label_smoothed_cross_entropy(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    task = make_task(phrases, tmp_path / "run")
    for module in task.model.modules():
        if hasattr(module, "probability"):
            module.probability = 0.0
    batch = task.load(task.epoch(0)[0], torch.device("cpu"))
    loss = task.loss(task.model.train(), batch)
    logits = task.model(batch.source, batch.target[:, :-1])
    wanted = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), batch.target[:, 1:].flatten(), ignore_index=0, label_smoothing=0.1, reduction="sum"
    )
    assert loss.total.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert loss.count == int((batch.target[:, 1:] != 0).sum())
    assert loss.plain.requires_grad is False


def test_validation_is_repeatable_and_draws_no_random_number(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    task = make_task(phrases, tmp_path / "run", validate_bleu=True)
    state = torch.get_rng_state()
    with torch.inference_mode():
        first = task.validate(task.model.eval())
        assert first == task.validate(task.model)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.keys() == {"loss", "bleu", "chrf"}


def test_a_resumed_run_keeps_its_vocabulary(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    task = make_task(phrases, tmp_path / "run")
    task.recipe.write(tmp_path / "run" / "recipe.toml")
    again = make_task(phrases, tmp_path / "run", vocabulary={"size": 350})
    assert again.vocabulary.source_size == 400


def test_held_out_pairs_share_no_source_with_the_training_pairs() -> None:
    pairs = [Pair(f"s{i % 70}", f"t{i}", i + 1) for i in range(100)]
    train, held = hold_out(copy.copy(pairs), 10, Path("x"))
    assert len(held) == 10
    assert not {p.source for p in train} & {p.source for p in held}
    with pytest.raises(DataError, match="has 5 pairs; at least 20"):
        hold_out(pairs[:5], 10, Path("x"))


@pytest.mark.parametrize(("count", "size"), [(100, "tiny"), (29_000, "small"), (500_000, "base")])
def test_sizes_are_picked_from_the_data_and_said(count: int, size: str) -> None:
    values, notes = choose_recipe([Pair("a", "b", 1)] * count)
    recipe = TranslationRecipe.parse({**values, "data": {"train": ["x.tsv"]}}, "picked")
    assert recipe.model.size == size
    assert f"picked model.size = {size}" in notes[0]
