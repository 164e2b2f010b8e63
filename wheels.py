"""A wheel for each platform, with the kernels in it: `python wheels.py [FOLDER] [TAG ...]`, or `make wheels`.

ziglang (the extra `wheels`: clang with the C libraries of all systems) compiles for all of them wherever it runs. The
libraries need no Python's interface and no C++ library, so a platform has one wheel.
"""

import base64
import csv
import hashlib
import io
import os
import runpy
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LIBRARY = runpy.run_path(str(ROOT / "src" / "patchword" / "engine" / "library.py"))

# A wheel's tag: clang's target, and sys.platform there.
PLATFORMS = {
    "manylinux_2_17_x86_64.manylinux2014_x86_64": ("x86_64-linux-gnu.2.17", "linux"),
    "manylinux_2_17_aarch64.manylinux2014_aarch64": ("aarch64-linux-gnu.2.17", "linux"),
    "macosx_11_0_arm64": ("aarch64-macos.11.0", "darwin"),
    "macosx_11_0_x86_64": ("x86_64-macos.11.0", "darwin"),
    "win_amd64": ("x86_64-windows-gnu", "win32"),
    "win_arm64": ("aarch64-windows-gnu", "win32"),
}


def compile_kernels(target: str, system: str, folder: Path, *more: str) -> list[Path]:
    """The library for a target and, where it is a file of its own, its digest; `more` flags come last."""
    extension = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "ext-modules"
    ][0]
    compiler = [sys.executable, "-m", "ziglang", "c++", "-target", target]
    # What clang does not know of gcc's, and on Windows code need not be told to run wherever it lies.
    flags = [flag for flag in extension["extra-compile-args"] if not flag.startswith("-Wno-")]
    flags += ["-g0", f'-DPATCHWORD_LAYOUT="{LIBRARY["layout"]()}"', *([] if system == "win32" else ["-fPIC"]), *more]

    def compiled(source: str) -> Path:
        to = folder / (Path(source).stem + ".o")
        subprocess.run([*compiler, *flags, "-c", ROOT / source, "-o", to], check=True)
        return to

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, extension["sources"]))
    library = folder / LIBRARY["NAMES"].get(system, "_kernels.so")
    subprocess.run([*compiler, "-shared", "-s", *extension["extra-link-args"], "-o", library, *objects], check=True)
    LIBRARY["seal"](library)
    return [library, *folder.glob(library.name + ".*")]


def plain_wheel(folder: Path) -> Path:
    """The wheel for any platform."""
    folder.mkdir(exist_ok=True)
    setup = [
        sys.executable,
        "setup.py",
        "-q",
        "build",
        "--build-base",
        folder / "build",
        "egg_info",
        "--egg-base",
        folder,
    ]
    command = [*setup, "bdist_wheel", "--dist-dir", folder, "--bdist-dir", folder / "bdist"]
    # No compiler: a library of this machine's would be in it.
    environment = {**os.environ, "CC": "false", "CXX": "false", "PYTHONWARNINGS": "ignore"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    (found,) = folder.glob("*-py3-none-any.whl")
    return found


def with_kernels(plain: Path, tag: str, added: list[Path], to: Path) -> Path:
    """A wheel with some more files beside the engine's, for one platform."""
    path = to / plain.name.replace("-any.whl", f"-{tag}.whl")
    rows = io.StringIO()
    record = csv.writer(rows, lineterminator="\n")
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:

        def write(name: str, content: bytes) -> None:
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100755 if name.endswith((".so", ".dylib", ".dll")) else 0o100644) << 16
            wheel.writestr(entry, content, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.writerow((name, f"sha256={digest}", len(content)))

        for file in added:
            write(f"patchword/engine/{file.name}", file.read_bytes())
        for name in before.namelist():
            content = before.read(name)
            if name.endswith(".dist-info/RECORD"):
                listing = name
            elif name.endswith(".dist-info/WHEEL"):
                lines = [
                    line for line in content.decode().splitlines() if line and not line.startswith(("Tag", "Root-Is"))
                ]
                tags = [f"Tag: py3-none-{platform}" for platform in tag.split(".")]
                write(name, "\n".join([*lines, "Root-Is-Purelib: false", *tags, ""]).encode())
            else:
                write(name, content)
        record.writerow((listing, "", ""))
        wheel.writestr(zipfile.ZipInfo(listing, (2020, 1, 1, 0, 0, 0)), rows.getvalue(), zipfile.ZIP_DEFLATED)
    return path


def main(to: Path, tags: list[str]) -> None:
    """Make the wheels of these tags, or of all."""
    if unknown := set(tags) - set(PLATFORMS):
        raise SystemExit(f"no such tags: {', '.join(sorted(unknown))}; there are {', '.join(PLATFORMS)}")
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        plain = plain_wheel(Path(folder))
        for tag in tags or PLATFORMS:
            objects = Path(folder, tag)
            objects.mkdir()
            wheel = with_kernels(plain, tag, compile_kernels(*PLATFORMS[tag], objects), to)
            print(f"{wheel}  {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"), sys.argv[2:])
