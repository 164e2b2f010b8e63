"""What the tests of Marian's checkpoints share."""

from pathlib import Path
from typing import Any

import pytest
import torch

from patchword.text.pairs import read_lines
from tests.converters.marian import reference as marian


@pytest.fixture
def one_thread(_repeatable: None) -> None:
    """Of networks so small, a second thread takes more than it gives."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def sentences(multi30k: Path) -> list[str]:
    return read_lines(multi30k / "val.en")[:200]


@pytest.fixture(scope="session")
def tokenizers(multi30k: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Any]:
    """MarianTokenizers, by whether the two vocabularies are separate."""
    english, german = (read_lines(multi30k / f"train.{language}")[:2000] for language in ("en", "de"))
    folder = tmp_path_factory.mktemp("tokenizers")
    return {
        separate: marian.make_tokenizer(folder / str(separate), english, german, 400, separate)
        for separate in (False, True)
    }
