"""The two wings, as the objects that doors look up by their task; a third task would be a folder and one line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, Protocol

from patchword.checkpoints.model_folder import read_description
from patchword.errors import ModelFolderError, RecipeError, nearest, shown
from patchword.evaluation import Evaluation
from patchword.findings import Findings, Kind
from patchword.speed import Speed
from patchword.system import System
from patchword.training.events import Listener
from patchword.training.recipe import Recipe
from patchword.training.task import Task

# By task, where its wing is: nothing of a wing is imported before it is looked up.
WINGS: dict[str, str] = {
    "translation": "patchword.text.wing",
    "classification": "patchword.images.wing",
}


class Checks(Protocol):
    """How a wing looks at data before they are trained on.

    Attributes:
        kinds: all that it looks for.
        options: settings that it takes, names of its recipe's data table.
    """

    kinds: Sequence[Kind]
    options: Sequence[str]

    def certainty(self, paths: Sequence[Path]) -> int:
        """How likely some files are this wing's: 0 if they cannot be, 1 by their form, 2 and more by content."""

    def of_recipe(self, recipe: Any) -> tuple[dict[str, list[Path]], dict[str, Any]]:
        """The data of a recipe by split (see `findings`), and its settings."""

    def look(self, data: Mapping[str, Sequence[Path]], options: Mapping[str, Any], listener: Listener) -> Findings:
        """What is wrong with some data.

        Args:
            data: by split.
            options: some of `options`.
            listener: hears how far it is.

        Raises:
            PatchwordError: if they cannot be read at all, or a library is missing.
        """

    def clean(
        self,
        data: Mapping[str, Sequence[Path]],
        options: Mapping[str, Any],
        findings: Findings,
        without: frozenset[str],
        folder: Path,
    ) -> dict[str, tuple[list[Path], int]]:
        """Write data without some of their items, in a form that training reads.

        Args:
            data: by split; they are only read.
            options: some of `options`.
            findings: what `look` found in them.
            without: the kinds of items to leave out.
            folder: to write into.

        Returns:
            the files of each split, and how many items they have.
        """


class Wing(Protocol):
    """Everything that is done for a task.

    Attributes:
        task: its name.
        noun: what it calls a model of its own, such as "a translator".
        plural: the same of several, such as "translators".
        verb: of the command line, that uses a trained model.
        data_options: what to type on the command line to name training data.
        recipe: its recipes.
        system: a trained model with all that it needs.
        training_options: options of `train` that are this wing's, and the recipe key that each stands for.
        evaluation_options: what `evaluate` takes beside model and data.
        checks: how its data are looked at before a training.
    """

    task: str
    noun: str
    plural: str
    verb: str
    data_options: str
    recipe: type[Recipe]
    system: type[System]
    training_options: Mapping[str, str]
    evaluation_options: Sequence[str]
    checks: Checks

    def choose(
        self, paths: Sequence[Path], validation: Sequence[Path], given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        """Recipe values that suit some data, and sentences that say what was picked and why.

        Args:
            paths: the training data.
            validation: validation data; without any, some is held out.
            given: what is said already: `init`, `freeze`, `model.architecture` and settings that sizes depend on.

        Raises:
            PatchwordError: if the data or the init model cannot be read.
        """

    def prepare(self, recipe: Any, run: Path, listener: Listener) -> Task:
        """Data, model and validation of a run; see `training.task.Task`."""

    def evaluate(self, system: Any, paths: Sequence[Path], options: Mapping[str, Any]) -> Evaluation:
        """Score a system on data that it was not trained on.

        Args:
            system: of this wing's type.
            paths: the data.
            options: some of `evaluation_options`.
        """

    def facts(self, system: Any) -> dict[str, Any]:
        """What is worth knowing of a system of this wing's beside its network."""

    def speeds(self, system: Any, rounds: int) -> Iterator[Speed]:
        """How fast a system is on this machine."""

    def given(self, text: str) -> Any:
        """What a word of the command line means as a system's input.

        Raises:
            PatchwordError: if it cannot be one.
        """


def wing_of(task: str) -> Wing:
    """The wing of a task.

    Raises:
        RecipeError: if there is none, with the nearest valid name.
    """
    if task not in WINGS:
        raise RecipeError(f"unknown task {shown(task)}; {nearest(task, WINGS)}")
    found: Wing = import_module(WINGS[task]).WING
    return found


def refuse_option(wing: Wing, name: str, kind: str, known: Iterable[str]) -> NoReturn:
    """Say why a wing does not take an option.

    Args:
        wing: that was given it.
        name: of the option, with underscores.
        kind: the attribute of wings that lists such options.
        known: the wing's own.

    Raises:
        RecipeError: that it is another wing's, or nobody's.
    """
    for other in map(wing_of, WINGS):
        if name in getattr(other, kind):
            raise RecipeError(f"--{name.replace('_', '-')} is for {other.plural}; this is {wing.noun}")
    raise RecipeError(f"unknown option {shown(name)}; {nearest(name, known)}")


def wing_of_folder(path: Path) -> Wing:
    """The wing that a model folder, or a run folder's best model, is for.

    Raises:
        ModelFolderError: if it is missing, damaged or of an unknown task.
    """
    description = read_description(path)
    try:
        return wing_of(description.task)
    except RecipeError as error:
        raise ModelFolderError(path, f"config.json: {error}") from None
