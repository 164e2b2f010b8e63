"""How to search for a translation."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from patchword.config import Config
from patchword.errors import RecipeError
from patchword.text.hypothesis import length_penalty

MOST_TOKENS = 2048  # of a source, and of a translation, whatever the limits that are asked for


class SearchOptions(Config):
    """How to search; the defaults are the paper's (Vaswani et al. 2017, section 6.1).

    Attributes:
        method: "beam", "greedy" or "sample".
        beam: hypotheses kept a sentence, at most 1,000.
        length_penalty: alpha, the exponent of the length penalty, 0 to 50.
        length_normalisation: the penalty that divides a hypothesis's log-probability: "wu" for
            ((5 + length) / 6) ** alpha (Wu et al. 2016), "power" for length ** alpha (transformers).
        early_stopping: a sentence is done as soon as `beam` hypotheses have finished. If False, it goes on until its
            best live hypothesis, divided by the penalty of its present length, is no better than the worst of the
            `beam` best finished ones (transformers' default).
        renormalise: share the probability of the tokens that never follow, padding and start, out among the others.
        forced_end: a hypothesis that reaches the limit gets the end token as its last, at no cost (Marian's
            checkpoints in transformers); otherwise it is cut there.
        max_extra: the limit is the source's length plus this, in tokens; None for no such limit.
        max_length: a limit in tokens, the end token included, whatever the source; None for none. No search goes
            beyond `MOST_TOKENS` tokens, nor beyond the positions that a model has learned.
        n_best: hypotheses returned a sentence; at most `beam` for beam search, 1 for greedy, 1,000 for sampling.
        temperature: for sampling, above 0 and at most 1,000,000; below 1 sharpens, and below `sampling.COLD` the
            likeliest token is taken.
        top_k: sample from the k likeliest tokens; 0 for all.
        top_p: sample from the smallest set of tokens with at least this probability (Holtzman et al. 2020), above 0.
        seed: of the sampling, -2^63 to 2^63 - 1; every sentence draws anew from it, whatever is translated beside it.
    """

    method: Literal["beam", "greedy", "sample"] = "beam"
    beam: int = Field(4, ge=1, le=1000)
    length_penalty: float = Field(0.6, ge=0, le=50)
    length_normalisation: Literal["wu", "power"] = "wu"
    early_stopping: bool = True
    renormalise: bool = True
    forced_end: bool = False
    max_extra: int | None = Field(50, ge=0)
    max_length: int | None = Field(None, ge=1)
    n_best: int = Field(1, ge=1, le=1000)
    temperature: float = Field(1.0, gt=0, le=1e6)
    top_k: int = Field(0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    seed: int = Field(1, ge=-(2**63), lt=2**63)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.method == "beam" and self.n_best > self.beam:
            raise ValueError(f"n_best {self.n_best} is more than the beam's {self.beam} hypotheses")
        if self.method == "greedy" and self.n_best > 1:
            raise ValueError("greedy search has one hypothesis; use beam or sample for n_best")
        if self.max_extra is None and self.max_length is None:
            raise ValueError("max_extra and max_length cannot both be None: a search needs a limit")
        return self

    def changed(self, changes: Mapping[str, Any], origin: str) -> Self:
        """These options but for some fields; a beam without a method means beam search.

        Args:
            changes: new values by name; None leaves a field as it is.
            origin: where they came from, for messages.

        Raises:
            RecipeError: if the result makes no sense.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        method = {"method": "beam"} if "beam" in given else {}
        found = self.parse({**self.model_dump(), **method, **given}, origin)
        for name in ("temperature", "top_k", "top_p", "seed"):
            if name in given and found.method != "sample":
                raise RecipeError(f"{origin}: {name} is for method sample, which draws tokens; this is {found.method}")
        return found

    def limit(self, source_tokens: int, longest: int | None) -> int:
        """Most tokens of a translation, the end token included.

        Args:
            source_tokens: of its source, the end token included.
            longest: most tokens that the model has positions for; None for any number.
        """
        most = min(MOST_TOKENS, longest or MOST_TOKENS)
        extra = most if self.max_extra is None else min(self.max_extra, most)
        return min(source_tokens + extra, most, self.max_length or most)

    def penalty(self, length: int) -> float:
        """What the log-probability of a hypothesis of `length` tokens, the end token included, is divided by."""
        return length_penalty(length, self.length_penalty, self.length_normalisation)
