"""Which model is meant, of those that are served."""

from types import SimpleNamespace
from typing import Any

import pytest

from patchword.server.models import CLASSIFIES, TRANSLATES, chosen
from patchword.server.refused import Refused

CREW: Any = SimpleNamespace(
    facts=[
        {"name": "bare", "task": "pictures", "classes": 0},
        {"name": "words", "task": "words", "languages": ["en", "de"]},
    ]
)


@pytest.mark.parametrize("name", [None, "bare"])
def test_a_backbone_classifies_nothing(name: str | None) -> None:
    with pytest.raises(Refused) as refused:
        chosen(CREW, name, CLASSIFIES)
    assert refused.value.sentence == "the model 'bare' has no classes: it is a backbone without a head"


def test_the_first_that_is_able_is_meant_where_none_is_named() -> None:
    assert chosen(CREW, None, TRANSLATES)["name"] == "words"
