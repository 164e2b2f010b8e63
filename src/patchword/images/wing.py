"""Image classification, as the doors see it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from patchword.checkpoints.model_folder import read_description
from patchword.errors import RecipeError
from patchword.evaluation import Evaluation
from patchword.files import regular
from patchword.images.checks.image_checks import ImageChecks
from patchword.images.classifier import ImageClassifier
from patchword.images.dataset import LabelledImages, read_dataset
from patchword.images.details import ClassifierDetails
from patchword.images.evaluation import evaluate_classifier
from patchword.images.files import allowed_pixels
from patchword.images.layout import TEST
from patchword.images.neighbours import evaluate_neighbours
from patchword.images.presets import choose_fine_tuning, choose_recipe
from patchword.images.recipe import TASK, ClassificationRecipe
from patchword.images.speed import classification_speeds
from patchword.images.task import ClassificationTask
from patchword.images.transforms import Preprocessing
from patchword.speed import Speed
from patchword.training.events import Listener


class ClassificationWing:
    """See `wings.Wing`."""

    task = TASK
    noun = "an image classifier"
    plural = "image classifiers"
    verb = "classify"
    data_options = "--data FOLDER"
    recipe = ClassificationRecipe
    system = ImageClassifier
    training_options: Mapping[str, str] = {
        "batch_size": "batch_size",
        "image_size": "preprocessing.image_size",
        "max_pixels": "data.max_pixels",
    }
    evaluation_options = ("knn", "neighbours_from", "max_pixels")
    checks = ImageChecks()

    def choose(
        self, paths: Sequence[Path], validation: Sequence[Path], given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        """See `Wing.choose`."""
        data = {"train": [str(path.resolve()) for path in paths]}
        if validation:
            data["validation"] = [str(path.resolve()) for path in validation]
        size = given.get("batch_size")
        if "init" in given:
            init = read_description(Path(str(given["init"])), TASK)
            native = ClassifierDetails.read(Path(str(given["init"])), init.details).preprocessing.image_size
            values, notes = choose_fine_tuning(
                _images(paths, given), _image_size(given, native), given.get("freeze"), size
            )
        else:
            values, notes = choose_recipe(_images(paths, given), given.get("model", {}).get("architecture"), size)
        return {**values, "data": data}, notes

    def prepare(self, recipe: ClassificationRecipe, run: Path, listener: Listener) -> ClassificationTask:
        """See `Wing.prepare`."""
        return ClassificationTask.prepare(recipe, run, listener)

    def evaluate(self, system: ImageClassifier, paths: Sequence[Path], options: Mapping[str, Any]) -> Evaluation:
        """See `Wing.evaluate`.

        With `knn` a vote of that many nearest neighbours among the features is scored instead of the head;
        `neighbours_from` is the path of labelled images that they come from (else each image's are the others);
        `max_pixels` is how many may be decoded of one image. Of split data the test images are used.
        """
        if len(paths) != 1:
            raise RecipeError("a classifier is evaluated on one --data: a folder a class, a zip of it, or a CSV")
        limit = allowed_pixels(options.get("max_pixels"))
        data = read_dataset(paths[0], TEST, fewest=1, max_pixels=limit)
        notes = data.notes
        if options.get("knn") is None:
            scores: Any = evaluate_classifier(system, data)
        else:
            source = options.get("neighbours_from")
            neighbours = None if source is None else read_dataset(Path(source), fewest=1, max_pixels=limit)
            notes = (*notes, *(() if neighbours is None else neighbours.notes))
            scores = evaluate_neighbours(system, data, options["knn"], neighbours)
        return Evaluation(scores, skipped=scores.skipped, notes=notes)

    def speeds(self, system: ImageClassifier, rounds: int) -> Iterator[Speed]:
        """See `Wing.speeds`."""
        return classification_speeds(system, rounds=rounds)

    def given(self, text: str) -> Path:
        """See `Wing.given`: the path of an image file."""
        return regular(Path(text), "an image file")

    def facts(self, system: ImageClassifier) -> dict[str, Any]:
        """See `Wing.facts`."""
        return {"classes": len(system.classes), "image_size": list(system.preprocessing.image_size)}


def _images(paths: Sequence[Path], given: Mapping[str, Any]) -> LabelledImages:
    """The training images, to choose sizes by; with the limit that is given."""
    settings = given.get("data")
    limit = settings.get("max_pixels") if isinstance(settings, dict) else None
    return read_dataset(paths[0], max_pixels=allowed_pixels(limit if isinstance(limit, int) else None))


def _image_size(given: Mapping[str, Any], native: tuple[int, int]) -> tuple[int, int]:
    """The image size that is given, if it can be one, or else the init model's."""
    preprocessing = given.get("preprocessing")
    if not isinstance(preprocessing, dict) or "image_size" not in preprocessing:
        return native
    try:
        return Preprocessing.model_validate({"image_size": preprocessing["image_size"]}).image_size
    except ValidationError:  # which the recipe will tell of
        return native


WING = ClassificationWing()
