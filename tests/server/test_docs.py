"""docs/serving.md: its commands run as they stand, its answers and its limits are as it says."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from patchword.server.settings import Settings
from tests.server.running import ROOT, Running

TEXT = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
needs_curl = pytest.mark.skipif(shutil.which("curl") is None or os.name != "posix", reason="no curl and bash here")


def blocks() -> list[tuple[str, str, str]]:
    """Commands, each with the kind and text of the block that shows its answer, if the next block does."""
    found = [(match[1], match[2]) for match in BLOCK.finditer(TEXT)]
    pairs = zip(found, [*found[1:], ("", "")], strict=True)
    return [
        (body, *(after if after[0] in ("json", "text") else ("", ""))) for (kind, body), after in pairs if kind == "sh"
    ]


@pytest.fixture(scope="module")
def address(models: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of models that are called as in the document."""
    folder = tmp_path_factory.mktemp("runs")
    for path, name in zip(models, ("en-de", "photos"), strict=False):
        shutil.copytree(path, folder / name)
    with Running([str(folder / "en-de"), str(folder / "photos")]) as running:
        yield running.address


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the document's pictures."""
    folder: Path = tmp_path_factory.mktemp("place")
    for name in ("cat.jpg", "dog.jpg"):
        Image.new("RGB", (20, 30), (200, 10, 10)).save(folder / name)
    return folder


def form(value: Any) -> Any:
    """A value with its names and kinds alone; of a list the first."""
    if isinstance(value, dict):
        return {name: form(each) for name, each in value.items()}
    if isinstance(value, list):
        return [form(value[0])] if value else []
    return "number" if isinstance(value, int | float) else type(value).__name__


@needs_curl
@pytest.mark.parametrize(("command", "kind", "answer"), blocks())
def test_commands_run_as_they_stand(command: str, kind: str, answer: str, address: str, place: Path) -> None:
    script = command.replace(ADDRESS, address)
    assert script != command
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("curl ", "curl --fail-with-body --noproxy '*' ")],
        cwd=place,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if kind == "json":
        assert form(json.loads(done.stdout)) == form(json.loads(answer))
    elif kind == "text":
        events = re.findall(r"^event: \w+$", done.stdout, re.MULTILINE)
        assert set(events) == set(re.findall(r"^event: \w+$", answer, re.MULTILINE))
        assert done.stdout.startswith(answer.partition("data")[0])
    if "metrics" in command:
        for name in re.findall(r"`(patchword_\w+)`", TEXT):
            assert name in done.stdout


def test_the_limits_are_the_settings_own() -> None:
    rows = re.findall(r"^\| `--([\w-]+)` \| ([\d,]+)", TEXT, re.MULTILINE)
    own = {name.replace("-", "_"): float(number.replace(",", "")) for name, number in rows}
    fields = {name: field.default for name, field in Settings.model_fields.items()}
    assert own == {name: fields[name] for name in own}
    assert own.keys() == {name for name in fields if name.startswith("max_")} | {"queue", "timeout"}


def test_options_that_are_named_are_there() -> None:
    known = {name.replace("_", "-") for name in Settings.model_fields}
    assert set(re.findall(r"`--([\w-]+)", TEXT)) <= known | {"no-batching"}
