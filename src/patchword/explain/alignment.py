"""Which word is a translation of which, read from where the decoder looked.

A decoder's attention was not trained to align words, and how well it does depends on how it is read: by which layer,
and by which step. Row t of a "cross" map is the step that predicts piece t; in the step after it piece t is the input,
and in some models that one looks at piece t's source (Chen et al. 2020, "Accurate Word Alignment Induction from Neural
Machine Translation"). `alignment_error` measures which reading suits a model.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from patchword.explain.words import Word

Links = list[tuple[int, int]]

_EQUAL = 1e-6  # weights nearer to one another than this are equal: their order would be that of rounding


@dataclass(frozen=True)
class Reading:
    """How links are read from a "cross" map.

    Attributes:
        layer: the decoder's, from 0; None for the mean of all.
        shifted: whether a piece is read from the step that has it as its input, not the one that predicts it.
        both: whether the target word that looked most at a source word is linked with it too, beside the source word
            at which a target word looked most.
    """

    layer: int | None
    shifted: bool
    both: bool = False

    @classmethod
    def usual(cls, layers: int) -> "Reading":
        """What is taken where nothing was measured: the last layer but one (Garg et al. 2019)."""
        return cls(max(0, layers - 2), False)

    @classmethod
    def parse(cls, values: Any, layers: int) -> "Reading | None":
        """A reading from JSON; None if it is none, or of a layer that there is not."""
        if not isinstance(values, Mapping):
            return None
        layer, shifted, both = values.get("layer"), values.get("shifted"), values.get("both", False)
        if not isinstance(shifted, bool) or not isinstance(both, bool):
            return None
        if layer is not None and (isinstance(layer, bool) or not isinstance(layer, int) or not 0 <= layer < layers):
            return None
        return cls(layer, shifted, both)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"layer": self.layer, "shifted": self.shifted, "both": self.both}

    def told(self, layers: int) -> dict[str, str]:
        """The reading in words, English and Chinese.

        Args:
            layers: of the decoder.
        """
        if layers == 1:
            english, chinese = "the decoder's attention", "解码器的注意力"
        elif self.layer is None:
            english, chinese = f"the mean of the {layers} decoder layers", f"{layers} 个解码器层的平均"
        else:
            english = f"decoder layer {self.layer + 1} of {layers}"
            chinese = f"解码器第 {self.layer + 1} 层（共 {layers} 层）"
        if self.shifted:
            english += ", at the step that reads the word"
            chinese += "，取读入该词的那一步"
        else:
            english += ", at the step that writes the word"
            chinese += "，取写出该词的那一步"
        if self.both:
            english, chinese = f"{english}, both ways", f"{chinese}，双向合并"
        return {"en": english, "zh": chinese}


def readings(layers: int) -> list[Reading]:
    """Every reading of a decoder of so many layers."""
    choices: list[int | None] = [*range(layers), *([None] if layers > 1 else [])]
    return [Reading(layer, shifted, both) for both in (False, True) for layer in choices for shifted in (False, True)]


def word_weights(cross: Tensor, reading: Reading, source: Sequence[Word], target: Sequence[Word]) -> Tensor:
    """How much each target word looked at each source word.

    Args:
        cross: one sentence's map (layer, head, step, source); step t predicts target piece t, and there is one more
            step than pieces in the target words, which reads the last of them.
        reading: how to read it; heads are averaged, a target word's pieces too, a source word's are added.
        source: words, without the end token.
        target: words, without the end token.

    Returns:
        (target words, source words).
    """
    maps = cross.mean(1)
    steps = maps.mean(0) if reading.layer is None else maps[reading.layer]
    later = int(reading.shifted)
    columns = [steps[:, word.first : word.end].sum(1) for word in source]
    if not columns or not target:
        return steps.new_zeros(len(target), len(source))
    summed = torch.stack(columns, 1)
    return torch.stack([summed[word.first + later : word.end + later].mean(0) for word in target])


def links_of(weights: Tensor, both: bool = False) -> Links:
    """The source word at which each target word looked most; of equal ones the first.

    Args:
        weights: (target words, source words).
        both: also the target word that looked at each source word most.

    Returns:
        pairs of a source and a target word, in order.
    """
    if not weights.numel():
        return []
    pairs = {(source, target) for target, source in enumerate(_first_largest(weights).tolist())}
    if both:
        pairs |= set(enumerate(_first_largest(weights.T).tolist()))
    return sorted(pairs)


def spread(links: Iterable[tuple[int, int]], source: Sequence[Sequence[int]], target: Sequence[Sequence[int]]) -> Links:
    """Links between words of pieces as links between the words of two texts.

    Args:
        links: see `links_of`.
        source: for each source word of pieces, which words of the source text it has; see `words.places`.
        target: the same of the target.
    """
    return sorted({(i, j) for s, t in links for i in source[s] for j in target[t]})


def pharaoh(links: Iterable[tuple[int, int]]) -> str:
    """Links as "0-0 1-2": the numbers of a source and a target word, from 0."""
    return " ".join(f"{source}-{target}" for source, target in sorted(links))


def _first_largest(weights: Tensor) -> Tensor:
    return (weights >= weights.max(1, keepdim=True).values - _EQUAL).int().argmax(1)
