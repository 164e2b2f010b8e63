"""README's tour as people take it, each line in a shell as it stands, save the port.

With the models of a demo that has run, PATCHWORD_DEMO=demo python -m pytest tests/test_tour.py, it is the whole tour;
otherwise the server's part alone, with models that have learned nothing: what the other lines do, test_readme tries.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.running import until
from tests.stand_in import write_demo

ROOT = Path(__file__).parents[1]
DEMO = os.environ.get("PATCHWORD_DEMO")


def lines(section: str) -> list[str]:
    """The commands of a section of README.md."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"^## {section}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^    (\S.*)$", found[0], re.MULTILINE)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with demo/ in it, and `patchword` on the path of its shells."""
    if DEMO:
        (tmp_path / "demo").symlink_to(Path(DEMO).resolve())
    else:
        (tmp_path / "demo").mkdir()
        write_demo(tmp_path / "demo")
    program = tmp_path / "bin" / "patchword"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m patchword.cli.main "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def typed(line: str, place: Path) -> str:
    done = subprocess.run(["bash", "-c", line], cwd=place, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def served(place: Path) -> Iterator[tuple[list[str], str]]:
    """README's server, the commands for it, and its address."""
    first, *others = lines("Serve")
    assert first.startswith("patchword serve ")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    assert all("8000" in line for line in (first, *others))
    process = subprocess.Popen(
        ["bash", "-c", f"exec {first.replace('8000', port)}"], cwd=place, stderr=subprocess.PIPE, text=True
    )
    address = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        try:
            return httpx.get(f"{address}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    until(ready)
    yield [line.replace("8000", port) for line in others], address
    process.send_signal(signal.SIGINT)  # Ctrl-C
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Traceback" not in said


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_server_of_the_readme_answers_the_commands_of_the_readme(
    served: tuple[list[str], str], place: Path
) -> None:
    commands, address = served
    answers: list[dict[str, Any]] = [json.loads(typed(line, place)) for line in commands]
    assert len(answers) == 3
    translated, classified, libre = answers
    assert re.fullmatch(r"(\d+-\d+ ?)*", translated["translations"][0]["alignment"])
    assert len(classified["classifications"][0]["predictions"]) == 3
    assert libre["translatedText"] == translated["translations"][0]["text"]
    page = httpx.get(address, trust_env=False)
    assert page.headers["content-type"].startswith("text/html")
    assert httpx.get(f"{address}/docs", trust_env=False).status_code == 200


@pytest.mark.skipif(not DEMO, reason="the whole tour needs PATCHWORD_DEMO, a folder that `patchword demo` has written")
@pytest.mark.timeout(900)
def test_the_demo_can_be_looked_into_by_the_commands_of_the_readme(place: Path) -> None:
    said = {line: typed(line, place) for line in lines("Look inside")}
    assert len(said) == 6
    assert (place / "why.html").stat().st_size > 100_000
    assert (place / "digit.html").is_file()
    assert len((place / "links.txt").read_text(encoding="utf-8").splitlines()) == 500
    error = next(float(found[1]) for text in said.values() if (found := re.search(r"alignment error (\S+) %", text)))
    assert error < 15
    assert any("relevance" in text and "Grad-CAM" in text for text in said.values())
