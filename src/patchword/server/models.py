"""Which of the served models is meant."""

from collections.abc import Sequence
from typing import Any

from patchword.errors import nearest, shown
from patchword.server.crew import Crew
from patchword.server.refused import NOT_READY, UNKNOWN, WRONG, Refused

TRANSLATES, CLASSIFIES = "languages", "classes"  # what the facts of a model have that does it
_DOES = {TRANSLATES: "translates", CLASSIFIES: "classifies"}


def all_models(crew: Crew) -> Sequence[dict[str, Any]]:
    """The facts of all models.

    Raises:
        Refused: if they are not loaded yet.
    """
    if not crew.facts:
        raise Refused(NOT_READY, "the models are being loaded; try again in a few seconds", {"Retry-After": "2"})
    return crew.facts


def chosen(crew: Crew, name: str | None, able: str | None = None) -> dict[str, Any]:
    """The facts of a model.

    Args:
        crew: that has it.
        name: as it is served; None for the first that is able.
        able: what it must do, `TRANSLATES` or `CLASSIFIES`; None for anything.

    Raises:
        Refused: if there is none, or it lacks the head for that.
    """
    models = all_models(crew)
    if name is None:
        fitting = [facts for facts in models if able is None or able in facts]
        if not fitting:
            raise Refused(UNKNOWN, f"no model that is served {_DOES[able or TRANSLATES]}")
        return _whole(fitting[0], able)
    found = {facts["name"]: facts for facts in models}
    if name not in found:
        raise Refused(UNKNOWN, f"no model is served as {shown(name)}; {nearest(name, found)}")
    if able is not None and able not in found[name]:
        raise Refused(WRONG, f"the model {shown(name)} is for {found[name]['task']}; ask for one that {_DOES[able]}")
    return _whole(found[name], able)


def _whole(facts: dict[str, Any], able: str | None) -> dict[str, Any]:
    if able is not None and not facts[able]:
        raise Refused(WRONG, f"the model {shown(facts['name'])} has no {able}: it is a backbone without a head")
    return facts
