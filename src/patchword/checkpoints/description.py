"""What a model folder says of itself, in config.json; see `model_folder`."""

from pathlib import Path
from typing import Any

from pydantic import Field

from patchword.checkpoints.json_file import read_json_file
from patchword.config import Config
from patchword.errors import ModelFolderError, RecipeError, shown

FORMAT_VERSION = 1

DESCRIPTION, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
EXPLANATION = "explanation.json"  # what was measured of the explanations of these weights


class Description(Config):
    """config.json.

    Attributes:
        format_version: of this layout.
        task: "translation" or "classification".
        architecture: a name in `models.registry.ARCHITECTURES`.
        model: fields of that architecture's config.
        details: what the task needs beside the weights: preprocessing, class names, languages.
        facts: what is known about the model: scores, data, command, time; for people, and shown by `patchword info`.
    """

    format_version: int = Field(ge=1)
    task: str
    architecture: str
    model: dict[str, Any]
    details: dict[str, Any] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict)


def read_any(path: Path) -> Description:
    """Read and check a folder's config.json, whatever its model is and does.

    Args:
        path: a model folder, or a run folder, whose `best` is meant then.

    Raises:
        ModelFolderError: if there is no such folder, or it is no model folder.
    """
    path = model_path(path)
    try:
        values = read_json_file(path / DESCRIPTION)
    except (OSError, ValueError) as error:
        raise ModelFolderError(path, f"{DESCRIPTION} cannot be read as JSON: {error}") from None
    if isinstance(values, dict) and values.get("format") == "onnx":
        raise ModelFolderError(path, "holds exported graphs for onnxruntime, not a model that Patchword reads")
    # Before the fields, of which a newer format may have more.
    version = values.get("format_version") if isinstance(values, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelFolderError(path, f"format version {shown(version)} is newer than this program's, {FORMAT_VERSION}")
    try:
        return Description.parse(values, "config.json")
    except RecipeError as error:
        raise ModelFolderError(path, str(error)) from None


def for_task(path: Path, description: Description, task: str | None) -> Description:
    """A folder's description, if its model does what the caller wants it for; None accepts any.

    Raises:
        ModelFolderError: if it does another task.
    """
    if task is not None and description.task != task:
        raise ModelFolderError(path, f"holds a model for {description.task}, but {task} was asked for")
    return description


def model_path(path: Path) -> Path:
    """The model folder meant by a path: itself, or the `best` of a run folder.

    Raises:
        ModelFolderError: if it is neither.
    """
    if not path.exists():
        raise ModelFolderError(path, "no such model folder")
    if not path.is_dir():
        raise ModelFolderError(path, "is a file; a model is a folder with config.json and model.safetensors")
    for folder in (path, path / "best"):
        description = folder / DESCRIPTION
        if description.is_file():
            return folder
        if description.exists():  # a folder, a device or a pipe, which could be read for ever
            raise ModelFolderError(folder, f"{DESCRIPTION} is not a file")
    if (path / "recipe.toml").is_file():
        raise ModelFolderError(path, "this run has not been validated yet, so it has no best model; let it train on")
    raise ModelFolderError(path, "not a model folder: it has no config.json")
