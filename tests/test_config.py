import pytest
from pydantic import Field, ValidationError

from patchword.config import Config
from patchword.errors import RecipeError


class Inner(Config):
    width: int = Field(4, gt=0)
    sides: tuple[float, float] | None = None
    plain: bool = True
    kind: str = "plain"


class Middle(Config):
    inner: Inner = Inner()
    optional: Inner | None = None


class Outer(Config):
    name: str
    middle: Middle = Middle()


def refusal(values: object) -> str:
    with pytest.raises(RecipeError) as caught:
        Outer.parse(values, "outer.toml")
    return str(caught.value)


def test_nested_tables_become_nested_configs():
    outer = Outer.parse({"name": "x", "middle": {"inner": {"width": 9}}}, "outer.toml")
    assert outer.middle.inner == Inner(width=9)
    assert outer.middle.inner.kind == "plain"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "x", "nmae": 1}, "outer.toml: unknown key 'nmae'; did you mean 'name'?"),
        (
            {"name": "x", "middle": {"inner": {"widht": 1}}},
            "outer.toml: unknown key 'middle.inner.widht'; did you mean 'width'?",
        ),
        (
            {"name": "x", "middle": {"optional": {"kin": 1}}},
            "outer.toml: unknown key 'middle.optional.kin'; did you mean 'kind'?",
        ),
        ({"name": "x", "middle": {"qqq": 1}}, "outer.toml: unknown key 'middle.qqq'; valid: inner, optional"),
        (
            {"name": "x", "middle": {"inner": {"width": True}}},
            "outer.toml: middle.inner.width = True: input should be a number, not true or false",
        ),
        (
            {"name": "x", "middle": {"inner": {"sides": [2.5, False]}}},
            "outer.toml: middle.inner.sides = [2.5, False]: input should be a number, not true or false",
        ),
        ({"middle": {}}, "outer.toml: key 'name' is missing"),
        (
            {"name": "x", "middle": {"inner": {"width": -2}}},
            "outer.toml: middle.inner.width = -2: input should be greater than 0",
        ),
        ({"name": 3}, "outer.toml: name = 3: input should be a valid string"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_origin_and_the_field(values, message):
    assert refusal(values) == message


@pytest.mark.parametrize("values", [[], "text", 3, None])
def test_what_is_no_table_is_refused(values):
    assert refusal(values).startswith("outer.toml: ")
    assert "\n" not in refusal(values)


def test_a_config_cannot_be_changed():
    outer = Outer(name="x")
    with pytest.raises(ValidationError, match="frozen"):
        outer.name = "y"
    assert outer.name == "x"
    assert hash(outer) == hash(Outer(name="x"))
