"""BLEU and chrF with sacreBLEU's signature."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from patchword.text.language import tokenisation


@dataclass(frozen=True)
class TranslationScores:
    """Corpus scores, 0 to 100, with the signatures that make them comparable (Post 2018).

    Attributes:
        bleu: sacreBLEU's, cased.
        chrf: character F-score (Popovic 2015).
        exact: share of sentences equal to their reference, in percent.
        sentences: how many were scored.
        bleu_signature: how BLEU was computed.
        chrf_signature: how chrF was computed.
        assumed: which language BLEU's tokeniser is for, and why.
        warning: why that tokeniser does not suit the references; empty if it does.
    """

    bleu: float
    chrf: float
    exact: float
    sentences: int
    bleu_signature: str
    chrf_signature: str
    assumed: str = ""
    warning: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def as_text(self) -> str:
        """All of it for people."""
        return "\n".join(
            [
                f"BLEU   {self.bleu:6.2f}   {self.bleu_signature}",
                f"chrF   {self.chrf:6.2f}   {self.chrf_signature}",
                f"exact  {self.exact:6.2f} % of {self.sentences:,} sentences",
            ]
        )


def score_translations(
    translations: Sequence[str], references: Sequence[str], target_language: str = ""
) -> TranslationScores:
    """Score translations against one reference each.

    Args:
        translations: plain text, detokenised.
        references: as many.
        target_language: zh, ja and others without spaces between words are split into characters for BLEU, the rest
            by 13a; where it is no language, the references' script decides (`language.tokenisation`).

    Raises:
        ValueError: if the numbers differ.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    if len(translations) != len(references):
        raise ValueError(f"{len(translations)} translations, {len(references)} references")
    cut = tokenisation(target_language, references)
    bleu = BLEU(tokenize=cut.name)
    chrf = CHRF()
    bleu_score = bleu.corpus_score(list(translations), [list(references)])
    chrf_score = chrf.corpus_score(list(translations), [list(references)])
    equal = sum(a == b for a, b in zip(translations, references, strict=True))
    return TranslationScores(
        bleu=bleu_score.score,
        chrf=chrf_score.score,
        exact=100.0 * equal / max(1, len(references)),
        sentences=len(references),
        bleu_signature=str(bleu.get_signature()),
        chrf_signature=str(chrf.get_signature()),
        assumed=cut.assumption,
        warning=cut.warning,
    )
