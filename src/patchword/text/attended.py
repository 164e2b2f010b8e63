"""Pairs of source and target with what the model looks at and expects as it reads the target: forced decoding."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from patchword.models.contracts import SequenceToSequence
from patchword.models.evidence import Evidence, EvidenceMap
from patchword.text.batches import pad
from patchword.text.sampling import next_log_probabilities
from patchword.text.translation import Translation
from patchword.text.vocabulary import Vocabulary

MAX_TOKENS = 1024  # of the longer side of a batch, padding included; the maps of a batch grow with their square


@dataclass(frozen=True)
class AttendedPair:
    """A source and a target with what the model looked at while it predicted the target, token by token.

    Attributes:
        source_ids: the source's tokens, the end token included.
        source_pieces: the same as text.
        target_ids: the target's tokens as they are predicted, without the start token.
        target_pieces: the same as text.
        evidence: what the model looked at; in its "cross" map, (layer, 1, head, target, source), row t is where the
            decoder looked in the source while it predicted target piece t.
        log_probabilities: natural logarithm of each target token's probability, after those before it.
        likeliest: for every target token the likeliest ones in its place, as ids with natural logarithms of their
            probabilities, likeliest first.
    """

    source_ids: tuple[int, ...]
    source_pieces: tuple[str, ...]
    target_ids: tuple[int, ...]
    target_pieces: tuple[str, ...]
    evidence: Evidence
    log_probabilities: tuple[float, ...]
    likeliest: tuple[tuple[tuple[int, float], ...], ...]


@dataclass(frozen=True)
class AttendedTranslation:
    """A translation with what the model looked at.

    Attributes:
        translation: the result.
        source_pieces: the source tokens as text, the end token included.
        target_pieces: the generated tokens as text.
        evidence: as an `AttendedPair`'s.
    """

    translation: Translation
    source_pieces: tuple[str, ...]
    target_pieces: tuple[str, ...]
    evidence: Evidence


@torch.inference_mode()
def read_pairs(
    model: SequenceToSequence,
    vocabulary: Vocabulary,
    sources: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]],
    count: int,
    renormalise: bool,
) -> list[AttendedPair]:
    """Read given targets; pairs of like length are read together.

    Args:
        model: the reference network, in evaluation mode.
        vocabulary: whose tokens it was trained on.
        sources: ids of each source, the end token included.
        targets: ids of each target without the start token.
        count: how many of the likeliest tokens to find in each place; with 0 no probability is computed.
        renormalise: see `SearchOptions`.
    """
    device = next(model.parameters()).device
    order = sorted(range(len(sources)), key=lambda i: _longest(sources, targets, i))
    found: dict[int, AttendedPair] = {}
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and _longest(sources, targets, order[end]) * (end + 1 - start) <= MAX_TOKENS:
            end += 1
        batch = order[start:end]
        source = pad([sources[i] for i in batch], model.config.pad_id).to(device)
        target = pad([[model.config.bos_id, *targets[i][:-1]] for i in batch], model.config.pad_id).to(device)
        evidence = model.evidence(source, target)
        hidden = model.decode(target, model.encode(source), source) if count else None
        for row, i in enumerate(batch):
            lengths = {"source": len(sources[i]), "target": len(targets[i])}
            found[i] = AttendedPair(
                tuple(sources[i]),
                tuple(vocabulary.source_pieces(sources[i])),
                tuple(targets[i]),
                tuple(vocabulary.target_pieces(targets[i])),
                {name: _of_one(kind, row, lengths) for name, kind in evidence.items()},
                *(((), ()) if hidden is None else _expected(model, hidden[row], targets[i], count, renormalise)),
            )
        start = end
    return [found[i] for i in range(len(sources))]


def _longest(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], index: int) -> int:
    return max(len(sources[index]), len(targets[index]))


def _of_one(kind: EvidenceMap, row: int, lengths: dict[str, int]) -> EvidenceMap:
    """One pair's part of a batch's map, without padding."""
    places = tuple(slice(row, row + 1) if axis == "batch" else slice(0, lengths.get(axis)) for axis in kind.axes)
    return EvidenceMap(kind.axes, kind.values[places].clone(), kind.grid)


def _expected(
    model: SequenceToSequence, hidden: Tensor, target: Sequence[int], count: int, renormalise: bool
) -> tuple[tuple[float, ...], tuple[tuple[tuple[int, float], ...], ...]]:
    weight, bias = model.projection()
    logits = torch.nn.functional.linear(hidden[: len(target)], weight, bias)
    free = torch.zeros(len(target), dtype=torch.bool, device=logits.device)
    values = next_log_probabilities(logits, model.config, renormalise, free)
    own = values.gather(1, torch.tensor(target, device=values.device)[:, None])[:, 0]
    best = values.topk(min(count, values.size(1)), 1)
    likeliest = tuple(
        tuple(zip(ids, scores, strict=True))
        for ids, scores in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    )
    return tuple(own.tolist()), likeliest
