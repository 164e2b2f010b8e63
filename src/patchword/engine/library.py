"""The compiled kernels as a file: what their header says, and whether they are as they were compiled.

setup.py runs this file too, so it needs nothing but Python.
"""

import hashlib
import os
from pathlib import Path

_MARK = b"patchword kernels, sha256 "
_SEAL = len(_MARK) + hashlib.sha256().digest_size

HEADER = Path(__file__).with_name("kernels") / "arguments.h"
NAME = "_kernels.so"


def layout() -> str:
    """A digest of what Python and the kernels hand to each other; it is compiled into them."""
    return hashlib.sha256(HEADER.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def library_path() -> Path:
    """Where the kernels are, or would be; PATCHWORD_KERNELS_LIBRARY names another file, such as `make sanitize`'s."""
    return Path(os.environ.get("PATCHWORD_KERNELS_LIBRARY") or Path(__file__).with_name(NAME))


def seal(path: Path) -> None:
    """Append a digest of a library to it, unless it has one; linkers and loaders pass over what follows a library."""
    if not is_sealed(path):
        digest = hashlib.sha256(path.read_bytes()).digest()
        with path.open("ab") as file:
            file.write(_MARK + digest)


def is_sealed(path: Path) -> bool:
    """Whether a library is whole. To open a damaged one can end the process, so this is asked before."""
    content = path.read_bytes()
    return content[-_SEAL:] == _MARK + hashlib.sha256(content[:-_SEAL]).digest()
