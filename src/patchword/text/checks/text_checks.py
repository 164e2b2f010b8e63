"""Looking at parallel text before it is trained on, as `wings.Checks` has it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patchword.errors import RecipeError
from patchword.findings import TRAIN, VALIDATION, Findings
from patchword.text.checks.cleaned import write_cleaned
from patchword.text.checks.kinds import KINDS
from patchword.text.checks.looking import look
from patchword.text.checks.records import Text
from patchword.text.recipe import TranslationData, TranslationRecipe
from patchword.training.events import Listener


class TextChecks:
    """See `wings.Checks`."""

    kinds = KINDS
    options = ("columns", "source_language", "target_language", "max_tokens")

    def certainty(self, paths: Sequence[Path]) -> int:
        """See `wings.Checks`: two files, and any one that nobody knows better."""
        return 0 if any(path.is_dir() for path in paths) else 2 if len(paths) == 2 else 1

    def of_recipe(self, recipe: TranslationRecipe) -> tuple[dict[str, list[Path]], dict[str, Any]]:
        """See `wings.Checks`."""
        data = recipe.data
        found = {TRAIN: data.paths(data.train)}
        if data.validation is not None:
            found[VALIDATION] = data.paths(data.validation)
        return found, {name: getattr(data, name) for name in self.options}

    def look(self, data: Mapping[str, Sequence[Path]], options: Mapping[str, Any], listener: Listener) -> Findings:
        """See `wings.Checks`."""
        form, texts = self._texts(data, options)
        return look(texts, form.max_tokens, listener)

    def clean(
        self,
        data: Mapping[str, Sequence[Path]],
        options: Mapping[str, Any],
        findings: Findings,
        without: frozenset[str],
        folder: Path,
    ) -> dict[str, tuple[list[Path], int]]:
        """See `wings.Checks`."""
        written = {}
        names: set[str] = set()
        for split, text in self._texts(data, options)[1].items():
            gone = {f.line for f in findings.found if f.split == split and f.kind in without and f.line is not None}
            own = {path.name for path in text.paths}
            prefix = f"{split}." if own & names else ""
            names |= own
            written[split] = write_cleaned(text, gone, folder, prefix)
        return written

    @staticmethod
    def _texts(
        data: Mapping[str, Sequence[Path]], options: Mapping[str, Any]
    ) -> tuple[TranslationData, dict[str, Text]]:
        for split, paths in data.items():
            if not 1 <= len(paths) <= 2:
                raise RecipeError(
                    f"{split} text is {len(paths)} files; expected two aligned files, or one .tsv, .csv, .jsonl or .zip"
                )
        train = [str(path) for path in data[TRAIN]]
        form = TranslationData.parse({"train": train, **options}, "check")
        languages, columns = form.languages, form.columns
        return form, {
            split: Text(paths, languages, columns if len(paths) == 1 else None) for split, paths in data.items()
        }
