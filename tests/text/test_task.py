import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword.errors import DataError, RecipeError
from patchword.text.pairs import Pair
from patchword.text.presets import choose_recipe, vocabulary_size
from patchword.text.recipe import TranslationRecipe
from patchword.text.task import TranslationTask, hold_out
from patchword.text.vocabulary import Vocabulary, VocabularyConfig
from patchword.text.wing import WING


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


def test_damaged_pairs_are_told_and_listed(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    lines = phrases[1].read_text().split("\n")
    lines[7], lines[30] = "", "  \u200b"
    (tmp_path / "p.de").write_text("\n".join(lines))
    data = {"train": [str(phrases[0]), str(tmp_path / "p.de")], "hold_out": 30}
    task = make_task(phrases, tmp_path / "run", data=data)
    where = f"{tmp_path / 'p.de'}, line"
    wanted = [f"{where} 8: the target side is empty", f"{where} 31: the target side is empty"]
    assert task.notes[0] == f"2 damaged pairs left out: {'; '.join(wanted)}"
    assert (tmp_path / "run" / "damaged.txt").read_text().splitlines() == wanted
    with pytest.raises(DataError, match="line 8: the target side is empty"):
        make_task(phrases, tmp_path / "strict", data={**data, "strict": True})


def test_over_long_validation_pairs_are_left_out_and_told(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "v.tsv").write_text("three days\tdrei Tage\n" + "day " * 3000 + "\tTag\nseven\tsieben\n")
    data = {"train": [str(path) for path in phrases], "validation": [str(tmp_path / "v.tsv")]}
    task = make_task(phrases, tmp_path / "run", data=data)
    assert "1 validation pairs over 128 tokens left out: lines 2" in task.notes
    with torch.inference_mode():
        assert task.validate(task.model.eval())["loss"] > 0
    (tmp_path / "v.tsv").write_text("day " * 3000 + "\tTag\n")
    with pytest.raises(DataError, match=r"every validation pair has more than data\.max_tokens = 128"):
        make_task(phrases, tmp_path / "none", data=data)


def test_pairs_may_not_be_longer_than_learned_positions(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    model = {"size": "tiny", "encoder_layers": 1, "decoder_layers": 1, "positions": "learned", "max_positions": 100}
    with pytest.raises(RecipeError, match=r"max_tokens = 128 is more than the 100 positions of model\.max_positions"):
        make_task(phrases, tmp_path / "run", model=model)


def chinese(folder: Path, lines: int) -> list[Path]:
    """A text of 2,600 different characters."""
    names = ["a.txt", "b.txt"]
    for seed, name in enumerate(names):
        rows = ["".join(chr(0x4E00 + (seed * 7 + i * 13 + j * 89) % 2600) for j in range(12)) for i in range(lines)]
        (folder / name).write_text("\n".join(rows))
    return [folder / name for name in names]


def test_a_chinese_text_gets_a_vocabulary_and_a_language_by_its_script(tmp_path: Path) -> None:
    paths = chinese(tmp_path, 1500)
    values, notes = WING.choose(paths, [], {})
    assert values["data"]["target_language"] == "zh"
    assert notes[-1] == "languages: source zh, by its script, target zh, by its script"
    assert "for the text's 2,600 characters" in notes[1]
    config = VocabularyConfig.parse(values["vocabulary"], "picked")
    texts = [path.read_text().split("\n") for path in paths]
    vocabulary = Vocabulary.train(*texts, config)
    assert vocabulary.decode_target(vocabulary.encode_target(texts[1][:1])[0]) == texts[1][0]
    with pytest.raises(RecipeError, match=r"vocabulary\.size = 2000 is too small for this text's characters"):
        Vocabulary.train(*texts, config.model_copy(update={"size": 2000}))
    assert vocabulary_size(2000, 90) == 2000


def test_languages_are_what_is_said_or_else_the_files_names(phrases: tuple[Path, Path]) -> None:
    values, notes = WING.choose(list(phrases), [], {})
    assert (values["data"]["source_language"], values["data"]["target_language"]) == ("en", "de")
    assert notes[-1] == "languages: source en, target de"
    values, _ = WING.choose(list(phrases), [], {"data": {"target_language": "gsw"}})
    assert (values["data"]["source_language"], values["data"]["target_language"]) == ("en", "gsw")


def test_what_cannot_be_seen_changes_no_token_and_the_form_is_kept(tmp_path: Path) -> None:
    texts = [f"{i} taka and {i} euro" for i in range(40)]
    vocabulary = Vocabulary.train(texts, texts, VocabularyConfig(size=300, shrink=True))
    for name, content in vocabulary.files().items():
        (tmp_path / name).write_bytes(content)
    again = Vocabulary.load(tmp_path)
    wanted = vocabulary.encode_source(["7 taka"])
    assert again.encode_source(["7\u00a0ta\u200bka", "７ ｔａｋａ"]) == wanted * 2
    (tmp_path / "normalisation.json").unlink()
    before = Vocabulary.load(tmp_path)
    assert before.encode_source(["7 taka"]) == wanted
    assert before.encode_source(["7\u00a0taka"]) != wanted
