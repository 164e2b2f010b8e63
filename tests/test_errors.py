import pytest

from patchword.errors import DataError, ModelFolderError, PatchwordError, RecipeError, RunFolderError, nearest


def test_a_data_error_names_the_file_and_the_line():
    assert str(DataError("pairs.tsv", "no tab", line=7)) == "pairs.tsv, line 7: no tab"
    assert str(DataError("pairs.tsv", "is empty")) == "pairs.tsv: is empty"


@pytest.mark.parametrize("error", [DataError, RecipeError, ModelFolderError, RunFolderError])
def test_every_error_of_the_input_is_a_patchword_error(error):
    assert issubclass(error, PatchwordError)


def test_the_hint_is_the_nearest_choice_or_all_of_them():
    choices = {"cosine": 1, "constant": 2, "inverse_sqrt": 3}
    assert nearest("cosin", choices) == "did you mean 'cosine'?"
    assert nearest("xyz", choices) == "valid: constant, cosine, inverse_sqrt"
