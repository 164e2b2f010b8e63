"""Nothing of a Marian checkpoint is passed over in silence: added tokens, search options, sizes it does not have."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from patchword import api
from patchword.converters.imported import ImportOptions
from patchword.converters.importing import convert
from patchword.converters.marian.search import HARMLESS, READ, SAMPLING, WITHOUT_EFFECT
from patchword.errors import CheckpointError
from tests.converters.reference import reference
from tests.converters.test_settings import folders as made

folders = made  # the fixture


@pytest.fixture
def folder(folders: dict[str, Path], tmp_path: Path) -> Path:
    shutil.copytree(folders["marian"], tmp_path / "theirs")
    return tmp_path / "theirs"


def edit(path: Path, **changes: Any) -> None:
    values = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(values | changes))


def test_every_option_of_generate_is_read_or_said_or_does_not_change_what_is_written() -> None:
    theirs = set(vars(reference("transformers").GenerationConfig()))
    assert theirs - {"_from_model_config"} - {*HARMLESS, *READ, *SAMPLING, *WITHOUT_EFFECT} == set()


@pytest.mark.parametrize("name", sorted(WITHOUT_EFFECT))
def test_an_option_that_our_search_lacks_is_left_out_by_its_name(folder: Path, name: str) -> None:
    edit(folder / "generation_config.json", **{name: 3})
    (note,) = convert(folder).notes
    assert note == f"{name} = 3, an option of generate, is left out: this search does not have it"
    edit(folder / "generation_config.json", **{name: WITHOUT_EFFECT[name]})
    assert convert(folder).notes == ()


def test_options_that_our_search_has_are_read(folder: Path) -> None:
    drawn = {"do_sample": True, "num_beams": 1, "temperature": 0.7, "top_k": 9, "top_p": 0.8}
    edit(folder / "generation_config.json", **drawn, num_return_sequences=3)
    found = convert(folder)
    search = found.details.as_dict()["search"]
    assert {key: search[key] for key in ("method", "temperature", "top_k", "top_p", "n_best")} == {
        "method": "sample",
        "temperature": 0.7,
        "top_k": 9,
        "top_p": 0.8,
        "n_best": 3,
    }
    assert found.notes == ()
    edit(folder / "generation_config.json", do_sample=False, num_beams=4, top_k=50, temperature=1.0, top_p=1.0)
    found = convert(folder)
    assert found.details.as_dict()["search"]["n_best"] == 3
    assert found.notes == ()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"do_sample": True, "num_beams": 4}, "do_sample = True beside num_beams = 4 is left out"),
        ({"do_sample": False, "temperature": 0.5}, "temperature ignored: nothing is drawn without do_sample"),
        ({"num_return_sequences": 9, "num_beams": 4}, "num_return_sequences = 9 is taken as num_beams, 4"),
        ({"eos_token_id": [3, 5]}, "eos_token_id = [3, 5]: only 3 ends a translation"),
        ({"forced_eos_token_id": 7}, "forced_eos_token_id = 7: at the limit the end is 3 here"),
        ({"bad_words_ids": None}, "nothing keeps padding out of translations (bad_words_ids)"),
        (
            {"an_option_of_tomorrow": 3},
            "'an_option_of_tomorrow', an unknown setting of generation_config.json, is left",
        ),
    ],
)
def test_what_cannot_be_followed_is_said(folder: Path, settings: dict[str, Any], said: str) -> None:
    edit(folder / "generation_config.json", **settings)
    assert any(said in note for note in convert(folder).notes)


TOKEN: dict[str, Any] = {"id": 300, "content": "<brand>", "special": False}


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("added_tokens.json", {"<brand>": 300}),
        ("tokenizer.json", {"added_tokens": [TOKEN, {"id": 0, "content": "</s>"}]}),
        ("tokenizer_config.json", {"added_tokens_decoder": {"300": TOKEN, "1": {"content": "<unk>"}}}),
        ("tokenizer_config.json", {"additional_special_tokens": ["<brand>", ">>deu<<"]}),
        ("special_tokens_map.json", {"additional_special_tokens": [TOKEN], "eos_token": "</s>"}),
    ],
)
def test_added_tokens_are_said(folder: Path, file: str, values: dict[str, Any]) -> None:
    edit(folder / file, **values)
    assert convert(folder).notes == (
        f"{file} adds tokens, '<brand>': they are left out, and cut in a text as any other word",
    )


def test_special_tokens_and_language_codes_are_no_news(folder: Path) -> None:
    edit(folder / "added_tokens.json", **{"</s>": 0, "<pad>": 2, ">>fra<<": 7})
    assert convert(folder).notes == ()


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a": ' + "9" * 5000 + "}", "[1]", '{"\\ud800": 1}'])
def test_damaged_added_tokens_are_refused(folder: Path, content: str) -> None:
    (folder / "added_tokens.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"added_tokens\.json"):
        convert(folder)


@pytest.mark.parametrize("size", [5 * 10**8, 10**30, 2**24, 300_000])
@pytest.mark.parametrize("key", ["vocab_size", "decoder_vocab_size"])
def test_a_vocabulary_that_no_matrix_has_is_refused_before_its_table_is_made(folder: Path, key: str, size: int) -> None:
    edit(folder / "config.json", **{key: size})
    with pytest.raises(CheckpointError, match=f"{key} = {size}, but no matrix among the weights has so many rows"):
        convert(folder)


def test_a_device_in_the_place_of_the_vocabulary_is_refused(folder: Path) -> None:
    for name in ("source.spm", "vocab.json"):
        content = (folder / name).read_bytes()
        (folder / name).unlink()
        (folder / name).symlink_to("/dev/zero")
        with pytest.raises(CheckpointError, match=name):
            convert(folder)
        (folder / name).unlink()
        (folder / name).write_bytes(content)


def test_languages_that_nothing_says_are_asked_for(folder: Path, tmp_path: Path) -> None:
    edit(folder / "tokenizer_config.json", source_lang=None)
    assert convert(folder).notes == ("tokenizer_config.json does not say all languages: give --source-language",)
    given = ImportOptions(source_language="isl", target_language="zho")
    imported = api.import_checkpoint(folder, tmp_path / "ours", given)
    assert imported.notes == ()
    found = imported.details.as_dict()
    assert (found["source_language"], found["target_language"]) == ("isl", "zho")
    (folder / "tokenizer_config.json").unlink()
    assert convert(folder).notes == (
        "tokenizer_config.json does not say all languages: give --source-language and --target-language",
    )


def test_a_tokenizer_that_draws_its_cuts_is_said(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", sp_model_kwargs={"enable_sampling": True})
    assert "sp_model_kwargs = {'enable_sampling': True} is left out" in convert(folder).notes[0]


@pytest.mark.parametrize("name", ["generation_config.json", "tokenizer_config.json", "special_tokens_map.json"])
def test_what_is_no_file_is_not_taken_for_nothing(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(folder / "a blob that was not downloaded")
    with pytest.raises(CheckpointError, match=f"{name}: no such file"):
        convert(folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(CheckpointError, match=f"{name}: is a device or a pipe"):
        convert(folder)
