"""Wings are looked up by their task."""

import json
from pathlib import Path

import pytest

from patchword.errors import ModelFolderError, RecipeError
from patchword.wings import WINGS, wing_of, wing_of_folder


@pytest.mark.parametrize("task", WINGS)
def test_a_wing_says_what_it_is_and_has_recipes_and_systems_of_its_task(task: str) -> None:
    wing = wing_of(task)
    assert wing.task == wing.system.task == task
    assert wing.recipe.model_fields["task"].default == task
    assert wing.noun.split()[-1] + "s" == wing.plural.split()[-1]


def test_an_unknown_task_is_one_sentence_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="unknown task 'translatoin'; did you mean 'translation'"):
        wing_of("translatoin")
    config = {"format_version": 1, "task": "summing", "architecture": "transformer", "model": {}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFolderError, match=r"config\.json: unknown task 'summing'; valid: classification, tr"):
        wing_of_folder(tmp_path)
