"""Given translations run through a model: where it looked, and what it would have written at each step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.errors import DataError
from patchword.memory import memory_for
from patchword.models.evidence import Evidence
from patchword.text.batches import pad
from patchword.text.translator import Translator

REMEDY = "give fewer or shorter sentences at once"


@dataclass(frozen=True)
class Forced:
    """One sentence's pass.

    Attributes:
        evidence: what the model looked at, without a batch; see `SequenceToSequence.evidence`.
        probabilities: of every target token as the next one, (step, vocabulary).
    """

    evidence: dict[str, Tensor]
    probabilities: Tensor


def source_ids(translator: Translator, text: str, most: int) -> list[int]:
    """Ids of a source text, the end token included; that alone of an empty one.

    Raises:
        DataError: if there are more than `most`, or the text holds half a surrogate pair.
    """
    vocabulary = translator.vocabulary
    try:
        ids = vocabulary.encode_source([vocabulary.normalised(text.strip()).strip()])[0]
    except (UnicodeEncodeError, TypeError):
        raise DataError("the text", "holds half a surrogate pair, which is no character") from None
    _check(ids, min(most, translator.longest), "source")
    return ids


def target_ids(translator: Translator, text: str, most: int) -> list[int]:
    """Ids of a given translation without the start and the end token; see `source_ids`."""
    vocabulary = translator.vocabulary
    try:
        ids = vocabulary.encode_target([vocabulary.normalised(text.strip()).strip()])[0][1:-1]
    except (UnicodeEncodeError, TypeError):
        raise DataError("the translation", "holds half a surrogate pair, which is no character") from None
    _check(ids, min(most, translator.longest) - 1, "target")
    return ids


@torch.inference_mode()
def forced_cross(
    translator: Translator, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
) -> list[Tensor]:
    """Where the decoder looked while it was made to write each target.

    Args:
        translator: with the model.
        sources: ids, ended by the end token.
        targets: ids without the start and the end token.

    Returns:
        for each pair its "cross" map (layer, head, target + 1, source): row t predicts token t, the last the end.
    """
    model, device = translator.model, translator.network.device
    begun = [[model.config.bos_id, *row] for row in targets]
    with memory_for("the attention maps", REMEDY):
        maps = model.evidence(
            pad(sources, model.config.pad_id).to(device), pad(begun, model.config.pad_id).to(device)
        )["cross"].values
        # A copy of its own frees the batch's, of which most may be padding.
        return [
            maps[:, row, :, : len(target), : len(source)].cpu().clone()
            for row, (source, target) in enumerate(zip(sources, begun, strict=True))
        ]


@torch.inference_mode()
def forced(translator: Translator, source: Sequence[int], target: Sequence[int]) -> Forced:
    """One pair, whole.

    Args:
        translator: with the model.
        source: ids, ended by the end token.
        target: ids without the start token; the end token, if there is one, is only predicted.

    Returns:
        of every step: one a target token, and one more if the target has no end token.
    """
    model, device = translator.model, translator.network.device
    config = model.config
    given = [config.bos_id, *(target[:-1] if target and target[-1] == config.eos_id else target)]
    sources, targets = torch.tensor([source], device=device), torch.tensor([given], device=device)
    with memory_for("the attention maps", REMEDY):
        evidence: Evidence = model.evidence(sources, targets)
        weight, bias = model.projection()
        hidden = model.decode(targets, model.encode(sources), sources)
        logits = F.linear(hidden[0], weight, bias).float()
    never = [config.pad_id, config.bos_id]
    if translator.options.renormalise:
        logits[:, never] = -torch.inf
    probabilities = logits.softmax(-1).cpu()
    probabilities[:, never] = 0.0
    return Forced({name: found.values[:, 0].float().cpu() for name, found in evidence.items()}, probabilities)


def _check(ids: Sequence[int], most: int, side: str) -> None:
    if len(ids) > most:
        raise DataError(
            f"the {side}", f"has {len(ids):,} tokens; at most {most:,} are looked into at once: cut it into sentences"
        )
