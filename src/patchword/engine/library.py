"""The compiled kernels as a file: what their header says, and whether they are as they were compiled.

setup.py runs this file too, so it needs nothing but Python.
"""

import hashlib
import os
import sys
from pathlib import Path

_MARK = b"patchword kernels, sha256 "
_SEAL = len(_MARK) + hashlib.sha256().digest_size

HEADER = Path(__file__).with_name("kernels") / "arguments.h"
NAMES = {"darwin": "_kernels.dylib", "win32": "_kernels.dll"}  # by sys.platform
NAME = NAMES.get(sys.platform, "_kernels.so")


def layout() -> str:
    """A digest of what Python and the kernels hand to each other; it is compiled into them."""
    return hashlib.sha256(HEADER.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def library_path() -> Path:
    """Where the kernels are, or would be; PATCHWORD_KERNELS_LIBRARY names another file, such as `make sanitize`'s."""
    return Path(os.environ.get("PATCHWORD_KERNELS_LIBRARY") or Path(__file__).with_name(NAME))


def seal(path: Path) -> None:
    """Keep a digest of a library, unless there is one: after its last byte, which linkers and loaders pass over.

    A library of macOS ends with its signature, so there the digest is a file beside it.
    """
    if not is_sealed(path):
        digest = hashlib.sha256(path.read_bytes()).digest()
        if path.suffix == ".dylib":
            _beside(path).write_bytes(_MARK + digest)
        else:
            with path.open("ab") as file:
                file.write(_MARK + digest)


def is_sealed(path: Path) -> bool:
    """Whether a library is whole. To open a damaged one can end the process, so this is asked before."""
    content = path.read_bytes()
    if path.suffix == ".dylib":
        beside = _beside(path)
        content += beside.read_bytes() if beside.is_file() else b""
    return content[-_SEAL:] == _MARK + hashlib.sha256(content[:-_SEAL]).digest()


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")
