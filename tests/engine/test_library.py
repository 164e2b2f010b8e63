"""A library that was not compiled from these sources, or not whole, is never called; wheels say what is in them."""

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from patchword.engine import layout, library, native

ROOT = Path(__file__).resolve().parents[2]
COMPILER = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here")


def reason(path: Path, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Why there would be no kernels if the library were this file."""
    monkeypatch.setenv("PATCHWORD_KERNELS_LIBRARY", str(path))
    found: tuple[object, str | None] = native._library.__wrapped__()
    assert (found[0] is None) == (found[1] is not None)
    return found[1]


def test_the_headers_structures_are_read_as_a_compiler_reads_them() -> None:
    found = layout.structures(
        """
        struct A {
            const float *a, *b;  // a comment; with a semicolon
            int64_t c, d;
            double e;
        };
        struct B {
            A first, second;
            const A* more;
            int64_t (*f)(const A* a, float* y,
                         int64_t count);
        };
        """
    )
    assert [name for name, _ in found["A"]._fields_] == ["a", "b", "c", "d", "e"]
    assert [name for name, _ in found["B"]._fields_] == ["first", "second", "more", "f"]
    assert found["B"].more.offset == 2 * ctypes.sizeof(found["A"]) == 80
    assert found["B"]._fields_[3][1]._argtypes_ == (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    for unknown in ("struct C { long c; };", "struct C { int64_t c[4]; };", "struct C { Missing c; };"):
        with pytest.raises(ValueError, match="cannot read"):
            layout.structures(unknown)


@pytest.mark.skipif(not library.library_path().is_file(), reason="the kernels were not compiled")
@pytest.mark.parametrize("damage", ["none", "cut short", "one byte", "garbage", "empty"])
def test_a_damaged_library_is_not_opened(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = library.library_path().read_bytes()
    half = len(whole) // 2
    contents = {
        "none": whole,
        "cut short": whole[:half],
        "one byte": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
        "garbage": os.urandom(10_000),
        "empty": b"",
    }
    path = tmp_path / "_kernels.so"
    path.write_bytes(contents[damage])
    found = reason(path, monkeypatch)
    expected = f"the engine's kernels are damaged: {path} is not what was compiled"
    assert found == (None if damage == "none" else expected)


def test_who_wants_no_kernels_opens_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWORD_KERNELS", "none")
    monkeypatch.setattr(native, "_library", lambda: pytest.fail("the library was opened"))
    assert native.variant.__wrapped__() == "none"
    assert native.missing_reason() is None


def test_a_library_that_is_not_there_is_missed_once(tmp_path: Path) -> None:
    program = (
        "from patchword.engine import native; from patchword.engine.products import product; import torch; "
        "print(product(torch.ones(2, 2), None, 'float32'), product(torch.ones(2, 2), None, 'int8')); "
        "print(native.variant(), native.missing_reason(), sep=': ')"
    )
    environment = {**os.environ, "PATCHWORD_KERNELS_LIBRARY": str(tmp_path / "none.so"), "PATCHWORD_KERNELS": ""}
    found = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    why = "the engine's kernels were not compiled: there was no gcc or clang when Patchword was installed"
    assert found.stdout.splitlines() == ["PlainProduct() PlainQuantisedProduct()", f"none: {why}"]
    if platform.machine() in native.PROCESSORS:
        assert found.stderr.count("RuntimeWarning") == 1
        assert f"{why}; torch's own operations are used" in found.stderr


@COMPILER
@pytest.mark.parametrize("other", ["layout", "sizes", "neither"])
def test_a_library_of_other_sources_is_not_called(other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout_ = "0" * 64 if other == "layout" else library.layout()
    sizes = [*layout.sizes(native._STRUCTURES), 0]
    sizes[0] += 8 if other == "sizes" else 0
    source = f"""
        #include <cstdlib>
        extern "C" const char* patchword_layout() {{ return "{layout_}"; }}
        extern "C" const long* patchword_sizes() {{
            static const long sizes[] = {{{", ".join(map(str, sizes))}}};
            return sizes;
        }}
        extern "C" void* patchword_kernels(const char*) {{ std::exit(9); }}
    """
    if other == "neither":
        source = source.replace("patchword_layout", "another_name")
    path = tmp_path / "_kernels.so"
    (tmp_path / "k.cpp").write_text(source)
    subprocess.run(["g++", "-shared", "-fPIC", "-o", path, tmp_path / "k.cpp"], check=True)
    library.seal(path)
    expected = f"the engine's kernels are of another version: {path} was not compiled from these sources"
    assert reason(path, monkeypatch) == expected


@COMPILER
@pytest.mark.parametrize("compiler", ["g++", "false"])
def test_a_wheel_without_kernels_has_another_tag(compiler: str, tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    for name in ("src", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    setup = [sys.executable, "setup.py", "-q", "build", "--build-base", tmp_path / "build", "egg_info", "--egg-base"]
    command = [*setup, tmp_path, "bdist_wheel", "--dist-dir", tmp_path / "dist", "--bdist-dir", tmp_path / "bdist"]
    quick = tmp_path / "compiler"
    quick.write_text(f'#!/bin/sh\nexec {compiler} "$@" -O0\n')
    quick.chmod(0o755)
    environment = {**os.environ, "CXX": str(quick), "CC": str(quick), "PYTHONWARNINGS": "ignore"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=250)
    (wheel,) = (tmp_path / "dist").iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    assert "patchword/engine/kernels/arguments.h" in names
    if compiler == "false":
        assert wheel.name.endswith("-py3-none-any.whl")
        assert "patchword/engine/_kernels.so" not in names
    else:
        assert "-py3-none-linux_" in wheel.name
        assert "patchword/engine/_kernels.so" in names
