"""The engine's kernels, and a wheel that says whether it has them.

The kernels are a library of plain C functions that ctypes opens, so one serves every Python of a platform. They are
written for gcc and clang: without one of them everything still runs, in torch's operations alone, and the wheel is one
for any platform. On Windows setuptools takes Microsoft's compiler, so there are none, unless `build_ext` is told
`--compiler=mingw32`. `make wheels` compiles them for all platforms.

PATCHWORD_SANITIZE=address,undefined (or thread) compiles them with gcc's sanitizers; see `make sanitize`.
PATCHWORD_EMULATED=tests/engine/emulated compiles them with the instructions there; see `make emulated`.
"""

import os
import runpy
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

# Where threads first wait for an atomic number.
if sys.platform == "darwin":
    os.environ.setdefault("MACOSX_DEPLOYMENT_TARGET", "11.0")

LIBRARY = runpy.run_path(str(Path(__file__).with_name("src") / "patchword" / "engine" / "library.py"))


class BuildKernels(build_ext):
    """Compiles the kernels, and seals the library so that a damaged one is never opened."""

    def get_ext_filename(self, fullname: str) -> str:
        """A name without a Python's version."""
        return str(Path(*fullname.split(".")).with_name(LIBRARY["NAME"]))

    def get_export_symbols(self, extension: Extension) -> list[str]:
        """None by name: the sources say what the library shows, and it is no module of Python's."""
        return []

    def get_libraries(self, extension: Extension) -> list[str]:
        """None of Python's."""
        return []

    def copy_extensions_to_source(self) -> None:
        """Copy the library, and seal it there too."""
        super().copy_extensions_to_source()
        copied = Path(self.get_finalized_command("build_py").get_package_dir("patchword.engine"), LIBRARY["NAME"])
        if copied.is_file():
            LIBRARY["seal"](copied)

    def build_extension(self, extension: Extension) -> None:
        """Compile, with what arguments.h says now."""
        if self.compiler.compiler_type == "msvc":
            raise CompileError("the engine's kernels need gcc or clang")
        extension.define_macros = [("PATCHWORD_LAYOUT", f'"{LIBRARY["layout"]()}"')]
        if sanitizers := os.environ.get("PATCHWORD_SANITIZE"):
            flags = [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g"]
            extension.extra_compile_args = [*extension.extra_compile_args, *flags, "-O1"]
            extension.extra_link_args = [*extension.extra_link_args, *flags]
        if emulated := os.environ.get("PATCHWORD_EMULATED"):
            extension.define_macros.append(("PATCHWORD_EMULATED", "1"))
            flags = [f"-I{emulated}", "-mavx2", "-mfma", "-O2"]
            extension.extra_compile_args = [*extension.extra_compile_args, *flags]
        self.compiler.compile = _side_by_side(self.compiler.compile)
        super().build_extension(extension)
        LIBRARY["seal"](Path(self.get_ext_fullpath(extension.name)))


def _side_by_side(compile_all: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """The sources at the same time, as many as there are cores: each takes a quarter of a minute."""

    def compile_each(sources: list[str], **options: Any) -> list[str]:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return [
                name for names in pool.map(lambda source: compile_all([source], **options), sources) for name in names
            ]

    return compile_each


class TaggedWheel(bdist_wheel):
    """Names a wheel by what is in it."""

    def get_tag(self) -> tuple[str, str, str]:
        """Any Python 3; this platform only if the kernels were compiled."""
        if any(Path(self.bdist_dir).rglob(LIBRARY["NAME"])):
            return "py3", "none", super().get_tag()[2]
        self.root_is_pure = True
        return "py3", "none", "any"


setup(cmdclass={"build_ext": BuildKernels, "bdist_wheel": TaggedWheel})
