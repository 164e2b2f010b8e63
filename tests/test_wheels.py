"""A wheel that was compiled elsewhere has its kernels where there is no compiler."""

import base64
import csv
import hashlib
import os
import platform
import runpy
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WHEELS = runpy.run_path(str(ROOT / "wheels.py"))
PROGRAM = "from patchword.engine import library, native; print(native.variant(), library.library_path())"


def made(tag: str, added: list[Path], folder: Path) -> Path:
    """A wheel with these files beside the engine's."""
    plain = folder / "patchword-1-py3-none-any.whl"
    with zipfile.ZipFile(plain, "w") as wheel:
        wheel.writestr("patchword/__init__.py", "")
        wheel.writestr(
            "patchword-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n\n"
        )
        wheel.writestr("patchword-1.dist-info/RECORD", "patchword/__init__.py,,\n")
    found: Path = WHEELS["with_kernels"](plain, tag, added, folder)
    return found


def test_a_wheel_says_what_is_in_it_and_for_whom(tmp_path: Path) -> None:
    library = tmp_path / "_kernels.so"
    library.write_bytes(b"compiled")
    path = made("manylinux_2_17_x86_64.manylinux2014_x86_64", [library], tmp_path)
    assert path.name == "patchword-1-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    wheel = zipfile.ZipFile(path)
    assert wheel.read("patchword-1.dist-info/WHEEL").decode().splitlines() == [
        "Wheel-Version: 1.0",
        "Root-Is-Purelib: false",
        "Tag: py3-none-manylinux_2_17_x86_64",
        "Tag: py3-none-manylinux2014_x86_64",
    ]
    rows = list(csv.reader(wheel.read("patchword-1.dist-info/RECORD").decode().splitlines()))
    assert {name for name, _, _ in rows} == set(wheel.namelist())
    for name, digest, size in rows:
        content = wheel.read(name)
        right = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        assert name.endswith("RECORD") or (digest, size) == (f"sha256={right}", str(len(content)))


def test_a_library_of_macos_is_sealed_without_a_change(tmp_path: Path) -> None:
    library = tmp_path / "_kernels.dylib"
    library.write_bytes(b"signed")
    WHEELS["LIBRARY"]["seal"](library)
    assert library.read_bytes() == b"signed"
    assert WHEELS["LIBRARY"]["is_sealed"](library)
    library.write_bytes(b"sighed")
    assert not WHEELS["LIBRARY"]["is_sealed"](library)
    library.write_bytes(b"signed")
    library.with_name("_kernels.dylib.sha256").unlink()
    assert not WHEELS["LIBRARY"]["is_sealed"](library)


@pytest.mark.skipif(find_spec("ziglang") is None, reason="needs the extra `wheels`, 100 MB")
@pytest.mark.skipif(sys.platform != "linux", reason="a wheel for Linux")
def test_an_installed_wheel_has_kernels_where_there_is_no_compiler(tmp_path: Path) -> None:
    tag = next(tag for tag in WHEELS["PLATFORMS"] if tag.endswith(platform.machine()))
    objects = tmp_path / "objects"
    objects.mkdir()
    # Less optimised: a fifth of the time.
    files = WHEELS["compile_kernels"](*WHEELS["PLATFORMS"][tag], objects, "-O1")
    wheel = WHEELS["with_kernels"](WHEELS["plain_wheel"](tmp_path / "plain"), tag, files, tmp_path)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*install, "--target", tmp_path / "site", wheel], check=True, env={**os.environ, "PATH": ""})
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PATCHWORD")}
    environment |= {"PATH": "", "PYTHONPATH": str(tmp_path / "site")}
    run = [sys.executable, "-W", "error", "-c", PROGRAM]
    found = subprocess.run(run, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    variant, path = found.stdout.split()
    assert variant != "none"
    assert path == str(tmp_path / "site" / "patchword" / "engine" / "_kernels.so")
