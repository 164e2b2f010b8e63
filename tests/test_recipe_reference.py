"""docs/recipes.md says what the configs say, and leaves nothing out."""

import re
from pathlib import Path

import pytest

from patchword.models.registry import ARCHITECTURES
from patchword.recipe_reference import key_meanings, recipe_reference
from patchword.recipes import OPTIONS, read_recipe, recipe_keys
from patchword.wings import WINGS, wing_of

COMMITTED = Path(__file__).resolve().parents[1] / "docs" / "recipes.md"


@pytest.fixture(scope="module")
def reference() -> str:
    return recipe_reference()


def documented(reference: str, task: str) -> set[str]:
    """Keys that have a row below the headings of every task, or of this one."""
    found, section, table = set(), "", ""
    for line in reference.splitlines():
        if heading := re.match(r"## (.+)", line):
            section, table = heading[1], ""
        elif heading := re.match(r"### \[(\w+)\]", line):
            table = f"{heading[1]}."
        elif section in ("Every task", task) and (row := re.match(r"\| `(\w+)` \| \S.* \| \S.* \| [^|]*\. \|$", line)):
            found.add(table + row[1])
    return found


def test_the_committed_reference_is_what_the_configs_say(reference: str) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == reference, "run make docs/recipes.md"


@pytest.mark.parametrize("task", WINGS)
def test_every_key_has_a_sentence(task: str) -> None:
    meanings = key_meanings(task)
    assert set(meanings) == set(recipe_keys(task))
    assert not [key for key, meaning in meanings.items() if not meaning or not meaning.endswith(".")]


@pytest.mark.parametrize("task", WINGS)
def test_every_key_has_a_row_with_its_type_and_default(reference: str, task: str) -> None:
    assert documented(reference, task) == set(recipe_keys(task))


@pytest.mark.parametrize("task", WINGS)
def test_every_option_that_stands_for_a_key_has_a_row(reference: str, task: str) -> None:
    column = 1 + list(WINGS).index(task)
    table = reference.split("## Options")[1].split("## ")[0]
    rows = [re.findall(r"`([^`]+)`|\|  \|", line) for line in table.splitlines() if line.startswith("| `--")]
    found = {row[0].removeprefix("--").replace("-", "_"): row[column] for row in rows if row[column]}
    assert found == {**OPTIONS, **wing_of(task).training_options}


@pytest.mark.parametrize(
    "row",
    [
        "| `betas` | list of 2: number, at least 0, below 1 | `[0.9, 0.98]` |",
        "| `clip_norm` | number, above 0, at most 1e+38 | unset |",
        "| `train` | list of 1 to 2: text of at most 4,096 characters | required |",
        "| `columns` | list of 2: whole number or text | unset |",
        '| `kind` | `"bpe"`, `"unigram"` | `"bpe"` |',
        "| `seed` | whole number, at least -2^63, below 2^63 | `1` |",
        "| `widths` | list of at most 16: whole number | the size's |",
        "| `mixup` | number, 0 to 1,000 | `0.0` |",
        "| `big` | `1024` | `16` | `6` | `6` | `4096` |",
    ],
)
def test_types_ranges_defaults_and_sizes_are_in_words(reference: str, row: str) -> None:
    assert row in reference


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_names_its_sizes(name: str) -> None:
    config = ARCHITECTURES[name].config
    assert config.DEFAULT_SIZE in config.SIZE_NAMES
    assert all(config.size(size) for size in config.SIZE_NAMES)


def test_a_recipe_without_limits_has_those_that_the_reference_says(reference: str) -> None:
    recipe = read_recipe({"task": "translation", "data": {"train": ["a.tsv"]}}, "recipe.toml")
    assert f"ends; {recipe.training.max_epochs} in a recipe that has no [training]" in reference
