"""Published models by name, `hf:owner/name`: fetched and imported once, then read from a folder of this machine."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from patchword.checkpoints.model_folder import read_description
from patchword.converters import hub
from patchword.converters.imported import Imported
from patchword.converters.importing import convert
from patchword.errors import CheckpointError, DataError, ModelFolderError, OutputError, nearest
from patchword.files import make_folder, writing
from patchword.training.events import Listener, Note, ignore

_SEPARATOR = "--"  # in a folder's name, for the slash between owner and name


@dataclass(frozen=True)
class PublishedModel:
    """A published model that this machine has.

    Attributes:
        name: as it was asked for, such as "hf:owner/name" or "hf:owner/name@revision".
        folder: the model folder.
        bytes: of its files.
        revision: the commit that it was made from; empty if that is not known.
    """

    name: str
    folder: Path
    bytes: int
    revision: str


def is_published(name: Path | str) -> bool:
    """Whether a model is named rather than a path."""
    return isinstance(name, str) and name.startswith(hub.PREFIX)


def cache_folder() -> Path:
    """Where published models are kept: `PATCHWORD_CACHE`, or else the place that the system has for such things."""
    if own := os.environ.get("PATCHWORD_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "patchword"


def published(name: str, listener: Listener = ignore) -> Path:
    """The model folder of a published model. The first time it is fetched and imported; afterwards no network is asked.

    Args:
        name: "hf:owner/name", or "hf:owner/name@revision"; without a revision, what was newest the first time stays.
        listener: hears what is fetched, and what had to be assumed.

    Raises:
        CheckpointError: if it cannot be had, or is not exactly a network of ours.
        OutputError: if it cannot be kept.
    """
    folder = cache_folder() / _folder_name(name)
    if (folder / "config.json").is_file():
        return folder
    listener(Note(f"fetching {name}; it is kept in {folder}"))
    imported = convert(name)
    with writing(folder):
        make_folder(folder.parent)
    try:
        imported.write(folder, {"revision": _revision(imported)})
    except DataError:
        if not (folder / "config.json").is_file():  # else another process has made it meanwhile
            raise
    for note in imported.notes:
        listener(Note(note))
    return folder


def published_models() -> list[PublishedModel]:
    """The published models that this machine has, by name."""
    found = []
    # What begins with a dot is what a killed process was writing.
    for folder in sorted(cache_folder().glob(f"[!.]*{_SEPARATOR}*")):
        if (folder / "config.json").is_file():
            name = hub.PREFIX + unquote(folder.name.replace(_SEPARATOR, "/", 1))
            try:
                revision = str(read_description(folder).facts.get("revision", ""))
            except ModelFolderError:
                revision = "damaged"
            size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
            found.append(PublishedModel(name, folder, size, revision))
    return found


def forget(name: str) -> PublishedModel:
    """Remove a published model from this machine.

    Raises:
        CheckpointError: if there is none of that name.
        OutputError: if it cannot be removed.
    """
    models = {model.name: model for model in published_models()}
    if name not in models:
        hint = nearest(name, models) if models else f"there are none in {cache_folder()}"
        raise CheckpointError(name, f"is not on this machine; {hint}")
    try:
        shutil.rmtree(models[name].folder)
    except OSError as error:
        raise OutputError(models[name].folder, f"cannot be removed: {error.strerror}") from None
    return models[name]


def _folder_name(name: str) -> str:
    repository, revision = hub.parts(name)
    return repository.replace("/", _SEPARATOR) + (f"@{quote(revision, safe='')}" if revision else "")


def _revision(imported: Imported) -> str:
    """The commit, by which the hub's client names the folder of a download."""
    folder = imported.origin if imported.origin.is_dir() else imported.origin.parent
    return folder.name if re.fullmatch(r"[0-9a-f]{40}", folder.name) else ""
