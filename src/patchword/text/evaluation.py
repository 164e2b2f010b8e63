"""Evaluating a translator on parallel text."""

from collections.abc import Sequence

from patchword.errors import DataError
from patchword.text.pairs import Pair
from patchword.text.scores import TranslationScores, score_translations
from patchword.text.search import SearchOptions
from patchword.text.translator import Translation, Translator


def evaluate_translator(
    translator: Translator, pairs: Sequence[Pair], options: SearchOptions | None = None, target_language: str = ""
) -> tuple[TranslationScores, list[Translation]]:
    """Translate the sources and score the result against the targets.

    Args:
        translator: the model.
        pairs: data that it was not trained on.
        options: how to search; by default as the translator does.
        target_language: of the targets; by default the translator's.

    Returns:
        the scores of the pairs whose source can be translated, and the translations in the order of the pairs.

    Raises:
        DataError: if no source can be translated.
    """
    translations = translator.translate([pair.source for pair in pairs], options)
    scored = [i for i, found in enumerate(translations) if found.error is None]
    if not scored:
        raise DataError(f"line {pairs[0].line}", f"the source {translations[0].error}, as every other")
    texts, references = [translations[i].text for i in scored], [pairs[i].target for i in scored]
    return score_translations(texts, references, target_language or translator.languages[1]), translations
