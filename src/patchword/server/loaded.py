"""The models of a worker, by the names that they are served under."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from patchword import api


def served_names(paths: Sequence[str]) -> list[str]:
    """A name for each model: its folder's, or its run's; a number tells equal ones apart.

    Args:
        paths: as they were given: folders, or published names such as "hf:owner/name@revision".
    """
    names: list[str] = []
    for path in paths:
        plain = path.removeprefix("hf:").partition("@")[0] if path.startswith("hf:") else path
        parts = [part for part in PurePath(plain).parts if part not in (".", "..", "/")]
        if len(parts) > 1 and parts[-1] == "best":
            parts.pop()
        name = base = parts[-1] if parts else "model"
        number = 2
        while name in names:
            name, number = f"{base}-{number}", number + 1
        names.append(name)
    return names


class Loaded:
    """Systems by served name.

    Args:
        paths: folders or published names.
        precision: see `api.load`.
        device: see `api.load`.

    Raises:
        PatchwordError: if one of them cannot be read.
    """

    def __init__(self, paths: Sequence[str], precision: str = "float32", device: str = "auto") -> None:
        self.systems: dict[str, Any] = {}
        for name, path in zip(served_names(paths), paths, strict=True):
            self.systems[name] = api.load(path, precision=precision, device=device)

    def facts(self) -> list[dict[str, Any]]:
        """What `/v1/models` says of each."""
        return [{"name": name, **api.facts(system)} for name, system in self.systems.items()]
