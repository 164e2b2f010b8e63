"""Translation, as the doors see it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from patchword.checkpoints.model_folder import Description, read_description
from patchword.errors import RecipeError
from patchword.evaluation import Evaluation
from patchword.models.registry import ARCHITECTURES
from patchword.speed import Speed
from patchword.text.details import TranslatorDetails
from patchword.text.evaluation import evaluate_translator
from patchword.text.pairs import read_pairs
from patchword.text.presets import choose_fine_tuning, choose_recipe
from patchword.text.recipe import TASK, TranslationRecipe
from patchword.text.speed import translation_speeds
from patchword.text.task import TranslationTask
from patchword.text.translator import Translator
from patchword.training.events import Listener


class TranslationWing:
    """See `wings.Wing`."""

    task = TASK
    noun = "a translator"
    plural = "translators"
    verb = "translate"
    data_options = "--source FILE --target FILE, or --data FILE.tsv"
    recipe = TranslationRecipe
    system = Translator
    evaluation_options = ("search", "method", "beam", "length_penalty")

    def choose(
        self, paths: Sequence[Path], validation: Sequence[Path], given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        """See `Wing.choose`; languages are the endings of the two files' names."""
        data = {"train": [str(path.resolve()) for path in paths]}
        if validation:
            data["validation"] = [str(path.resolve()) for path in validation]
        if "init" in given:
            init = read_description(Path(str(given["init"])), TASK)
            languages = TranslatorDetails.read(init.details, f"init {given['init']}: details").languages
            values, notes = choose_fine_tuning(read_pairs(paths, languages), _width(init))
            return {**values, "data": data}, notes
        values, notes = choose_recipe(read_pairs(paths), given.get("model", {}).get("architecture"))
        endings = [path.name.removesuffix(".gz").rsplit(".")[-1] for path in paths]
        named = dict(zip(("source_language", "target_language"), endings, strict=True)) if len(paths) == 2 else {}
        return {**values, "data": {**data, **named}}, notes

    def prepare(self, recipe: TranslationRecipe, run: Path, listener: Listener) -> TranslationTask:
        """See `Wing.prepare`."""
        return TranslationTask.prepare(recipe, run, listener)

    def evaluate(self, system: Translator, paths: Sequence[Path], options: Mapping[str, Any]) -> Evaluation:
        """See `Wing.evaluate`; `search` are whole options, the others change the translator's own."""
        if not 1 <= len(paths) <= 2:
            raise RecipeError("a translator is evaluated on one .tsv or .jsonl, or on two aligned files")
        search = options.get("search") or system.options
        changes = {name: value for name, value in options.items() if name != "search"}
        scores, translations = evaluate_translator(
            system, read_pairs(paths, system.languages), search.changed(changes, "evaluate")
        )
        return Evaluation(scores, tuple(t.text for t in translations))

    def speeds(self, system: Translator, rounds: int) -> Iterator[Speed]:
        """See `Wing.speeds`."""
        return translation_speeds(system, rounds=rounds)


def _width(description: Description) -> int:
    config: Any = ARCHITECTURES[description.architecture].config.parse(description.model, "config.json")
    return int(config.width)


WING = TranslationWing()
