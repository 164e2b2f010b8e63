"""What a learner is told beside a step of the walk, and the papers that it comes from."""

from dataclasses import dataclass

VASWANI = "Vaswani et al. 2017"
XIONG = "Xiong et al. 2020"
DOSOVITSKIY = "Dosovitskiy et al. 2021"
BAHDANAU = "Bahdanau et al. 2015"
LUONG = "Luong et al. 2015"
HOCHREITER = "Hochreiter & Schmidhuber 1997"
GERS = "Gers et al. 2000"
CHO = "Cho et al. 2014"
HE = "He et al. 2016"


@dataclass(frozen=True)
class Told:
    """Of one kind of step.

    Attributes:
        title: in English and Chinese, a few words.
        text: in English and Chinese, one or two sentences.
        paper: with section and equation, or None.
        formula: in Unicode, or None.
    """

    title: tuple[str, str]
    text: tuple[str, str]
    paper: str | None = None
    formula: str | None = None
