"""Looking at labelled images before they are trained on, as `wings.Checks` has it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patchword.errors import DataError
from patchword.findings import TRAIN, VALIDATION, Findings
from patchword.images.archive import Archive
from patchword.images.checks.cleaned import write_cleaned
from patchword.images.checks.kinds import KINDS
from patchword.images.checks.looking import look
from patchword.images.checks.splits import read_all
from patchword.images.files import allowed_pixels
from patchword.images.recipe import ClassificationRecipe
from patchword.images.tables import TABLE_SUFFIXES, names_pictures
from patchword.training.events import Listener


class ImageChecks:
    """See `wings.Checks`."""

    kinds = KINDS
    options = ("max_pixels",)

    def certainty(self, paths: Sequence[Path]) -> int:
        """See `wings.Checks`: a folder, and what has pictures in it."""
        if len(paths) != 1:
            return 0
        path = paths[0]
        suffix = path.suffix.lower()
        if path.is_dir():
            return 3
        if suffix == ".zip":
            try:
                return 3 if Archive(path).listing().pictures else 0
            except DataError:
                return 0
        return 3 if suffix in TABLE_SUFFIXES and names_pictures(path) else 0

    def of_recipe(self, recipe: ClassificationRecipe) -> tuple[dict[str, list[Path]], dict[str, Any]]:
        """See `wings.Checks`."""
        data = recipe.data
        found = {TRAIN: [data.path(data.train)]}
        if data.validation is not None:
            found[VALIDATION] = [data.path(data.validation)]
        return found, {"max_pixels": data.max_pixels}

    def look(self, data: Mapping[str, Sequence[Path]], options: Mapping[str, Any], listener: Listener) -> Findings:
        """See `wings.Checks`."""
        return look(data, allowed_pixels(options.get("max_pixels")), listener)

    def clean(
        self,
        data: Mapping[str, Sequence[Path]],
        options: Mapping[str, Any],
        findings: Findings,
        without: frozenset[str],
        folder: Path,
    ) -> dict[str, tuple[list[Path], int]]:
        """See `wings.Checks`."""
        splits = read_all(data, allowed_pixels(options.get("max_pixels")))
        written: dict[str, tuple[list[Path], int]] = {}
        for given in data:
            own = [split for split in splits if split.given == given]
            gone = {
                split.name: {f.file for f in findings.found if f.split == split.name and f.kind in without}
                for split in own
            }
            path, count = write_cleaned(own, gone, folder, given)
            written[given] = [path], count
        return written
