"""The one document that says what a model looked at: what files, pictures and the server's page are made from.

It is JSON. Every document has "format" 1, "model" (name, task, architecture, parameters, and languages or classes),
"title", "notes", and "text" or "image" (see `sentence` and `picture`), and may have "walk" (see `walk`) and "against",
the document of another model for the same input. Larger arrays are `packing.packed`.
"""

from functools import singledispatch
from typing import Any

from patchword.models.registry import architecture_of_config
from patchword.system import System

FORMAT = 1


def explained(system: System, given: Any, *, name: str = "", walk: bool = True, **options: Any) -> dict[str, Any]:
    """What a system looked at while it answered.

    Args:
        system: a translator or a classifier, of any architecture.
        given: a text, or an image in any form that `classify` takes.
        name: what the model is called; its folder, for instance.
        walk: whether to have the network's steps too.
        options: the task's own, such as search options for a translator.

    Returns:
        the document.

    Raises:
        DataError: if the text or the image cannot be read.
        RecipeError: if an option is not the task's.
    """
    from patchword.explain import picture, sentence  # noqa: F401 - they register themselves

    parts = explanation_of(system, given, walk, **options)
    network = system.network
    model: dict[str, Any] = {
        "name": name,
        "task": system.task,
        "architecture": architecture_of_config(network.config),
        "parameters": sum(p.numel() for p in system.model.parameters()),
    }
    return {"format": FORMAT, "model": {**model, **parts.pop("model", {})}, "notes": [], **parts}


@singledispatch
def explanation_of(system: System, given: Any, walk: bool, **options: Any) -> dict[str, Any]:
    """A task's own part of the document: "title", "text" or "image", "walk", and what it adds to "model"."""
    raise TypeError(f"nothing explains a {type(system).__name__}")
