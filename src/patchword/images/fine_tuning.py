"""Starting a classifier from one that was trained before (Dosovitskiy et al. 2021, section 3.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from patchword.errors import RecipeError
from patchword.images.classifier import ImageClassifier, read_details
from patchword.images.recipe import ClassificationRecipe
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer, VisionTransformerConfig
from patchword.nn.heads import ClassificationHead
from patchword.training.initial import keep_description, kept_description


@dataclass(frozen=True)
class Start:
    """What a run begins with.

    Attributes:
        recipe: with the preprocessing that is used.
        classes: in the order of the head's logits.
        model: the network; on resuming, its weights are still to be filled from the run's state.
        notes: sentences that say what was taken over.
    """

    recipe: ClassificationRecipe
    classes: tuple[str, ...]
    model: VisionTransformer
    notes: tuple[str, ...] = ()


def start(recipe: ClassificationRecipe, classes: Sequence[str], run: Path) -> Start:
    """The network that a recipe begins with: a new one, the init model's with a head for the data, or the run's own.

    Args:
        recipe: what to do.
        classes: of the data.
        run: the run folder. It keeps the description of the network, so that a run goes on where its init model has
            moved.

    Raises:
        ModelFolderError: if the init model cannot be read.
        RecipeError: if the recipe asks of it what cannot be.
    """
    if recipe.init is None:
        model = VisionTransformer(recipe.model.config(recipe.preprocessing.image_size, len(classes)))
        return Start(recipe, tuple(classes), model)
    kept = kept_description(run, ImageClassifier.task)
    if kept is not None:
        preprocessing, names = read_details(run / "state", kept)
        config = VisionTransformerConfig.parse(kept.model, f"{run / 'state'}: config.json")
        return Start(with_preprocessing(recipe, preprocessing), names, VisionTransformer(config))
    init = ImageClassifier.load(Path(recipe.init).expanduser())
    recipe = with_preprocessing(recipe, init.preprocessing)
    same = set(classes) == set(init.classes)
    names = init.classes if same else tuple(classes)
    config = fine_tuned_config(init.model.config, recipe, None if same else len(names))
    details = {"classes": list(names), "preprocessing": recipe.preprocessing.model_dump(mode="json")}
    keep_description(run, task=ImageClassifier.task, architecture="vision_transformer", config=config, details=details)
    notes = _notes(init, recipe, config, same)
    return Start(recipe, names, fine_tuned(init.model, config, keep_head=same), notes)


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


def fine_tuned_config(
    config: VisionTransformerConfig, recipe: ClassificationRecipe, num_classes: int | None
) -> VisionTransformerConfig:
    """The init model's config with the recipe's image size and dropouts.

    Args:
        config: of the init model.
        recipe: its preprocessing is resolved already.
        num_classes: of a new head, which has no hidden layer, as the paper does; None keeps the head as it is.

    Raises:
        RecipeError: if the image size does not divide into the model's patches.
    """
    changes: dict[str, Any] = recipe.model.model_dump(exclude_unset=True)
    changes["image_size"] = recipe.preprocessing.image_size
    if num_classes is not None:
        changes |= {"num_classes": num_classes, "head_hidden": None}
    return VisionTransformerConfig.parse({**config.model_dump(), **changes}, f"init {recipe.init}")


@torch.no_grad()
def fine_tuned(init: VisionTransformer, config: VisionTransformerConfig, *, keep_head: bool) -> VisionTransformer:
    """A network with another's weights; a new head starts at zero (section 3.2).

    Args:
        init: the trained network.
        config: of the new one, which differs at most in image size, head and dropouts.
        keep_head: whether the new one classifies into the same classes with the same head.
    """
    model = VisionTransformer(config)
    weights = init.state_dict()
    if "position_embedding.embedding" in weights:
        weights["position_embedding.embedding"] = init.position_embedding.resized(config.grid)  # type: ignore[operator]
    if not keep_head:
        for name in heads(model):
            weights = {key: weight for key, weight in weights.items() if not key.startswith(f"{name}.")}
            fresh = {f"{name}.{key}": torch.zeros_like(w) for key, w in model.get_submodule(name).state_dict().items()}
            weights |= fresh
    model.load_state_dict(weights)
    return model


def heads(model: VisionTransformer) -> list[str]:
    """Names of the submodules that turn a representation into logits."""
    return [name for name, child in model.named_children() if isinstance(child, ClassificationHead)]


def backbone(model: VisionTransformer) -> list[str]:
    """Names of all submodules and parameters of the network but its heads."""
    parts = [name for name, _ in model.named_children()] + [name for name, _ in model.named_parameters(recurse=False)]
    return [name for name in parts if name not in heads(model)]


def distance(name: str, num_layers: int) -> int:
    """A parameter's distance from the output, in layers; see `Task.distance`."""
    first, *rest = name.split(".")
    if first == "encoder" and rest[0] == "layers":
        return num_layers - int(rest[1])
    return num_layers + 1 if first.endswith(("embedding", "token", "tokens")) else 0


def _notes(
    init: ImageClassifier, recipe: ClassificationRecipe, config: VisionTransformerConfig, same: bool
) -> tuple[str, ...]:
    head = "keeping its head: the classes are the same" if same else f"with a new head of {config.num_classes} classes"
    trained = "training the head alone" if recipe.freeze else "training all of it"
    notes = [f"starting from {recipe.init}, {head}, {trained}"]
    before, after = init.preprocessing.model_dump(), recipe.preprocessing.model_dump()
    changed = [name for name in after if after[name] != before[name]]
    notes += [f"preprocessing.{name} is {after[name]}, but the init model's is {before[name]}" for name in changed]
    if init.model.config.grid != config.grid and config.positions == "learned":
        (rows, columns), (new_rows, new_columns) = init.model.config.grid, config.grid
        notes.append(
            f"position embedding resized from {rows} x {columns} to {new_rows} x {new_columns} patches "
            f"({config.position_resize})"
        )
    return tuple(notes)
