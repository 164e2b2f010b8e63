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
_NESTED = ["*/*"]


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
        return Path(
            huggingface_hub.snapshot_download(
                repository,
                revision=revision or None,
                allow_patterns=_SMALL + list(weights),
                ignore_patterns=_NESTED,
            )
        )
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
    import huggingface_hub
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError):
        raise CheckpointError(name, "the hub has no such repository or revision, or it is private") from None
    repository, revision = parts(name)
    kind = type(error).__name__
    if reached:
        raise CheckpointError(name, f"fetching it failed ({kind}); try again, or give the path of a downloaded folder")
    for weights in _WEIGHTS:
        with suppress(Exception):
            folder = huggingface_hub.snapshot_download(
                repository,
                revision=revision or None,
                local_files_only=True,
                allow_patterns=_SMALL + weights,
                ignore_patterns=_NESTED,
            )
            if any(Path(folder).glob(weights[0])):
                return Path(folder)
    raise CheckpointError(
        name,
        f"the hub cannot be reached ({kind}) and nothing was downloaded before; give the path of a downloaded folder "
        "instead",
    )
