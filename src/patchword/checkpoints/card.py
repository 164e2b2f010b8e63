"""The model card: README.md of a model folder."""

from collections.abc import Mapping
from typing import Any

from patchword.errors import one_line


def model_card(title: str, description: str, usage: str, facts: Mapping[str, Any]) -> str:
    """What a model is, how to use it, and what is known about it, as Markdown.

    Args:
        title: the heading.
        description: a sentence.
        usage: a command line.
        facts: names and values; a mapping among them becomes a nested list.
    """
    lines = [f"# {one_line(title)}", "", description, "", f"    {usage}", "", "## What is known about it", ""]
    for name, value in facts.items():
        if isinstance(value, Mapping):
            lines += [f"- {name}:", *(f"  - {key}: {_shown(item)}" for key, item in value.items())]
        else:
            lines.append(f"- {name}: {_shown(value)}")
    if "scores" in facts:
        lines += [
            "",
            "Scores named validation_ were measured on data that decided which checkpoint was kept;",
            "run `patchword evaluate` on a test set for an independent figure.",
        ]
    return "\n".join([*lines, ""])


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else one_line(str(value))
