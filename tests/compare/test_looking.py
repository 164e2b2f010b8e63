"""Where networks look, on networks that look where we say."""

from typing import Any

import pytest
import torch
from torch import Tensor

from patchword.compare.looking import blind_errors, link_errors, map_gains, reaches, read_links
from patchword.compare.sides import image_side
from patchword.compare.tasks.classes import Split
from patchword.compare.tasks.language import VOCABULARY, linked_language
from patchword.compare.tasks.pairs import FIRST
from patchword.explain.alignment import Reading
from patchword.models.evidence import EvidenceMap

LANGUAGE = linked_language(torch.Generator().manual_seed(1), train=20, held_out=30)


class Looker:
    """Looks at the first source word that the links give each target word; at random without links."""

    def __init__(self, links: dict[tuple[int, ...], Any] | None) -> None:
        self.links = links

    def parameters(self) -> Any:
        return iter([torch.zeros(1)])

    def evidence(self, source: Tensor, target: Tensor) -> dict[str, EvidenceMap]:
        weights = torch.rand(
            target.size(1), source.size(1), generator=torch.Generator().manual_seed(source.sum().item())
        )
        if self.links is not None:
            weights = torch.zeros_like(weights)
            for word, place in self.links[(*source[0].tolist(), *target[0].tolist())]:
                weights[place, word] = 1
        return {"cross": EvidenceMap(("layer", "batch", "head", "target", "source"), weights[None, None, None])}


def gold(part: str) -> dict[tuple[int, ...], Any]:
    pairs, links = getattr(LANGUAGE.task, part), getattr(LANGUAGE, part)
    rows = zip(pairs.source, pairs.target, links, strict=True)
    return {(*s[s != 0].tolist(), *t[t != 0][:-1].tolist()): each for s, t, each in rows}


def test_the_languages_links_name_words_that_belong_together() -> None:
    for source, target, links in zip(LANGUAGE.task.test.source, LANGUAGE.task.test.target, LANGUAGE.test, strict=True):
        words, translated = source[source > 3].tolist(), target[target > 3].tolist()
        assert {word for word, _ in links} == set(range(len(words)))
        assert {place for _, place in links} == set(range(len(translated)))
        for word, place in links:
            stem = translated[place] - words[word] == (VOCABULARY - 2 - FIRST) // 2
            assert stem or translated[place] >= VOCABULARY - 2
    assert any(word != place for links in LANGUAGE.test for word, place in links), "not all in the same order"


def test_who_looks_at_the_right_words_has_no_error_and_who_looks_anywhere_has_as_much_as_chance() -> None:
    right: Any = Looker(gold("test"))
    assert link_errors(right, LANGUAGE.task.test, LANGUAGE.test)[Reading(0, False)] == 0
    anywhere: Any = Looker(None)
    error = link_errors(anywhere, LANGUAGE.task.test, LANGUAGE.test)[Reading(0, False)]
    blind = blind_errors(LANGUAGE.test, torch.Generator().manual_seed(1))
    assert error == pytest.approx(blind["random"], abs=0.1)
    assert 0 < blind["diagonal"] < blind["random"]


def test_the_reading_is_chosen_in_validation_and_measured_on_the_test() -> None:
    model: Any = Looker(gold("validation") | gold("test"))
    found = read_links(model, LANGUAGE, torch.Generator().manual_seed(1))
    assert found["error"] == 0
    assert found["below"] == found["random"]


def test_maps_of_an_image_are_compared_with_random_orders() -> None:
    model = image_side("vit", 10, 24, 1, patch=4, width=32, layers=2)().eval()
    images = Split(torch.randn(3, 1, 24, 24), torch.zeros(3, dtype=torch.long))
    found = map_gains(model, images, torch.Generator().manual_seed(1))
    again = map_gains(model, images, torch.Generator().manual_seed(1))
    assert found == again
    names = ("attention", "rollout", "relevance", "class_activation")
    assert set(found) == {f"{name}_{way}" for name in names for way in ("deletion", "insertion")}
    assert all(abs(each) < 1 for each in found.values())


def test_uniform_attention_reaches_as_far_as_uniform_attention_does() -> None:
    model = image_side("vit", 10, 24, 1, patch=4, width=32, layers=2)().eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "query" in name:
                weight.zero_()
    found = reaches(model, torch.randn(2, 1, 24, 24), "trained")
    assert found["far_trained"] == pytest.approx(1)
    assert found["focus_trained"] == pytest.approx(0, abs=1e-6)
    assert found["attention_trained1"] == pytest.approx(found["uniform"])
    assert {"field_trained1", "field_trained2"} <= set(found)
    assert "far_trained" not in reaches(
        image_side("cnn", 10, 24, 1, patch=4, width=32, layers=2)(), torch.randn(2, 1, 24, 24), "trained"
    )
