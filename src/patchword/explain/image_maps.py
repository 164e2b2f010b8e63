"""The kinds of maps over an image, from the evidence that a network gives; each network has some of them."""

from collections.abc import Mapping

from torch import Tensor

from patchword.explain.attention import read_attention, read_rollout
from patchword.models.evidence import Evidence

OF_ATTENTION = ("attention", "rollout")  # the same whichever class is asked about
OF_A_CLASS = ("relevance", "class_activation")
MAPS = (*OF_ATTENTION, *OF_A_CLASS)


def image_maps(evidence: Evidence) -> Mapping[str, Tensor]:
    """One map a kind.

    Args:
        evidence: of looking, for a class, or both.

    Returns:
        (batch, row, column) by names in `MAPS`, not negative; "attention" is the last layer's, averaged over heads.
    """
    found: dict[str, Tensor] = {}
    if "encoder" in evidence:
        found["attention"] = read_attention(evidence)[-1].mean(1)
        found["rollout"] = read_rollout(evidence)
    found |= {name: evidence[name].values for name in OF_A_CLASS if name in evidence}
    return found
