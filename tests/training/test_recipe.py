import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchword.errors import DataError, RecipeError
from patchword.training.recipe import Recipe, read_toml, with_settings


def refusal(values: dict) -> str:
    with pytest.raises(RecipeError) as caught:
        Recipe.parse(values, "recipe.toml")
    return str(caught.value)


def test_what_is_not_said_has_the_papers_values():
    recipe = Recipe.parse({"task": "translation"}, "recipe.toml")
    assert recipe.optimizer.betas == (0.9, 0.98)  # section 5.3 of Vaswani et al. 2017
    assert recipe.optimizer.eps == 1e-9
    assert recipe.schedule.name == "inverse_sqrt"
    assert recipe.training.label_smoothing == 0.1  # section 5.4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"optimiser": {}}, "recipe.toml: unknown key 'optimiser'; did you mean 'optimizer'?"),
        (
            {"optimizer": {"learning_rat": 1}},
            "recipe.toml: unknown key 'optimizer.learning_rat'; did you mean 'learning_rate'?",
        ),
        (
            {"schedule": {"zzz": 1}},
            "recipe.toml: unknown key 'schedule.zzz'; valid: final_factor, name, warmup_steps",
        ),
        (
            {"optimizer": {"learning_rate": 0}},
            "recipe.toml: optimizer.learning_rate = 0: input should be greater than 0",
        ),
        (
            {"schedule": {"name": "linear"}},
            "recipe.toml: schedule.name = 'linear': input should be 'inverse_sqrt', 'cosine' or 'constant'",
        ),
        (
            {"training": {"seed": 3}},
            "recipe.toml: training: one of max_steps, max_epochs and max_minutes must be set",
        ),
        (
            {"schedule": {"name": "cosine"}},
            "recipe.toml: schedule.name = 'cosine' needs training.max_steps",
        ),
        (
            {"training": {"max_epochs": "many"}},
            "recipe.toml: training.max_epochs = 'many': input should be a valid integer, unable to parse string as an "
            "integer",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_field(values, message):
    assert refusal({"task": "translation"} | values) == message


def test_a_missing_key_is_named():
    assert refusal({}) == "recipe.toml: key 'task' is missing"


def test_a_written_recipe_reads_back_the_same(tmp_path):
    values = {
        "task": "translation",
        "optimizer": {"learning_rate": 7e-4, "betas": [0.8, 0.95], "clip_norm": 1.0},
        "schedule": {"name": "cosine", "warmup_steps": 10},
        "training": {"max_steps": 100, "max_minutes": 2.5, "precision": "float32"},
    }
    recipe = Recipe.parse(values, "recipe.toml")
    recipe.write(tmp_path / "recipe.toml")
    assert Recipe.parse(read_toml(tmp_path / "recipe.toml"), "recipe.toml") == recipe


def test_the_default_recipe_reads_back_the_same(tmp_path):
    recipe = Recipe.parse({"task": "translation"}, "recipe.toml")
    recipe.write(tmp_path / "recipe.toml")
    assert Recipe.parse(read_toml(tmp_path / "recipe.toml"), "recipe.toml") == recipe


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1e-3", 1e-3),
        ("true", True),
        ("[0.9, 0.95]", [0.9, 0.95]),
        ('"12"', "12"),
        ("cosine", "cosine"),
        ("data/a b.txt", "data/a b.txt"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_a_settings_value_is_toml_or_else_a_string(text, value):
    assert with_settings({}, [f"a.b={text}"]) == {"a": {"b": value}}


def test_settings_go_into_nested_tables_and_leave_the_rest():
    values = {"task": "translation", "optimizer": {"name": "adam", "eps": 1e-8}}
    changed = with_settings(values, ["optimizer.name=adamw", "schedule.warmup_steps = 20", "optimizer.name=adam"])
    assert changed == {
        "task": "translation",
        "optimizer": {"name": "adam", "eps": 1e-8},
        "schedule": {"warmup_steps": 20},
    }
    assert values == {"task": "translation", "optimizer": {"name": "adam", "eps": 1e-8}}


@given(st.dictionaries(st.sampled_from("abc"), st.integers() | st.booleans() | st.lists(st.integers())))
def test_settings_give_back_what_they_were_made_of(values):
    settings = [f"table.{name}={str(value).lower()}" for name, value in values.items()]
    assert with_settings({"table": {}}, settings) == {"table": values}


@pytest.mark.parametrize("setting", ["warmup_steps", "=3", " = 3"])
def test_a_setting_without_name_or_value_is_refused(setting):
    with pytest.raises(RecipeError, match=r"expected name=value, such as schedule\.warmup_steps=2000"):
        with_settings({}, [setting])


def test_a_setting_through_a_value_is_refused():
    with pytest.raises(RecipeError, match=r"^--set task\.name=x: 'task' is a value, not a table$"):
        with_settings({"task": "translation"}, ["task.name=x"])


def test_a_missing_recipe_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.toml: no such recipe file$"):
        read_toml(tmp_path / "none.toml")


def test_broken_toml_is_refused_with_its_line(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text("task = 'x'\n[training\n")
    with pytest.raises(DataError, match=r"recipe\.toml: not valid TOML: .*line 2"):
        read_toml(path)


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["not_utf_8", "a_folder"])
def test_what_is_no_text_file_is_refused(tmp_path, content):
    path = tmp_path / "recipe.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=r"recipe\.toml: cannot be read: "):
        read_toml(path)
