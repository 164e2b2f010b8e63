from pathlib import Path

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
        ("3\nb = 4", "3\nb = 4"),
        ("[3,\n4]", [3, 4]),
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


def test_a_device_and_a_file_of_any_size_are_no_recipes(tmp_path):
    with pytest.raises(DataError, match="is a device or a pipe; expected a recipe file"):
        read_toml(Path("/dev/zero"))
    path = tmp_path / "recipe.toml"
    path.write_text("# " + "x" * 2**20)
    with pytest.raises(DataError, match="has more than 1,048,576 bytes; expected a recipe"):
        read_toml(path)


@pytest.mark.parametrize("text", ["a = " + "[" * 50_000, "a = " + "1" * 5000, 'a = "\\ud800"'])
def test_toml_that_python_cannot_hold_is_one_sentence(tmp_path, text):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=r"recipe\.toml: not valid TOML: ") as caught:
        read_toml(path)
    assert len(str(caught.value)) < 300 + len(str(path))
    setting = with_settings({}, [text.replace(" = ", "=")])
    assert setting == {"a": text.removeprefix("a = ")}  # then it is a string


@pytest.mark.parametrize(
    ("values", "range_"),
    [
        ({"optimizer": {"betas": [1, 1]}}, "optimizer.betas.0 = 1: input should be less than 1"),
        ({"optimizer": {"eps": 1e-300}}, "optimizer.eps = 1e-300: input should be greater than or equal to 0.0000"),
        (
            {"optimizer": {"learning_rate": 1e300}},
            "optimizer.learning_rate = 1e+300: input should be less than or equal to 1",
        ),
        ({"optimizer": {"learning_rate": float("nan")}}, "optimizer.learning_rate = nan: input should be "),
        ({"optimizer": {"weight_decay": float("inf")}}, "optimizer.weight_decay = inf: input should be "),
        ({"training": {"max_epochs": 1, "seed": 2**70}}, "input should be less than 9223372036854775808"),
        ({"training": {"max_steps": 2**63}}, "input should be less than or equal to 1000000000000"),
        ({"training": {"max_epochs": 1, "threads": 10**6}}, "input should be less than or equal to 1024"),
        ({"init": ""}, "init = '': string should have at least 1 character"),
        ({"init": "a\x00b"}, "init = 'a\\x00b': string should match pattern"),
        ({"init": "\ud800"}, "init = '\\ud800': input should be a valid string"),
        ({"init": "x" * 5000}, f"init = '{'x' * 199}...: string should have at most 4096 characters"),
        ({"x" * 5000: 1}, f"unknown key '{'x' * 199}..."),
    ],
)
def test_every_number_and_name_has_a_range(values, range_):
    said = refusal({"task": "translation", **values})
    assert range_ in said
    assert len(said) < 700


def test_a_setting_is_repeated_cut(tmp_path):
    with pytest.raises(RecipeError, match="expected name=value") as caught:
        with_settings({}, ["x" * 10_000])
    assert len(str(caught.value)) < 300
    with pytest.raises(RecipeError, match="the name has 10,000 parts; no value lies so deep"):
        with_settings({}, [".".join("x" * 10_000) + "=1"])
