"""The model folder: self-contained, safe to open (no pickle), and described by itself.

config.json         format version, architecture, task, model config, task details, facts
model.safetensors   the weights
README.md           the model card
explanation.json    what was measured of its explanations, once that was done
...                 further files of the task, such as vocabulary.model
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import nn

from patchword.checkpoints.description import (
    CARD,
    DESCRIPTION,
    EXPLANATION,
    FORMAT_VERSION,
    WEIGHTS,
    Description,
    for_task,
    model_path,
    read_any,
)
from patchword.checkpoints.header import misfit, weight_shapes
from patchword.checkpoints.safetensors_writer import write_tensors
from patchword.checkpoints.weights import mapped_weights, read_weights
from patchword.config import Config
from patchword.errors import DataError, ModelFolderError, RecipeError, nearest, shown
from patchword.files import forget_temporaries, replacing, write_bytes, write_text, writing
from patchword.models.registry import ARCHITECTURES, architecture_of
from patchword.models.tensors import named_buffers, named_tensors, not_finite


def write_model_folder(
    path: Path,
    model: nn.Module,
    *,
    task: str,
    details: Mapping[str, Any],
    facts: Mapping[str, Any],
    card: str,
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Write a model folder, each file atomically, the weights first and the description last.

    Args:
        path: the folder; made if missing.
        model: one of the registered architectures.
        task: see `Description`.
        details: see `Description`.
        facts: see `Description`.
        card: text of README.md.
        files: further files by name.
    """
    architecture = architecture_of(model)
    for name in (WEIGHTS, DESCRIPTION, CARD, *(files or {})):
        forget_temporaries(path, name)
    with replacing(path / WEIGHTS) as temporary:
        write_tensors(temporary, named_tensors(model))
    with writing(path):
        (path / EXPLANATION).unlink(missing_ok=True)
    write_description(
        path,
        task=task,
        architecture=architecture,
        config=model.config,  # type: ignore[arg-type]
        details=details,
        facts=facts,
        card=card,
        files=files,
    )


def write_description(
    path: Path,
    *,
    task: str,
    architecture: str,
    config: Config,
    details: Mapping[str, Any],
    facts: Mapping[str, Any],
    card: str,
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Write all of a model folder but the weights; see `write_model_folder`.

    Args:
        path: the folder, which has its weights already.
        task: see `Description`.
        architecture: see `Description`.
        config: of the architecture.
        details: see `Description`.
        facts: see `Description`.
        card: text of README.md.
        files: further files by name.
    """
    description = Description(
        format_version=FORMAT_VERSION,
        task=task,
        architecture=architecture,
        model=config.model_dump(mode="json"),
        details=dict(details),
        facts=dict(facts),
    )
    for name, data in (files or {}).items():
        write_bytes(path / name, data)
    write_text(path / CARD, card)
    write_text(path / "config.json", json.dumps(description.model_dump(), indent=2, ensure_ascii=False) + "\n")


def expected_shapes(architecture: str, config: Config) -> dict[str, torch.Size]:
    """Names and shapes of what is kept of a network; see `named_tensors`."""
    return _shapes(_built(architecture, config))


def number_of_parameters(architecture: str, config: Config) -> int:
    """Of a network, a tied one once; running statistics are not among them."""
    return sum(parameter.numel() for parameter in _built(architecture, config).parameters())


def read_description(path: Path, task: str | None = None) -> Description:
    """Read and check a folder's config.json; see `description.read_any`.

    Raises:
        ModelFolderError: also if there is no such architecture here.
    """
    found = read_any(path)
    path = model_path(path)
    if found.architecture not in ARCHITECTURES:
        name = found.architecture
        raise ModelFolderError(path, f"config.json: unknown architecture {shown(name)}; {nearest(name, ARCHITECTURES)}")
    return for_task(path, found, task)


def read_model(path: Path, description: Description, mapped: bool = False) -> nn.Module:
    """Build the described network and fill every weight of it, in evaluation mode.

    Nothing is built before the file has as many tensors as there are layers, and no weight is read before names and
    shapes are those of the network.

    Args:
        path: the folder.
        description: its config.json.
        mapped: leave the weights in the file until they are looked at; see `weights.mapped_weights`.

    Raises:
        ModelFolderError: if the weights are missing, damaged, infinite or no numbers, or not those of the described
            network.
    """
    path = model_path(path)
    try:
        config = ARCHITECTURES[description.architecture].config.parse(description.model, "config.json")
    except RecipeError as error:
        raise ModelFolderError(path, str(error)) from None
    weights = path / WEIGHTS
    if not weights.exists():
        raise ModelFolderError(path, f"{WEIGHTS} is missing")
    try:
        found = weight_shapes(weights)
        if config.layers > len(found):
            raise ModelFolderError(
                weights, f"does not fit config.json: {len(found)} tensors are too few for {config.layers:,} layers"
            )
        model = _built(description.architecture, config)
        wrong = misfit(_shapes(model), found)
        if wrong is not None:
            raise ModelFolderError(weights, f"does not fit config.json: {wrong}")
        _fill(model, (mapped_weights if mapped else read_weights)(weights))
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelFolderError(weights, f"damaged or not a safetensors file: {error}") from None
    except DataError as error:
        raise ModelFolderError(path, str(error).removeprefix(f"{path}/")) from None
    damaged = not_finite(named_tensors(model))
    if damaged is not None:
        raise ModelFolderError(
            weights, f"{damaged} holds values that are infinite or not a number; the weights are damaged"
        )
    return model.eval()


def _built(architecture: str, config: Config) -> nn.Module:
    # On the meta device nothing is drawn and nothing takes memory, whatever sizes a foreign file claims.
    with torch.device("meta"):
        model: nn.Module = ARCHITECTURES[architecture].model(config)
    return model


def _shapes(model: nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in named_tensors(model).items()}


def _fill(model: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    # A tied weight has several names and must stay one object, so that training it later changes all of them.
    filled = {old: nn.Parameter(tensors[name].to(old.dtype)) for name, old in model.named_parameters()}
    weights = {name: filled[old] for name, old in model.named_parameters(remove_duplicate=False)}
    buffers = {name: tensors[name].to(old.dtype) for name, old in named_buffers(model)}
    model.load_state_dict({**weights, **buffers}, assign=True)
    assert not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()]), "built and never filled"
