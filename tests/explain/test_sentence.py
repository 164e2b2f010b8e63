"""The document of a sentence: what the search chose, weighed and looked at."""

import json
import math
from typing import Any

import pytest
import torch

from patchword.errors import DataError, RecipeError
from patchword.explain.beam_tree import beam_tree
from patchword.explain.explanation import explained
from patchword.explain.packing import unpacked
from patchword.explain.summary import summary
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.text.beam_record import BeamNode, BeamRecord
from patchword.text.translator import Translator
from tests.tiny import tiny_translator

TEXT = "one two three"


@pytest.fixture(scope="module")
def translator() -> Translator:
    return tiny_translator()


@pytest.fixture(scope="module")
def recurrent(translator: Translator) -> Translator:
    torch.manual_seed(2)
    size = translator.vocabulary.source_size
    sizes = {"embedding_size": 16, "hidden_size": 16, "encoder_layers": 1, "decoder_layers": 1}
    config = RecurrentConfig.parse({"source_vocab_size": size, "target_vocab_size": size, **sizes}, "test")
    return Translator(Recurrent(config), translator.vocabulary)


def of(translator: Translator, given: str = TEXT, **options: Any) -> dict[str, Any]:
    document = explained(translator, given, walk=False, **options)
    assert json.loads(json.dumps(document)) == document
    return document


def test_the_document_says_what_translate_says(translator: Translator) -> None:
    document = of(translator, max_extra=4)
    text, answer = document["text"], translator.translate(TEXT, max_extra=4)
    assert document["model"]["languages"] == ["source", "target"]
    assert document["title"].startswith(TEXT)
    assert (text["translation"], text["score"]) == (answer.text, answer.score)
    assert text["source_ids"] == translator.vocabulary.encode_source([TEXT])[0]
    assert [word for *_, word in text["source_words"]] == ["one", "two", "three", "</s>"]
    assert [first for first, *_ in text["source_words"]] == [0, *(end for _, end, _ in text["source_words"][:-1])]
    steps = len(text["target_ids"])
    for name in ("target_pieces", "weighed", "chosen"):
        assert len(text[name]) == steps
    assert math.prod(text["chosen"]) == pytest.approx(
        math.exp(answer.score * translator.options.penalty(steps)), rel=1e-2
    )


def test_maps_are_those_that_the_model_has(translator: Translator, recurrent: Translator) -> None:
    text = of(translator, max_extra=4)["text"]
    source, target = len(text["source_ids"]), len(text["target_ids"])
    shapes = {name: (found["axes"], found["shape"]) for name, found in text["maps"].items()}
    assert shapes == {
        "cross": (["layer", "head", "target", "source"], [1, 2, target, source]),
        "encoder": (["layer", "head", "source", "source"], [1, 2, source, source]),
        "decoder": (["layer", "head", "target", "target"], [1, 2, target, target]),
    }
    assert unpacked(text["maps"]["cross"]).sum(-1) == pytest.approx(1, abs=0.02)
    text = of(recurrent, max_extra=4)["text"]
    assert list(text["maps"]) == ["cross"]
    assert text["maps"]["cross"]["shape"] == [1, 1, len(text["target_ids"]), len(text["source_ids"])]


@pytest.mark.parametrize("kind", ["translator", "recurrent"])
def test_what_was_weighed_is_likeliest_first_and_holds_what_greedy_search_chose(
    kind: str, request: pytest.FixtureRequest
) -> None:
    text = of(request.getfixturevalue(kind), method="greedy", max_extra=4)["text"]
    best = [node["id"] for node in text["tree"]["nodes"] if node["state"] == "best"]
    assert best == text["target_ids"]
    for weighed, chosen, token in zip(text["weighed"], text["chosen"], text["target_ids"], strict=True):
        probabilities = [one["probability"] for one in weighed]
        assert len(weighed) == 5
        assert probabilities == sorted(probabilities, reverse=True)
        assert (weighed[0]["id"], weighed[0]["probability"]) == (token, pytest.approx(chosen, abs=2e-6))


def test_the_beams_tree_leads_to_the_translation(translator: Translator) -> None:
    text = of(translator, beam=3, max_extra=3)["text"]
    nodes = text["tree"]["nodes"]
    best = [node for node in nodes if node["state"] == "best"]
    assert [node["id"] for node in best] == text["target_ids"]
    assert [node["probability"] for node in best] == pytest.approx(text["chosen"], abs=1e-4)
    for index, node in enumerate(nodes):
        assert -1 <= node["parent"] < index
        assert node["step"] == (nodes[node["parent"]]["step"] + 1 if node["parent"] >= 0 else 0)


def test_a_large_tree_keeps_what_leads_somewhere(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    record = BeamRecord()
    for state, parent, step in (
        ("kept", -1, 0),
        ("dropped", -1, 0),
        ("best", -1, 0),
        ("dropped", 0, 1),
        ("best", 2, 1),
    ):
        record.nodes.append(BeamNode(parent, 5, -0.5, -0.5, step, state))  # type: ignore[arg-type]
    assert len(beam_tree(record, translator.vocabulary)[0]) == 5
    monkeypatch.setattr("patchword.explain.beam_tree.MOST_NODES", 4)
    nodes, notes = beam_tree(record, translator.vocabulary)
    assert [(node["state"], node["parent"]) for node in nodes] == [("kept", -1), ("best", -1), ("best", 1)]
    assert len(notes) == 1


def test_a_given_translation_is_explained_instead_of_a_search(translator: Translator) -> None:
    ids = translator.vocabulary.encode_target(["nine ten"])[0][1:]
    text = of(translator, target_ids=ids)["text"]
    assert (text["translation"], text["target_ids"], text["tree"]["nodes"]) == ("nine ten", ids, [])
    assert [word for *_, word in text["target_words"]] == ["nine", "ten", "</s>"]
    searched = of(translator, max_extra=4)["text"]
    again = of(translator, target_ids=searched["target_ids"])["text"]
    assert again["maps"] == searched["maps"]
    assert again["score"] == pytest.approx(searched["score"], abs=1e-4)


def test_a_translation_that_is_cut_at_its_limit_has_as_many_steps_as_tokens(translator: Translator) -> None:
    ids = translator.vocabulary.encode_target(["nine ten"])[0][1:-1]
    text = of(translator, target_ids=ids)["text"]
    assert [word for *_, word in text["target_words"]] == ["nine", "ten"]
    assert text["maps"]["cross"]["shape"][2] == text["maps"]["decoder"]["shape"][3] == len(text["chosen"]) == len(ids)
    whole = of(translator, target_ids=[*ids, translator.vocabulary.eos_id])["text"]
    assert text["alignment"] == whole["alignment"]


def test_links_are_between_words_and_the_end_is_none(translator: Translator) -> None:
    ids = translator.vocabulary.encode_target(["nine ten"])[0][1:]
    found = of(translator, target_ids=ids)["text"]["alignment"]
    assert [target for _, target in found["links"]] in ([0, 1], [1, 0])
    assert all(source < 3 for source, _ in found["links"])
    assert found["pharaoh"] == " ".join(f"{s}-{t}" for s, t in sorted(map(tuple, found["links"])))
    assert (found["reading"], found["error"]) == ({"layer": 0, "shifted": False, "both": False}, None)
    assert "was not measured" in found["sentence"]["en"]
    assert found["sentence"]["zh"]


def test_a_long_sentence_stays_small(translator: Translator) -> None:
    words = " ".join(["one two three four five"] * 40)
    document = of(translator, words, target_ids=translator.vocabulary.encode_target([words])[0][1:])
    assert len(document["text"]["source_pieces"]) > 200
    assert len(json.dumps(document)) < 1_000_000


def test_many_heads_of_a_long_sentence_are_averaged(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchword.explain.sentence._CELLS", 10)
    document = of(translator, max_extra=1)
    assert document["text"]["maps"]["cross"]["shape"][1] == 1
    assert any("averaged" in note for note in document["notes"])


@pytest.mark.parametrize(
    ("given", "options", "problem"),
    [
        ("", {}, "the text: is empty"),
        (" \u200b ", {}, "the text: is empty"),
        ("one " * 600, {}, r"01 tokens; at most 512 are explained at once"),
        ("one", {"target_ids": [10**6]}, "target id 1000000"),
        ("one", {"target_ids": []}, "the translation: has no tokens"),
    ],
)
def test_what_cannot_be_explained_is_said(
    translator: Translator, given: str, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        of(translator, given, **options)


def test_options_of_others_and_inputs_of_others_are_refused(translator: Translator) -> None:
    with pytest.raises(RecipeError, match="unknown key 'beem'; did you mean 'beam'"):
        of(translator, beem=3)
    with pytest.raises(TypeError, match="explains a text, a str; found int"):
        explained(translator, 3, walk=False)


def test_a_summary_has_a_line_a_word_and_both_models_in_turn(translator: Translator, recurrent: Translator) -> None:
    ids = translator.vocabulary.encode_target(["nine ten"])[0][1:]
    document = of(translator, target_ids=ids, name="first")
    lines = summary(document).splitlines()
    assert lines[:2] == [TEXT, "nine ten"]
    words = [line.split()[0] for line in lines[4:6]]
    assert words == ["nine", "ten"]
    assert lines[-1].startswith("Links are read from")
    document["against"] = of(recurrent, target_ids=ids, name="second")
    both = summary(document)
    assert both.startswith("first, transformer\n")
    assert "\nsecond, recurrent\n" in both
