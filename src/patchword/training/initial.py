"""What a run keeps of the model that it starts from, so that it can be resumed where that model has moved.

The weights are in the run's state, once; beside them lies the description of the network that they belong to.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from patchword.checkpoints.description import FORMAT_VERSION, Description
from patchword.checkpoints.model_folder import read_description
from patchword.config import Config
from patchword.errors import RecipeError, clipped, nearest
from patchword.files import write_text
from patchword.models.model_config import ModelConfig

STATE_FOLDER = "state"


def check_changes(init: str | None, config: ModelConfig, changes: Iterable[str]) -> None:
    """See that the init model can be given other values of some fields.

    Args:
        init: its folder.
        config: of its network.
        changes: names in a recipe's `[model]`.

    Raises:
        RecipeError: if its architecture does not have one of them, or it does not act in training alone.
    """
    for name in changes:
        if name not in config.REGULARISATION:
            raise RecipeError(
                f"init {init}: unknown key 'model.{clipped(name)}'; {nearest(name, config.REGULARISATION)}"
            )


def keep_description(run: Path, *, task: str, architecture: str, config: Config, details: Mapping[str, Any]) -> None:
    """Write state/config.json, in the form of a model folder's.

    Args:
        run: the run folder.
        task: see `Description`.
        architecture: see `Description`.
        config: of the network that is trained.
        details: see `Description`.
    """
    description = Description(
        format_version=FORMAT_VERSION,
        task=task,
        architecture=architecture,
        model=config.model_dump(mode="json"),
        details=dict(details),
    )
    text = json.dumps(description.model_dump(), indent=2, ensure_ascii=False)
    write_text(run / STATE_FOLDER / "config.json", text + "\n")


def kept_description(run: Path, task: str) -> Description | None:
    """The description that the run has kept, or None if it has no weights of its own yet and begins from its init.

    Raises:
        ModelFolderError: if it is damaged.
    """
    if not (run / STATE_FOLDER / "latest.pt").is_file():
        return None
    return read_description(run / STATE_FOLDER, task)
