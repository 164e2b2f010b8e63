"""Translation as a task for the training loop."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patchword.errors import DataError
from patchword.files import write_text
from patchword.models.contracts import SequenceToSequence
from patchword.text.batches import TokenBatch, length_buckets, pad
from patchword.text.beginning import beginning, check_longest, keep_vocabulary
from patchword.text.pairs import Damage, Pair, read_training_pairs
from patchword.text.recipe import TranslationRecipe
from patchword.text.scores import score_translations
from patchword.text.search import SearchOptions
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary
from patchword.training.events import Listener, ignore
from patchword.training.fingerprint import Fingerprint, digest
from patchword.training.losses import linear_cross_entropy
from patchword.training.state import epoch_generator
from patchword.training.task import BatchLoss


class TranslationTask:
    """Pairs, vocabulary and model of one training run.

    Args:
        recipe: what to do.
        train: training pairs.
        validation: validation pairs, none of which is trained on.
        vocabulary: learned from the training pairs alone, or the init model's.
        model: a network of the vocabulary's sizes, new or trained before.
        options: how the trained model searches unless it is told otherwise; None for the paper's beam search.
        notes: what is to be said of the model.
    """

    unit = "tokens"
    size_key = "batch_tokens"
    batch_sizes = (1024, 2048, 4096, 8192, 16384, 32768)

    def __init__(
        self,
        recipe: TranslationRecipe,
        train: Sequence[Pair],
        validation: Sequence[Pair],
        vocabulary: Vocabulary,
        model: SequenceToSequence,
        options: SearchOptions | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.recipe, self.vocabulary = recipe, vocabulary
        self.model = model
        self._options = options
        self._pad_id = model.config.pad_id
        self.frozen = model.frozen(recipe.freeze)
        self.metric = "bleu" if recipe.validate_bleu else "loss"
        self.greater_is_better = recipe.validate_bleu
        self.notes = [*notes, f"{len(train):,} training pairs, {len(validation):,} validation pairs"]
        sources = vocabulary.encode_source([p.source for p in train])
        targets = vocabulary.encode_target([p.target for p in train])
        limit = recipe.data.max_tokens
        fits = [i for i in range(len(train)) if max(len(sources[i]), len(targets[i])) <= limit]
        self.overlong = sorted(set(range(len(train))) - set(fits))
        self.overlong_lines = [train[i].line for i in self.overlong]
        if self.overlong:
            lines = listed(self.overlong_lines)
            self.notes.append(f"{len(self.overlong):,} pairs over {limit} tokens left out: lines {lines}")
        if not fits:
            raise DataError(recipe.data.train[0], f"every pair has more than data.max_tokens = {limit} tokens")
        self._sources = [sources[i] for i in fits]
        self._targets = [targets[i] for i in fits]
        self._lines = [train[i].line for i in fits]
        self._validation = self._short_enough(list(validation))
        self.fingerprint = Fingerprint(
            "pairs",
            len(fits),
            len(self._validation),
            digest(packed for rows in (self._sources, self._targets) for packed in _packed(rows)),
            digest(text.encode() for pair in self._validation for text in (pair.source, pair.target)),
        )

    def _short_enough(self, pairs: list[Pair]) -> list[Pair]:
        """Validation pairs without those that have too many tokens, as in training."""
        limit = self.recipe.data.max_tokens
        sources = self.vocabulary.encode_source([p.source for p in pairs])
        targets = self.vocabulary.encode_target([p.target for p in pairs])
        lengths = [max(len(source), len(target)) for source, target in zip(sources, targets, strict=True)]
        overlong = [pair.line for pair, length in zip(pairs, lengths, strict=True) if length > limit]
        if overlong:
            self.notes.append(
                f"{len(overlong):,} validation pairs over {limit} tokens left out: lines {listed(overlong)}"
            )
        if len(overlong) == len(pairs):
            path = (self.recipe.data.validation or self.recipe.data.train)[0]
            raise DataError(path, f"every validation pair has more than data.max_tokens = {limit} tokens")
        return [pair for pair, length in zip(pairs, lengths, strict=True) if length <= limit]

    @classmethod
    def prepare(cls, recipe: TranslationRecipe, run: Path, listener: Listener = ignore) -> "TranslationTask":
        """Settings, data, vocabulary, model: read what the run begins with and the text, and make what is missing.

        Args:
            recipe: what to do.
            run: the run folder; if it has a recipe already, the run goes on, with the vocabulary that it has.
            listener: hears nothing; no part of this takes long.

        Raises:
            DataError: if the parallel text cannot be used.
            RecipeError: if the vocabulary or the model cannot be made.
            ModelFolderError: if the init model cannot be used.
        """
        begin = beginning(recipe, run)
        train, validation, damaged = read_split(begin.recipe)
        vocabulary = begin.vocabulary
        if vocabulary is None:
            vocabulary = Vocabulary.train([p.source for p in train], [p.target for p in train], recipe.vocabulary)
            keep_vocabulary(run, vocabulary)
        model = begin.model(vocabulary)
        check_longest(recipe, model.config.longest)
        notes = [*begin.notes, *_damage_notes(damaged)]
        task = cls(begin.recipe, train, validation, vocabulary, model, begin.options, notes)
        if task.overlong_lines:
            write_text(run / "left_out.txt", "".join(f"{line}\n" for line in task.overlong_lines))
        if listed_there := [damage for damage in damaged if not damage.unused]:
            write_text(run / "damaged.txt", "".join(f"{damage}\n" for damage in listed_there))
        return task

    @property
    def _batch_tokens(self) -> int:
        assert isinstance(self.recipe.batch_tokens, int)  # "auto" is found out before the first batch
        return self.recipe.batch_tokens

    def epoch(self, number: int) -> list[list[int]]:
        """Batches of pair indices."""
        generator = epoch_generator(self.recipe.training.seed, number)
        source_lengths = [len(ids) for ids in self._sources]
        return length_buckets(source_lengths, [len(ids) for ids in self._targets], self._batch_tokens, generator)

    def named(self, batch: list[int]) -> str:
        """The lines of a batch's pairs."""
        shown = ", ".join(str(self._lines[i]) for i in batch[:5])
        return f"{len(batch)} pairs, lines {shown}{', ...' if len(batch) > 5 else ''}"

    def load(self, batch: list[int], device: torch.device) -> TokenBatch:
        """Padded ids of one batch."""
        source, target = ([rows[i] for i in batch] for rows in (self._sources, self._targets))
        return self._padded(source, target, device)

    def _padded(self, source: list[list[int]], target: list[list[int]], device: torch.device) -> TokenBatch:
        return TokenBatch(pad(source, self._pad_id).to(device), pad(target, self._pad_id).to(device))

    def loss(self, model: Any, tensors: TokenBatch) -> BatchLoss:
        """Cross-entropy of every target token given those before it; the decoder's input is shifted right."""
        smoothing = self.recipe.training.label_smoothing if model.training else 0.0
        hidden = model.decode(tensors.target[:, :-1], model.encode(tensors.source), tensors.source)
        wanted: Tensor = tensors.target[:, 1:].flatten()
        real = (wanted != self._pad_id).nonzero()[:, 0]
        weight, bias = model.projection()
        total, plain = linear_cross_entropy(hidden.flatten(0, 1)[real], weight, bias, wanted[real], smoothing)
        return BatchLoss(total, real.numel(), plain)

    def validate(self, model: Any) -> dict[str, float]:
        """Loss in nats a token; with `validate_bleu` also BLEU and chrF of greedy translations."""
        device = next(model.parameters()).device
        sources = self.vocabulary.encode_source([p.source for p in self._validation])
        targets = self.vocabulary.encode_target([p.target for p in self._validation])
        generator = torch.Generator().manual_seed(0)
        total, count = 0.0, 0
        lengths = [len(ids) for ids in sources], [len(ids) for ids in targets]
        for batch in length_buckets(*lengths, self._batch_tokens, generator):
            tensors = self._padded([sources[i] for i in batch], [targets[i] for i in batch], device)
            loss = self.loss(model, tensors)
            total, count = total + float(loss.plain), count + loss.count
        scores = {"loss": total / count}
        if self.recipe.validate_bleu:
            translator = self._translator(model, {})
            texts = translator.translate([p.source for p in self._validation], SearchOptions(method="greedy"))
            references = [p.target for p in self._validation]
            found = score_translations([t.text for t in texts], references, self.recipe.data.target_language)
            scores |= {"bleu": found.bleu, "chrf": found.chrf}
        return scores

    def save(self, model: Any, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write a model folder that `Translator.load` opens."""
        self._translator(model, facts).save(folder)

    def _translator(self, model: Any, facts: Mapping[str, Any]) -> Translator:
        languages = (self.recipe.data.source_language, self.recipe.data.target_language)
        return Translator(model, self.vocabulary, languages, facts, self._options)


def _packed(rows: Sequence[Sequence[int]]) -> Iterator[bytes]:
    """Rows of ids as bytes: their lengths, and the ids one after another."""
    yield array("i", map(len, rows)).tobytes()
    yield array("i", chain.from_iterable(rows)).tobytes()


def read_split(recipe: TranslationRecipe) -> tuple[list[Pair], list[Pair], list[Damage]]:
    """Training and validation pairs, and what was left out of both because it is damaged.

    Raises:
        DataError: if the parallel text cannot be used, or too much of it is damaged.
    """
    data = recipe.data
    train, damaged = read_training_pairs(data.paths(data.train), data.languages, data.columns, data.strict)
    if data.validation is None:
        return (*hold_out(train, data.hold_out, data.paths(data.train)[0]), damaged)
    held, more = read_training_pairs(data.paths(data.validation), data.languages, data.columns, data.strict)
    return train, held, [*damaged, *more]


def _damage_notes(damaged: Sequence[Damage]) -> list[str]:
    unused = [f"{damage.file}: {damage.problem}" for damage in damaged if damage.unused]
    damaged = [damage for damage in damaged if not damage.unused]
    if not damaged:
        return unused
    more = f"; and {len(damaged) - 3:,} more, in damaged.txt" if len(damaged) > 3 else ""
    return [*unused, f"{len(damaged):,} damaged pairs left out: {'; '.join(map(str, damaged[:3]))}{more}"]


def listed(lines: Sequence[int]) -> str:
    """The first ten, and how many more there are."""
    more = f" and {len(lines) - 10:,} more" if len(lines) > 10 else ""
    return ", ".join(str(line) for line in lines[:10]) + more


def hold_out(pairs: Sequence[Pair], count: int, path: Path) -> tuple[list[Pair], list[Pair]]:
    """Split off validation pairs, evenly spaced; a source sentence that occurs twice never stands on both sides.

    Args:
        pairs: all of them.
        count: how many to keep for validation; at most a tenth is taken.
        path: named if there are too few pairs.

    Returns:
        training pairs, validation pairs.

    Raises:
        DataError: if there are fewer than 20 pairs.
    """
    if len(pairs) < 20:
        raise DataError(path, f"has {len(pairs)} pairs; at least 20 are needed to hold out some for validation")
    count = min(count, len(pairs) // 10)
    chosen = {int(i * len(pairs) / count) for i in range(count)}
    held = {pairs[i].source for i in chosen}
    train = [pair for pair in pairs if pair.source not in held]
    if not train:
        raise DataError(path, "all pairs have the same source sentence")
    return train, [pairs[i] for i in sorted(chosen)]
