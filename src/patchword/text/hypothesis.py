"""A finished translation of one sentence, as tokens."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hypothesis:
    """What a search found.

    Attributes:
        tokens: generated ids; the last is the end token unless the length limit came first.
        log_probability: natural log of the model's probability of the tokens.
        score: log_probability divided by the length penalty; hypotheses are ranked by it.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float


def length_penalty(length: int, alpha: float, normalisation: str = "wu") -> float:
    """What a hypothesis's log-probability is divided by.

    Args:
        length: generated tokens, the end token included.
        alpha: 0 ranks by plain log-probability.
        normalisation: "wu" for ((5 + length) / 6) ** alpha (Wu et al. 2016, equation 14, as the Transformer paper uses
            it); "power" for length ** alpha (transformers, fairseq).
    """
    return float((length if normalisation == "power" else (5 + length) / 6) ** alpha)
