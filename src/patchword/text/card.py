"""The model card of a translator."""

from collections.abc import Mapping
from typing import Any

from torch import nn


def translation_card(model: nn.Module, languages: tuple[str, str], facts: Mapping[str, Any]) -> str:
    """README.md of a model folder: what the model is, what it saw, how it scored, how to use it."""
    parameters = sum(p.numel() for p in model.parameters())
    lines = [
        f"# Translation, {languages[0]} to {languages[1]}",
        "",
        f"A Transformer with {parameters:,} parameters, made by Patchword.",
        "",
        '    patchword translate THIS_FOLDER "..."',
        "",
        "## What is known about it",
        "",
    ]
    for name, value in facts.items():
        if isinstance(value, Mapping):
            lines += [f"- {name}:", *(f"  - {key}: {_shown(item)}" for key, item in value.items())]
        else:
            lines.append(f"- {name}: {_shown(value)}")
    lines += [
        "",
        "Scores named validation_ were measured on data that decided which checkpoint was kept;",
        "run `patchword evaluate` on a test set for an independent figure.",
        "",
    ]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
