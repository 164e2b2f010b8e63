"""Translation, as the doors see it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from patchword.checkpoints.description import Description
from patchword.checkpoints.model_folder import read_description
from patchword.errors import RecipeError, clipped
from patchword.evaluation import Evaluation
from patchword.models.registry import ARCHITECTURES
from patchword.speed import Speed
from patchword.text.checks.text_checks import TextChecks
from patchword.text.details import TranslatorDetails
from patchword.text.evaluation import evaluate_translator
from patchword.text.language import language_code, named_language, said, script_of
from patchword.text.objects import Languages
from patchword.text.pairs import Parallel, read_parallel
from patchword.text.presets import choose_fine_tuning, choose_recipe
from patchword.text.recipe import TASK, TranslationData, TranslationRecipe
from patchword.text.speed import translation_speeds
from patchword.text.task import TranslationTask, listed
from patchword.text.translator import Translator
from patchword.training.events import Listener


class TranslationWing:
    """See `wings.Wing`."""

    task = TASK
    noun = "a translator"
    plural = "translators"
    verb = "translate"
    data_options = "--source FILE --target FILE, or --data FILE.tsv (.csv, .jsonl, .tmx, .po, .xliff, .zip)"
    recipe = TranslationRecipe
    system = Translator
    training_options: Mapping[str, str] = {
        "batch_size": "batch_tokens",
        "columns": "data.columns",
        "source_language": "data.source_language",
        "target_language": "data.target_language",
    }
    evaluation_options = (
        "search",
        "method",
        "beam",
        "length_penalty",
        "columns",
        "source_language",
        "target_language",
    )
    checks = TextChecks()

    def choose(
        self, paths: Sequence[Path], validation: Sequence[Path], given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        """See `Wing.choose`; languages that nobody names are the files' names', or the text's by its script."""
        data = {"train": [str(path.resolve()) for path in paths]}
        if validation:
            data["validation"] = [str(path.resolve()) for path in validation]
        table = given.get("data", {})
        known = {name: table[name] for name in _DATA if name in table} if isinstance(table, Mapping) else {}
        form = TranslationData.parse({"train": data["train"], **known}, "data")
        if "init" in given:
            init = read_description(Path(str(given["init"])), TASK)
            details = TranslatorDetails.read(init.details, f"init {given['init']}: details")
            languages = _first(form.languages, (said(details.source_language), said(details.target_language)))
            parallel = _parallel(paths, languages, form)
            values, notes = choose_fine_tuning(parallel.pairs, _width(init))
            return {**values, "data": {**data, **known}}, notes
        named = [named_language(path) for path in paths] if len(paths) == 2 else [None, None]
        languages = _first(form.languages, (named[0], named[1]))
        parallel = _parallel(paths, languages, form)
        values, notes = choose_recipe(parallel.pairs, given.get("model", {}).get("architecture"))
        found, note = _languages(parallel, languages)
        return {**values, "data": {**data, **known, **found}}, [*notes, note]

    def prepare(self, recipe: TranslationRecipe, run: Path, listener: Listener) -> TranslationTask:
        """See `Wing.prepare`."""
        return TranslationTask.prepare(recipe, run, listener)

    def evaluate(self, system: Translator, paths: Sequence[Path], options: Mapping[str, Any]) -> Evaluation:
        """See `Wing.evaluate`; `search` are whole options, the others change the translator's own."""
        if not 1 <= len(paths) <= 2:
            raise RecipeError(
                "a translator is evaluated on one .tsv, .jsonl, .tmx, .po or .xliff, or on two aligned files"
            )
        search = options.get("search") or system.options
        changes = {name: value for name, value in options.items() if name in ("method", "beam", "length_penalty")}
        known = {name: options[name] for name in _DATA if name in options}
        form = TranslationData.parse({"train": [str(path) for path in paths], **known}, "evaluate")
        own = (said(system.languages[0]), said(system.languages[1]))
        files = [named_language(path) for path in paths] if len(paths) == 2 else [None, None]
        parallel = read_parallel(paths, _first(form.languages, own), form.columns).whole(paths[0])
        asked = _first(_first(form.languages, own), (files[0], files[1]))
        header = parallel.named[1] if parallel.named and language_code(parallel.named[1]) else ""
        target = asked[1] or header
        scores, translations = evaluate_translator(system, parallel.pairs, search.changed(changes, "evaluate"), target)
        lines = [(pair.line, found.error) for pair, found in zip(parallel.pairs, translations, strict=True)]
        skipped = tuple(f"{paths[0]}, line {line}: {error}; not scored" for line, error in lines if error)
        sources = f"{asked[0]} to " if asked[0] else ""
        notes = [f"language assumed for the scores: {sources}{scores.assumed}"]
        notes += [f"{damage.file}: {damage.problem}" for damage in parallel.damaged if damage.unused]
        if parallel.named and None in _first(form.languages, own):
            notes.append(f"sides as {paths[0]} has them: source {parallel.named[0]!r}, target {parallel.named[1]!r}")
        both = zip(parallel.pairs, translations, strict=True)
        if long := [pair.line for pair, found in both if found.is_long and found.error is None]:
            notes.append(
                f"{len(long):,} sources longer than a sentence were translated as one (line {listed(long)}); parts "
                "may be missing"
            )
        return Evaluation(
            scores,
            tuple(t.text for t in translations),
            skipped,
            (*notes, *([f"warning: {scores.warning}"] if scores.warning else [])),
        )

    def speeds(self, system: Translator, rounds: int) -> Iterator[Speed]:
        """See `Wing.speeds`."""
        return translation_speeds(system, rounds=rounds)

    def given(self, text: str) -> str:
        """See `Wing.given`: the sentence itself."""
        if os.path.isfile(text):  # noqa: PTH113 - Path's raises on texts too long for a name
            raise RecipeError(f"{clipped(text)} is a file, and {self.noun} takes a sentence")
        return text

    def facts(self, system: Translator) -> dict[str, Any]:
        """See `Wing.facts`."""
        return {"languages": list(system.languages)}


_DATA = ("columns", "source_language", "target_language", "strict")


def _first(*choices: Languages) -> Languages:
    """For each side the first language that is said."""
    sides = [next((language for language in side if language is not None), None) for side in zip(*choices, strict=True)]
    return sides[0], sides[1]


def _parallel(paths: Sequence[Path], languages: Languages, form: TranslationData) -> Parallel:
    parallel = read_parallel(paths, languages, form.columns)
    return parallel.whole(paths[0]) if form.strict else parallel.tolerable(paths[0])


def _languages(parallel: Parallel, languages: Languages) -> tuple[dict[str, str], str]:
    """The languages for a recipe, and a sentence that says where they come from."""
    found, why = {}, []
    for side, (name, language) in enumerate(zip(("source", "target"), languages, strict=True)):
        script = script_of(pair.source if side == 0 else pair.target for pair in parallel.pairs)
        own = parallel.named[side] if parallel.named and language_code(parallel.named[side]) else None
        chosen = language or own or script.language
        if chosen:
            found[f"{name}_language"] = chosen
        why.append(
            f"{name} {language}"
            if language
            else f"{name} {own}, as the file says"
            if own
            else f"{name} {script.language}, by its script"
            if script.language
            else f"{name} not known (--{name}-language says it)"
        )
    return found, f"languages: {', '.join(why)}"


def _width(description: Description) -> int:
    config: Any = ARCHITECTURES[description.architecture].config.parse(description.model, "config.json")
    return int(config.width)


WING = TranslationWing()
