"""Evaluating a translator on parallel text."""

from collections.abc import Sequence

from patchword.text.pairs import Pair
from patchword.text.scores import TranslationScores, score_translations
from patchword.text.search import SearchOptions
from patchword.text.translator import Translation, Translator


def evaluate_translator(
    translator: Translator, pairs: Sequence[Pair], options: SearchOptions | None = None
) -> tuple[TranslationScores, list[Translation]]:
    """Translate the sources and score the result against the targets.

    Args:
        translator: the model.
        pairs: data that it was not trained on.
        options: how to search; by default as the translator does.

    Returns:
        the scores, and the translations in the order of the pairs.
    """
    translations = translator.translate([pair.source for pair in pairs], options)
    texts, references = [t.text for t in translations], [pair.target for pair in pairs]
    return score_translations(texts, references, translator.languages[1]), translations
