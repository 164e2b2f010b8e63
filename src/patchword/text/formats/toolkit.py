"""translate-toolkit, which reads translators' formats: the extra `formats`, imported when such a file is read."""

from importlib import import_module
from typing import Any

from patchword.errors import DataError


def storage(name: str, path: str, kind: str) -> Any:
    """A module of translate-toolkit's storage.

    Args:
        name: of the module, such as pypo.
        path: of the file that is to be read, for messages.
        kind: the file's format, for messages.

    Raises:
        DataError: if the extra is not installed.
    """
    try:
        return import_module(f"translate.storage.{name}")
    except ImportError as error:
        missing = f"is {kind}, which translate-toolkit reads: install the extra, pip install 'patchword[formats]'"
        raise DataError(path, f"{missing} ({error})") from None
