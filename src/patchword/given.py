"""A model as people give it: the path of a folder, or the name of a published one."""

import re
import shlex
from pathlib import Path

from patchword.converters.importing import is_checkpoint
from patchword.converters.published import is_published, published
from patchword.errors import ModelFolderError
from patchword.progress import ProgressPrinter


def model_at(model: Path | str) -> Path:
    """The folder of a model that is given by its path, or by its published name.

    Raises:
        ModelFolderError: if it is neither, with what was probably meant.
    """
    if is_published(model):
        with ProgressPrinter() as tell:
            return published(str(model), tell)
    path = Path(model)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        published_like = re.fullmatch(r"[\w.-]+/[\w.-]+", str(model)) and not path.parent.is_dir()
        hint = f"; a published model is named hf:{model}" if published_like else ""
        raise ModelFolderError(path, f"no such model folder{hint}") from None
    except (OSError, ValueError):  # such as a name that is too long, which whoever reads it will say
        return path
    if is_checkpoint(path):
        raise ModelFolderError(
            path, f"is another library's checkpoint; make it a model: patchword import {shlex.quote(str(path))} OUT"
        )
    return path
