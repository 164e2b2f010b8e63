"""A foreign checkpoint on its way into a model folder: its tensors under our names, checked one by one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patchword.checkpoints.card import model_card
from patchword.checkpoints.exportable import Details
from patchword.checkpoints.model_folder import expected_shapes, number_of_parameters, write_description
from patchword.checkpoints.safetensors_writer import DTYPES, write_safetensors
from patchword.config import Config
from patchword.converters.tables import Row, Table, lookup
from patchword.errors import CheckpointError, RecipeError
from patchword.files import new_folder
from patchword.models.model_config import ModelConfig
from patchword.models.tensors import is_finite


@dataclass(frozen=True)
class ImportOptions:
    """What a person can add to a checkpoint that does not say everything.

    Attributes:
        image_size: (height, width) in pixels that an imported image model is to take; None keeps the checkpoint's.
        num_heads: attention heads, where neither the tensors nor a config tell.
        classes: class names, where the checkpoint has none.
        weights: which of several sets of weights in a file is meant, such as "model" beside "model_ema".
        source_language: of a translator, whatever the checkpoint says.
        target_language: the same.
    """

    image_size: tuple[int, int] | None = None
    num_heads: int | None = None
    classes: tuple[str, ...] | None = None
    weights: str | None = None
    source_language: str | None = None
    target_language: str | None = None


@dataclass(frozen=True)
class Imported:
    """Everything of a model folder, taken from a foreign checkpoint.

    Attributes:
        origin: the file or folder.
        kind: the family, such as "timm ViT".
        architecture: a name in `models.registry.ARCHITECTURES`.
        config: of that architecture.
        tensors: under our names, in the dtype that the checkpoint has; made when they are asked for.
        details: what the model folder says beside the network, in the wing's own type.
        files: further files by name.
        notes: what the checkpoint did not say and had to be assumed.
        name: what to call the checkpoint; by default the last part of its path.
    """

    origin: Path
    kind: str
    architecture: str
    config: Config
    tensors: "ConvertedTensors"
    details: Details
    files: dict[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    name: str = ""

    def with_languages(self, source: str | None, target: str | None) -> "Imported":
        """The same with other languages, where they are not None.

        Raises:
            RecipeError: if it is no translator.
        """
        named = {"source_language": source, "target_language": target}
        given = {name: language for name, language in named.items() if language is not None}
        details: Any = self.details
        if any(not hasattr(details, name) for name in given):
            raise RecipeError(f"--{next(iter(given)).replace('_', '-')} is for translators; this is a {self.kind}")
        return replace(self, details=details.model_copy(update=given)) if given else self

    @property
    def parameters(self) -> int:
        """How many the network has; see `model_folder.number_of_parameters`."""
        return number_of_parameters(self.architecture, self.config)

    def write(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Write the model folder; it appears whole or not at all.

        Raises:
            DataError: if there is something at `path` already.
        """
        name = self.name or self.origin.resolve().name
        known = {
            "imported_from": name,
            "format": self.kind,
            **({"assumed": list(self.notes)} if self.notes else {}),
            **facts,
        }
        card = model_card(
            f"{name}, imported",
            f"A {self.kind} checkpoint with {self.parameters:,} parameters, brought into Patchword's format. "
            "Its licence and its scores are those of the original.",
            self.details.USAGE,
            known,
        )
        with new_folder(path) as temporary:
            write_safetensors(temporary / "model.safetensors", self.tensors.layout, self.tensors.pieces())
            write_description(
                temporary,
                task=self.details.TASK,
                architecture=self.architecture,
                config=self.config,
                details=self.details.as_dict(),
                facts=known,
                card=card,
                files=self.files,
            )


class ConvertedTensors(Mapping[str, Tensor]):
    """What is kept of a network, each tensor made from the checkpoint's when it is asked for, and checked then.

    Args:
        origin: named in errors.
        theirs: the checkpoint's tensors.
        rows: for each of our names, the names of theirs and how they are put together.
        shapes: of our tensors.

    Attributes:
        layout: type and shape of each of our tensors.
    """

    def __init__(
        self,
        origin: Path,
        theirs: Mapping[str, Tensor],
        rows: Mapping[str, tuple[tuple[str, ...], Row]],
        shapes: Mapping[str, torch.Size],
    ) -> None:
        self._origin, self._theirs, self._rows = origin, theirs, rows
        self._replaced: dict[str, Tensor] = {}
        self.layout = {
            name: (theirs[rows[name][0][0]].dtype if rows[name][0] else torch.float32, shape)
            for name, shape in shapes.items()
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self.layout)

    def __len__(self) -> int:
        return len(self.layout)

    def __getitem__(self, name: str) -> Tensor:
        if name in self._replaced:
            return self._replaced[name]
        sources, row = self._rows[name]
        dtype, shape = self.layout[name]
        try:
            tensor: Tensor | None = row.to_ours([self._theirs[source] for source in sources], shape)
        except (RuntimeError, ValueError, IndexError):
            tensor = None
        if tensor is None or tensor.shape != shape or tensor.dtype != dtype:
            given = {source: self._theirs[source] for source in sources}
            found = ", ".join(f"{source} is {tuple(t.shape)} of {t.dtype}" for source, t in given.items())
            raise CheckpointError(self._origin, f"{found}, which does not make {name} {tuple(shape)}")
        return tensor

    def pieces(self) -> Iterator[Sequence[Tensor]]:
        """Each tensor in order, as what stands one after another in memory: the checkpoint's own where that is so.

        Joining pieces of a memory-mapped file would take most of an import's time.
        """
        for name, (dtype, shape) in self.layout.items():
            sources, row = self._rows[name]
            parts = [self._theirs[source] for source in sources]
            rows = shape[0] // max(1, len(parts)) if shape else 0
            whole = row.stacks and name not in self._replaced
            for source, part in zip(sources, parts, strict=True):
                if not is_finite(part):
                    raise CheckpointError(
                        self._origin,
                        f"{source} holds values that are infinite, beyond float32, or not a number; the weights are "
                        "damaged",
                    )
            if whole and all(p.dtype == dtype and p.shape == (rows, *shape[1:]) for p in parts):
                yield parts
            else:
                yield [self[name]]

    def replace(self, name: str, tensor: Tensor) -> None:
        """Put another tensor, of another shape perhaps, in the place of one."""
        self._replaced[name] = tensor
        self.layout[name] = (tensor.dtype, tensor.shape)


def fill(
    origin: Path,
    architecture: str,
    config: ModelConfig,
    table: Table,
    theirs: Mapping[str, Tensor],
    ignored: Iterable[str] = (),
) -> ConvertedTensors:
    """See that a checkpoint has what makes every tensor of a network, and nothing beyond that.

    Args:
        origin: named in errors.
        architecture: a name in `models.registry.ARCHITECTURES`.
        config: of that architecture.
        table: our names to theirs.
        theirs: the checkpoint.
        ignored: their names, or beginnings of names that end in ".", that carry nothing which the network needs.

    Returns:
        our tensors by name, in the dtype that theirs have; a misshapen one is refused when it is asked for.

    Raises:
        CheckpointError: with the missing and the unexpected tensors, or one of a type that weights do not have.
    """
    if config.layers > len(theirs):
        raise CheckpointError(
            origin, f"has {len(theirs)} tensors, too few for the {config.layers:,} layers of its config"
        )
    try:
        shapes = expected_shapes(architecture, config)
    except (RuntimeError, TypeError, OverflowError):  # torch's, of sizes whose product is beyond 64 bits
        raise CheckpointError(origin, "config.json: the sizes are beyond what any tensor can have") from None
    rows = {name: row for name in shapes if (row := lookup(table, name)) is not None}
    assert not shapes.keys() - rows.keys(), shapes.keys() - rows.keys()
    used = {name for names, _ in rows.values() for name in names}
    ignored = tuple(ignored)
    missing = sorted(used - theirs.keys())
    unexpected = sorted(
        name
        for name in theirs.keys() - used
        if name not in ignored and not any(name.startswith(prefix) for prefix in ignored if prefix.endswith("."))
    )
    if missing or unexpected:
        parts = [f"missing tensors {_listed(missing)}"] * bool(missing)
        parts += [f"unexpected tensors {_listed(unexpected)}"] * bool(unexpected)
        raise CheckpointError(origin, "is not the network that it should be: " + "; ".join(parts))
    for name in sorted(used):
        if theirs[name].dtype not in DTYPES:
            known = ", ".join(str(dtype).removeprefix("torch.") for dtype in DTYPES)
            found = str(theirs[name].dtype).removeprefix("torch.")
            raise CheckpointError(origin, f"{name} is of type {found}; expected one of {known}")
    return ConvertedTensors(origin, theirs, rows, shapes)


def count_layers(names: Iterable[str], prefix: str) -> int:
    """Number of layers, from names such as "blocks.11.norm1.weight" with the prefix "blocks."."""
    numbers = {name.removeprefix(prefix).split(".")[0].split("/")[0] for name in names if name.startswith(prefix)}
    # Of more digits than these a number is beyond any range, and perhaps what Python converts.
    return max((int(number[:12]) + 1 for number in numbers if number.isdecimal()), default=0)


def length(tensors: Mapping[str, Tensor], name: str, axis: int = 0) -> int:
    """Length of a tensor's axis; 0 where there is no such tensor or axis."""
    shape = tensors[name].shape if name in tensors else ()
    return shape[axis] if axis < len(shape) else 0


def shape_of(origin: Path, tensors: Mapping[str, Tensor], name: str, axes: int) -> tuple[int, ...]:
    """The shape of a tensor that tells sizes of the network.

    Raises:
        CheckpointError: if there is none of that name, or it has another number of axes or no values.
    """
    if name not in tensors:
        raise CheckpointError(origin, f"is not the network that it should be: {name!r} is missing or misshapen")
    shape = tuple(tensors[name].shape)
    if len(shape) != axes or 0 in shape:
        raise CheckpointError(origin, f"{name} has the shape {shape}; expected {axes} axes, none of length 0")
    return shape


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
    shown = ", ".join(name[:200] for name in names[:8])
    return f"[{shown}]" if len(names) <= 8 else f"[{shown} and {len(names) - 8} more]"
