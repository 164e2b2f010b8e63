"""Which of a Marian checkpoint's embeddings and output are one matrix."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

SHARED, SOURCE, TARGET, OUTPUT = (
    "model.shared.weight",
    "model.encoder.embed_tokens.weight",
    "model.decoder.embed_tokens.weight",
    "lm_head.weight",
)


def embeddings(tensors: dict[str, Tensor], config: Mapping[str, Any]) -> tuple[dict[str, Tensor], bool, bool]:
    """Which of the embeddings and the output are one, as MarianMTModel ties them: those that the config says are one,
    unless the file holds different values.

    Returns:
        the tensors under the names that `table` has for these choices, whether source and target share their
        embedding, and whether the output is tied to the target's.
    """
    names = [SHARED, SOURCE, TARGET, OUTPUT] if config["share_encoder_decoder_embeddings"] else [TARGET, OUTPUT]
    if not config["tie_word_embeddings"]:
        names.remove(OUTPUT)
    found = {name: tensors[name] for name in (SHARED, SOURCE, TARGET, OUTPUT) if name in tensors}
    first = next((found[name] for name in names if name in found), None)
    if first is not None:
        found = {**dict.fromkeys(names, first), **found}
    shared = SHARED in names and _equal(found, SHARED, SOURCE) and _equal(found, SHARED, TARGET)
    tied = OUTPUT in names and _equal(found, TARGET, OUTPUT)
    kept = [SHARED] if shared else [SOURCE, TARGET]
    kept += [] if tied else [OUTPUT]
    others = {name: tensor for name, tensor in tensors.items() if name not in (SHARED, SOURCE, TARGET, OUTPUT)}
    return {**others, **{name: found[name] for name in kept if name in found}}, shared, tied


def _equal(tensors: Mapping[str, Tensor], one: str, other: str) -> bool:
    a, b = tensors.get(one), tensors.get(other)
    if a is None or b is None:
        return a is b
    # A pickle has tied tensors under each of their names, in one place.
    return (a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.dtype == b.dtype) or torch.equal(a, b)
