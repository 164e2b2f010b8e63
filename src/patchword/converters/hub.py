"""Published checkpoints by name, `hf:owner/name`, through `huggingface_hub`."""

import re
from contextlib import suppress
from pathlib import Path

from patchword.errors import CheckpointError

PREFIX = "hf:"

TIMEOUT = 20  # seconds

# Everything that a converter reads, and nothing that it does not, such as TensorFlow's copy of the weights.
_SMALL = ["*.json", "*.spm", "*.txt"]
_WEIGHTS = (["*.safetensors"], ["pytorch_model*.bin"], ["*.npz"])


def download(name: str) -> Path:
    """Bring a repository's files into the hub's cache, or find them there.

    Args:
        name: "hf:owner/name", or "hf:owner/name@revision".

    Returns:
        the folder; the file itself for a repository of one .npz.

    Raises:
        CheckpointError: in one sentence: no network, no such repository, or the library is not installed.
    """
    repository, revision = parts(name)
    try:
        import huggingface_hub
    except ImportError:
        raise CheckpointError(
            name, "reading from the hub needs huggingface_hub: pip install 'patchword[hub]'"
        ) from None
    reached = False
    try:
        # Unlike listing files or downloading, this asks once and does not retry for half a minute.
        found = huggingface_hub.HfApi().model_info(repository, revision=revision or None, timeout=TIMEOUT)
        reached = True
        files = [file.rfilename for file in found.siblings or ()]
        weights = next((w for w in _WEIGHTS if any(Path(f).match(w[0]) for f in files)), [])
        return _snapshot(repository, revision, weights)
    except Exception as error:
        return _cached(name, error, reached)


def parts(name: str) -> tuple[str, str]:
    """Repository and revision of a name; the revision is empty where none is named.

    Raises:
        CheckpointError: if it is no such name.
    """
    repository, at, revision = name.removeprefix(PREFIX).partition("@")
    proper = re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", repository)
    if not name.startswith(PREFIX) or not proper or (at and not re.fullmatch(r"[\w-][\w./-]*", revision)):
        raise CheckpointError(
            name, "expected hf:OWNER/NAME or hf:OWNER/NAME@REVISION, such as hf:google/vit-base-patch16-224"
        )
    return repository, revision


def _cached(name: str, error: Exception, reached: bool) -> Path:
    """The files from an earlier download; what went wrong, if there is none."""
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError):
        raise CheckpointError(name, "the hub has no such repository or revision, or it is private") from None
    repository, revision = parts(name)
    kind = type(error).__name__
    if reached:
        raise CheckpointError(name, f"fetching it failed ({kind}); try again, or give the path of a downloaded folder")
    for weights in _WEIGHTS:
        with suppress(Exception):
            folder = _snapshot(repository, revision, weights, local_files_only=True)
            if any(folder.glob(weights[0])):
                return folder
    raise CheckpointError(
        name,
        f"the hub cannot be reached ({kind}) and nothing was downloaded before; give the path of a downloaded folder "
        "instead",
    )


def _snapshot(repository: str, revision: str, weights: list[str], *, local_files_only: bool = False) -> Path:
    """What converters read of a repository, with weights of these names, from the hub or from its cache alone."""
    import huggingface_hub

    folder = huggingface_hub.snapshot_download(
        repository,
        revision=revision or None,
        allow_patterns=_SMALL + weights,
        ignore_patterns=["*/*"],
        local_files_only=local_files_only,
    )
    return Path(folder)
