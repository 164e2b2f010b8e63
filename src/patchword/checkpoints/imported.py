"""A foreign checkpoint on its way into a model folder: its tensors under our names, checked one by one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.checkpoints.card import model_card
from patchword.checkpoints.model_folder import expected_shapes, write_model_files
from patchword.checkpoints.tables import Table, lookup
from patchword.config import Config
from patchword.errors import CheckpointError
from patchword.files import new_folder


@dataclass(frozen=True)
class ImportOptions:
    """What a person can add to a checkpoint that does not say everything.

    Attributes:
        image_size: (height, width) in pixels that the imported ViT is to take; None keeps the checkpoint's.
        num_heads: attention heads, where neither the tensors nor a config tell.
        classes: class names, where the checkpoint has none.
    """

    image_size: tuple[int, int] | None = None
    num_heads: int | None = None
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Imported:
    """Everything of a model folder, taken from a foreign checkpoint.

    Attributes:
        origin: the file or folder.
        kind: the family, such as "timm ViT".
        task: "translation" or "classification".
        architecture: a name in `models.registry.ARCHITECTURES`.
        config: of that architecture.
        tensors: under our names, in the dtype that the checkpoint has.
        details: see `model_folder.Description`.
        files: further files by name.
        notes: what the checkpoint did not say and had to be assumed.
    """

    origin: Path
    kind: str
    task: str
    architecture: str
    config: Config
    tensors: dict[str, Tensor]
    details: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def write(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Write the model folder; it appears whole or not at all.

        Raises:
            DataError: if there is something at `path` already.
        """
        known = {
            "imported_from": self.origin.name,
            "format": self.kind,
            **({"assumed": list(self.notes)} if self.notes else {}),
            **facts,
        }
        verb = "classify THIS_FOLDER photo.jpg" if self.task == "classification" else 'translate THIS_FOLDER "..."'
        parameters = sum(tensor.numel() for tensor in self.tensors.values())
        card = model_card(
            f"{self.origin.name}, imported",
            f"A {self.kind} checkpoint with {parameters:,} parameters, brought into Patchword's format. "
            "Its licence and its scores are those of the original.",
            f"patchword {verb}",
            known,
        )
        with new_folder(path) as temporary:
            write_model_files(
                temporary,
                self.tensors,
                task=self.task,
                architecture=self.architecture,
                config=self.config,
                details=self.details,
                facts=known,
                card=card,
                files=self.files,
                durable=False,  # whoever loses power now imports again
            )


def fill(
    origin: Path,
    architecture: str,
    config: Config,
    table: Table,
    theirs: Mapping[str, Tensor],
    ignored: Iterable[str] = (),
) -> dict[str, Tensor]:
    """Make every tensor of a network from a checkpoint's, and see that nothing of either is left over.

    Args:
        origin: named in errors.
        architecture: a name in `models.registry.ARCHITECTURES`.
        config: of that architecture.
        table: our names to theirs.
        theirs: the checkpoint.
        ignored: their names, or beginnings of names that end in ".", that carry nothing which the network needs.

    Returns:
        our tensors by name, contiguous, in the dtype that theirs have.

    Raises:
        CheckpointError: with the missing, the unexpected or the misshapen tensors.
    """
    shapes = expected_shapes(architecture, config)
    rows = {name: lookup(table, name) for name in shapes}
    assert all(row is not None for row in rows.values()), [name for name, row in rows.items() if row is None]
    used = {name for row in rows.values() if row is not None for name in row[0]}
    missing = sorted(used - theirs.keys())
    ignored = tuple(ignored)
    unexpected = sorted(
        name
        for name in theirs.keys() - used
        if name not in ignored and not any(name.startswith(prefix) for prefix in ignored if prefix.endswith("."))
    )
    if missing or unexpected:
        parts = [f"missing tensors {_listed(missing)}"] * bool(missing)
        parts += [f"unexpected tensors {_listed(unexpected)}"] * bool(unexpected)
        raise CheckpointError(origin, "is not the network that it should be: " + "; ".join(parts))
    tensors = {}
    for name, shape in shapes.items():
        sources, row = rows[name]  # type: ignore[misc]
        given = [theirs[source] for source in sources]
        try:
            tensor = row.to_ours(given, shape)
        except (RuntimeError, ValueError, IndexError):
            tensor = None
        if tensor is None or tensor.shape != shape or not tensor.is_floating_point():
            found = ", ".join(f"{s} is {tuple(theirs[s].shape)} of {theirs[s].dtype}" for s in sources)
            raise CheckpointError(origin, f"{found}, which does not make {name} {tuple(shape)}")
        tensors[name] = tensor.contiguous()
    return tensors


def count_layers(names: Iterable[str], prefix: str) -> int:
    """Number of layers, from names such as "blocks.11.norm1.weight" with the prefix "blocks."."""
    numbers = {name.removeprefix(prefix).split(".")[0].split("/")[0] for name in names if name.startswith(prefix)}
    return max((int(number) + 1 for number in numbers if number.isdecimal()), default=0)


def distinct(names: Iterable[str]) -> list[str]:
    """Class names with the number of the class behind those that occur again: ImageNet has two cranes."""
    seen: set[str] = set()
    result = []
    for index, name in enumerate(names):
        unique = name if name not in seen else f"{name} ({index})"
        seen.add(unique)
        result.append(unique)
    return result


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return f"[{shown}]" if len(names) <= 8 else f"[{shown} and {len(names) - 8} more]"
