"""What a classifier's training begins with: nothing, a model that was trained before, or what its run has kept.

The model that was trained before gets a new head for other classes (Dosovitskiy et al. 2021, section 3.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchword.errors import ModelFolderError, RecipeError
from patchword.images.classifier import ImageClassifier
from patchword.images.details import ClassifierDetails
from patchword.images.recipe import TASK, ClassificationRecipe
from patchword.images.transforms import Preprocessing
from patchword.models.contracts import ImageModel
from patchword.models.registry import ARCHITECTURES, architecture_for, architecture_of
from patchword.training.initial import check_changes, keep_description, kept_description


@dataclass(frozen=True)
class Beginning:
    """What a run begins with.

    Attributes:
        recipe: with the preprocessing that is used.
        classes: in the order of the head's logits.
        architecture: of the network.
        config: of the network.
        init: the network that training starts from; None for a new one, or for one that the run's state will fill.
        keeps_head: whether its classes are the init model's.
        notes: sentences that say what was taken over.
    """

    recipe: ClassificationRecipe
    classes: tuple[str, ...]
    architecture: str
    config: Any
    init: ImageModel | None = None
    keeps_head: bool = False
    notes: tuple[str, ...] = ()

    def model(self) -> Any:
        """The network; the one place where a run's network is made."""
        if self.init is not None:
            return self.init.adapted(self.config, keep_head=self.keeps_head)
        return ARCHITECTURES[self.architecture].model(self.config)


def beginning(recipe: ClassificationRecipe, classes: Sequence[str], run: Path) -> Beginning:
    """What a run begins with.

    Args:
        recipe: what to do.
        classes: of the data.
        run: the run folder. With `init` it keeps the description of the network, so that a run goes on where its init
            model has moved.

    Raises:
        ModelFolderError: if the init model, or what the run has kept, cannot be read.
        RecipeError: if the recipe asks of the init model what cannot be.
    """
    if recipe.init is None:
        architecture = architecture_for(TASK, recipe.model.architecture)
        return Beginning(recipe, tuple(classes), architecture, recipe.model_config_for(len(classes)))
    kept = kept_description(run, TASK)
    if kept is None:
        return _from_init(recipe, classes, run)
    details = ClassifierDetails.read(run / "state", kept.details)
    try:
        config = ARCHITECTURES[kept.architecture].config.parse(kept.model, "config.json")
    except RecipeError as error:
        raise ModelFolderError(run / "state", str(error)) from None
    return Beginning(with_preprocessing(recipe, details.preprocessing), details.classes, kept.architecture, config)


def _from_init(recipe: ClassificationRecipe, classes: Sequence[str], run: Path) -> Beginning:
    init = ImageClassifier.load(Path(str(recipe.init)).expanduser(), device="cpu")
    recipe = with_preprocessing(recipe, init.preprocessing)
    same = set(classes) == set(init.classes)
    names = init.classes if same else tuple(classes)
    architecture, size = architecture_of(init.model), recipe.preprocessing.image_size
    changes = recipe.model.model_dump(exclude_unset=True)
    check_changes(recipe.init, init.model.config, changes)
    try:
        config = init.model.config.adapted(size, None if same else len(names), changes)
        config.check_image_size(size)
    except (RecipeError, ValueError) as error:
        raise RecipeError(f"init {recipe.init}: {error}") from None
    details = ClassifierDetails(classes=names, preprocessing=recipe.preprocessing).as_dict()
    keep_description(run, task=TASK, architecture=architecture, config=config, details=details)
    notes = (*_notes(init, recipe, config, same), *init.model.adaptation(config))
    return Beginning(recipe, names, architecture, config, init.model, same, notes)


def with_preprocessing(recipe: ClassificationRecipe, preprocessing: Preprocessing) -> ClassificationRecipe:
    """The recipe with what it does not say of preprocessing taken from a model's.

    Raises:
        RecipeError: if the two do not fit together.
    """
    said = recipe.preprocessing.model_dump(include=recipe.preprocessing.model_fields_set)
    values = {**preprocessing.model_dump(), **said}
    recipe = recipe.model_copy(update={"preprocessing": Preprocessing.parse(values, "preprocessing")})
    try:
        recipe.check_padding()
    except ValueError as error:
        raise RecipeError(f"init {recipe.init}: {error}") from None
    return recipe


def _notes(init: ImageClassifier, recipe: ClassificationRecipe, config: Any, same: bool) -> list[str]:
    head = "keeping its head: the classes are the same" if same else f"with a new head of {config.num_classes} classes"
    trained = "training the head alone" if recipe.freeze else "training all of it"
    notes = [f"starting from {recipe.init}, {head}, {trained}"]
    before, after = init.preprocessing.model_dump(), recipe.preprocessing.model_dump()
    changed = [name for name in after if after[name] != before[name]]
    return notes + [
        f"preprocessing.{name} is {after[name]}, but the init model's is {before[name]}" for name in changed
    ]
