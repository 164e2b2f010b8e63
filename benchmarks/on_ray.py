"""Many lines or images through `--on ray`, with a worker and the driver killed, against the command without Ray.

    python benchmarks/on_ray.py translate MODEL FILE
    python benchmarks/on_ray.py classify MODEL TABLE [--workers N]

FILE has a line a sentence, TABLE a row an image. The command is run without Ray; with Ray, left alone; and with Ray and
kills: when a third of the shards are there a worker gets `kill -9`, at two thirds the driver does, and the same command
with --resume does what is left. Both outputs must be the first one's, byte for byte; times and their ratio are printed.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORKERS = "map"  # a part of the names that Ray gives the processes of its actors, in lower case


def command(options: argparse.Namespace, *more: str) -> list[str]:
    """The verb on the input."""
    given = {"translate": ["--file", str(options.input)], "classify": [str(options.input), "--csv"]}[options.verb]
    return [sys.executable, "-m", "patchword", options.verb, str(options.model), *given, *more]


def on_ray(options: argparse.Namespace, out: Path, *more: str) -> "subprocess.Popen[bytes]":
    """The same on Ray, begun."""
    return subprocess.Popen(
        command(options, "--output", str(out), "--on", "ray", "--workers", str(options.workers), *more)
    )


def parts(out: Path) -> list[Path]:
    """Shards that are there."""
    return sorted(out.glob("part-*"))


def workers(before: set[int]) -> list[int]:
    """Processes of Ray's actors, without some."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes().decode(errors="replace").lower()
        except OSError:  # it has ended
            continue
        if name.startswith("ray::") and WORKERS in name:
            found.append(int(folder.name))
    return sorted({*found} - before)


def whole(out: Path) -> bytes:
    """All shards, in order."""
    return b"".join(part.read_bytes() for part in parts(out))


def until(out: Path, count: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until so many shards are there."""
    while len(parts(out)) < count:
        assert process.poll() is None, "it ended by itself"
        time.sleep(0.2)


def main() -> None:
    """Do what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("translate", "classify"))
    parser.add_argument("model", type=Path)
    parser.add_argument("input", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        with (folder / "plain").open("wb") as file:
            subprocess.run(command(options), stdout=file, check=True)
        plain = time.perf_counter() - start
        wanted = (folder / "plain").read_bytes()
        lines = wanted.count(b"\n")
        print(f"without Ray: {plain:.1f} s, {lines:,} lines", flush=True)

        start = time.perf_counter()
        assert on_ray(options, folder / "ray").wait() == 0
        alone = time.perf_counter() - start
        count = len(parts(folder / "ray"))
        same = whole(folder / "ray") == wanted
        print(f"on Ray: {alone:.1f} s, {alone / plain:.2f} times, {count} shards, same bytes: {same}", flush=True)

        start, others = time.perf_counter(), {*workers(set())}
        process = on_ray(options, folder / "killed")
        until(folder / "killed", count // 3, process)
        os.kill(workers(others)[0], signal.SIGKILL)
        print(f"a worker killed at {len(parts(folder / 'killed'))} shards", flush=True)
        until(folder / "killed", 2 * count // 3, process)
        process.kill()
        process.wait()
        left = len(parts(folder / "killed"))
        print(f"the driver killed at {left} shards", flush=True)
        assert on_ray(options, folder / "killed", "--resume").wait() == 0
        same = whole(folder / "killed") == wanted
        print(f"with kills: {time.perf_counter() - start:.1f} s, same bytes: {same}", flush=True)


if __name__ == "__main__":
    main()
