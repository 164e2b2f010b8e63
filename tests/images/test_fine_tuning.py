"""What a classifier takes over from the model that it starts from, and what is new."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from patchword.errors import HeadlessError, ModelFolderError, RecipeError
from patchword.images.beginning import beginning
from patchword.images.classifier import ImageClassifier
from patchword.images.dataset import read_dataset
from patchword.images.evaluation import evaluate_classifier
from patchword.images.presets import choose_fine_tuning, choose_recipe
from patchword.images.recipe import ClassificationRecipe
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.nn.positions import GridPositions

PREPROCESSING = Preprocessing(image_size=(8, 12), crop_fraction=0.9, interpolation="bilinear", mean=(0.1, 0.2, 0.3))


def classifier(classes: tuple[str, ...] = ("cat", "dog", "owl"), **changes: Any) -> ImageClassifier:
    fields = {"image_size": (8, 12), "patch_size": 4, "d_model": 8, "num_heads": 2, "d_ff": 12, "num_layers": 2}
    config = VisionTransformerConfig.model_validate({**fields, "num_classes": len(classes), "dropout": 0.1, **changes})
    model = VisionTransformer(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return ImageClassifier(model, PREPROCESSING, classes)


@pytest.fixture
def init(tmp_path: Path) -> Path:
    classifier().save(tmp_path / "init")
    return tmp_path / "init"


def recipe(init: Path, **changes: Any) -> ClassificationRecipe:
    values = {"init": str(init), "data": {"train": ["photos"]}, **changes}
    return ClassificationRecipe.parse(values, "recipe.toml")


def start(recipe: ClassificationRecipe, classes: tuple[str, ...], run: Path) -> Any:
    begin = beginning(recipe, classes, run)
    return SimpleNamespace(recipe=begin.recipe, classes=begin.classes, notes=begin.notes, model=begin.model())


def refusal(init: Path, tmp_path: Path, **changes: Any) -> str:
    with pytest.raises((RecipeError, ModelFolderError)) as caught:
        start(recipe(init, **changes), ("red", "blue"), tmp_path / "run")
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_everything_but_the_head_is_taken_over_and_the_new_head_is_zero(init: Path, tmp_path: Path) -> None:
    begin = start(recipe(init), ("red", "blue"), tmp_path / "run")
    old, new = ImageClassifier.load(init).model.state_dict(), begin.model.state_dict()
    assert old.keys() == new.keys()
    for name, weight in new.items():
        if name.startswith("head."):
            assert weight.shape[0] == 2
            assert not weight.any(), name
        else:
            assert torch.equal(weight, old[name]), name
    assert begin.classes == ("red", "blue")
    assert begin.recipe.preprocessing == PREPROCESSING
    assert begin.notes == (f"starting from {init}, with a new head of 2 classes, training all of it",)


def test_with_a_hidden_layer_in_the_old_head_the_new_one_is_linear(tmp_path: Path) -> None:
    classifier(head_hidden=6).save(tmp_path / "init")
    model = start(recipe(tmp_path / "init"), ("red", "blue"), tmp_path / "run").model
    assert model.config.head_hidden is None
    assert model.head.linear.weight.shape == (2, 8)


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ()},
        {"pool": "class_token_and_mean"},
        {"distillation_token": True, "distillation_head": True},
        {"pool": "mean", "norm_after_pool": True, "class_token": False},
        {"register_tokens": 2, "layer_scale": 0.1},
        {"positions": "none"},
    ],
)
def test_every_kind_of_backbone_gets_new_heads(tmp_path: Path, changes: dict[str, Any]) -> None:
    classifier(**changes).save(tmp_path / "init")
    model = start(recipe(tmp_path / "init"), ("red", "blue"), tmp_path / "run").model.eval()
    images = torch.randn(3, 3, 8, 12)
    assert torch.equal(model(images), torch.zeros(3, 2))
    old = ImageClassifier.load(tmp_path / "init").model
    assert torch.equal(model.features(images), old.features(images))


def test_with_the_same_classes_the_head_is_kept_in_its_order(init: Path, tmp_path: Path) -> None:
    begin = start(recipe(init), ("owl", "dog", "cat"), tmp_path / "run")
    assert begin.classes == ("cat", "dog", "owl")
    old = ImageClassifier.load(init).model
    assert all(torch.equal(a, b) for a, b in zip(old.parameters(), begin.model.parameters(), strict=True))
    assert "keeping its head: the classes are the same" in begin.notes[0]


@pytest.mark.parametrize("resize", ["bicubic_antialias", "bilinear_corners"])
def test_another_image_size_resizes_the_positions_the_models_own_way(tmp_path: Path, resize: str) -> None:
    classifier(position_resize=resize).save(tmp_path / "init")
    changes = {"preprocessing": {"image_size": [20, 16]}}
    begin = start(recipe(tmp_path / "init", **changes), ("red", "blue"), tmp_path / "run")
    positions = ImageClassifier.load(tmp_path / "init").model.position_embedding
    assert isinstance(positions, GridPositions)
    assert torch.equal(begin.model.position_embedding.embedding, positions.resized((5, 4)))
    assert begin.model(torch.randn(1, 3, 20, 16)).shape == (1, 2)
    assert begin.recipe.preprocessing == PREPROCESSING.model_copy(update={"image_size": (20, 16)})
    assert begin.notes[1:] == (
        "preprocessing.image_size is (20, 16), but the init model's is (8, 12)",
        f"position embedding resized from 2 x 3 to 5 x 4 patches ({resize})",
    )


def test_dropouts_are_the_recipes_or_else_the_init_models(init: Path, tmp_path: Path) -> None:
    config = start(recipe(init, model={"drop_path": 0.3}), ("red", "blue"), tmp_path / "run").model.config
    assert (config.drop_path, config.dropout) == (0.3, 0.1)


def test_a_run_folder_stands_for_its_best_model(init: Path, tmp_path: Path) -> None:
    init.rename(tmp_path / "best")
    assert start(recipe(tmp_path), ("red", "blue"), tmp_path / "new").model.config.d_model == 8


def test_the_recipe_that_is_written_starts_the_same_model(init: Path, tmp_path: Path) -> None:
    changes = {"preprocessing": {"image_size": [12, 8]}, "model": {"drop_path": 0.3}, "freeze": "backbone"}
    begin = start(recipe(init, **changes), ("red", "blue"), tmp_path / "a")
    begin.recipe.write(tmp_path / "recipe.toml")
    from patchword.training.recipe import read_toml

    again = ClassificationRecipe.parse(read_toml(tmp_path / "recipe.toml"), "recipe.toml")
    assert again == begin.recipe
    assert start(again, ("red", "blue"), tmp_path / "b").model.config == begin.model.config


def test_distances_count_the_layers_down_from_the_head() -> None:
    options = {"register_tokens": 1, "layer_scale": 0.1, "distillation_token": True, "distillation_head": True}
    model = classifier(num_layers=3, **options).model
    found: dict[int, set[str]] = {}
    for name, _ in model.named_parameters():
        found.setdefault(model.depth(name), set()).add(".".join(name.split(".")[:3]))
    layers = {level: {name for name in names if "layers" in name} for level, names in found.items()}
    assert layers == {0: set(), 1: {"encoder.layers.2"}, 2: {"encoder.layers.1"}, 3: {"encoder.layers.0"}, 4: set()}
    assert {name.split(".")[0] for name in found[0]} == {"encoder", "head", "distillation_head"}
    tokens = {"class_token", "distillation_token", "register_tokens"}
    assert {name.split(".")[0] for name in found[4]} == tokens | {"patch_embedding", "position_embedding"}


def test_what_the_init_model_decides_cannot_be_set(init: Path, tmp_path: Path) -> None:
    assert refusal(init, tmp_path, model={"d_model": 16, "dropout": 0.1}) == (
        "recipe.toml: model.d_model cannot be set together with init, whose model has it; beside it only "
        "activation_dropout, attention_dropout, drop_path, dropout can be set"
    )
    assert "an image of 10 x 12 pixels does not divide into patches of 4" in refusal(
        init, tmp_path, preprocessing={"image_size": [10, 12]}
    )
    assert refusal(init, tmp_path, freeze="backbon").startswith("recipe.toml: freeze = 'backbon'")


def test_an_init_that_is_no_classifier_is_named(init: Path, tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing", tmp_path) == f"{tmp_path}/nothing: no such model folder"
    (init / "model.safetensors").unlink()
    assert "model.safetensors is missing" in refusal(init, tmp_path)


def test_freezing_what_nobody_trained_is_refused() -> None:
    with pytest.raises(RecipeError, match="freeze = 'backbone' needs init"):
        ClassificationRecipe.parse({"data": {"train": ["x"]}, "freeze": "backbone"}, "recipe.toml")


def test_a_model_without_a_head_is_not_evaluated_by_its_classes(photos: Path) -> None:
    with pytest.raises(HeadlessError, match="score its features with `patchword evaluate --knn`"):
        evaluate_classifier(classifier(()), read_dataset(photos))


def test_rates_and_epochs_are_picked_for_fine_tuning_and_said(photos: Path) -> None:
    tuned, notes = choose_fine_tuning(read_dataset(photos), (224, 224))
    probe, _ = choose_fine_tuning(read_dataset(photos), (224, 224), "backbone")
    recipes = [
        ClassificationRecipe.parse({**values, "init": "x", "data": {"train": ["x"]}}, "picked")
        for values in (tuned, {**probe, "freeze": "backbone"})
    ]
    assert [r.optimizer.layer_decay for r in recipes] == [0.75, 1.0]
    assert recipes[0].optimizer.learning_rate < recipes[1].optimizer.learning_rate
    assert recipes[0].schedule.warmup_steps <= 100
    assert f"{recipes[0].training.max_steps} steps of 32 images" in notes[1]


@pytest.mark.parametrize("architecture", ["vit", "cnn", None])
def test_a_size_of_batches_that_is_given_decides_the_steps(photos: Path, architecture: str | None) -> None:
    data, size = read_dataset(photos), (224, 224)

    def picked(batch_size: object) -> tuple[dict[str, Any], str]:
        if architecture is None:
            values, notes = choose_fine_tuning(data, size, None, batch_size)
        else:
            values, notes = choose_recipe(data, architecture, batch_size)
        return values["training"], notes[-1]

    usual, _ = picked(None)
    small, said = picked(4)
    assert small["max_steps"] > 5 * usual["max_steps"]
    assert f"({small['max_steps']:,} steps of 4 images)" in said
    # Nobody knows how many steps there will be.
    open_, said = picked("auto")
    assert "max_steps" not in open_
    assert f"picked {open_['max_epochs']} epochs" in said
    assert "steps" not in said
    assert picked(-3)[0] == usual  # which is refused afterwards
