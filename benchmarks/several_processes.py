"""Loss curves and speed of 1, 2 and 4 processes that train one model, by torchrun's variables and gloo.

    python benchmarks/several_processes.py losses DATA  # every step's loss, and the largest difference from one process
    python benchmarks/several_processes.py speed DATA   # two processes of one thread against one of two, alternating
    python benchmarks/several_processes.py agree        # what it costs that processes agree once a step

DATA is the folder of Multi30k. Whatever else the machine does meanwhile changes times, so ratios of medians are printed
beside the machine's load.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PROGRAM = "from patchword.training import loop; loop.LOG_EVERY = {every}; from patchword.cli.main import main; main()"
COMMON = ("vocabulary.size=4000", "training.validate_every=1000000", "training.precision=float32")


def run(processes: int, threads: int, out: Path, *arguments: str, every: int = 1) -> list[dict[str, float]]:
    """Train; the rows of metrics.jsonl."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    common = {**os.environ, "OMP_NUM_THREADS": str(threads), "WORLD_SIZE": str(processes)}
    common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_WORLD_SIZE": str(processes)}
    command = [sys.executable, "-c", PROGRAM.format(every=every), "train", *arguments, "--quiet", "--out", str(out)]
    command += [word for name in COMMON for word in ("--set", name)]
    started = [
        subprocess.Popen(command, env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(processes)
    ]
    assert [process.wait() for process in started] == [0] * processes
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text("utf-8").splitlines()]
    return [row for row in rows if "loss" in row]


def losses(data: Path, folder: Path) -> None:
    """Of 50 steps, in float32 and without dropout."""
    files = [word for name in ("train.en", "train.de") for word in ("--data", str(data / name))]
    arguments = ["translation", *files, "--max-steps", "50", "--batch-size", "512", "--set", "data.hold_out=50"]
    sizes = {"model.d_model": 64, "model.d_ff": 128, "model.encoder_layers": 2, "model.decoder_layers": 2}
    for name, value in {**sizes, "model.dropout": 0.0, "schedule.warmup_steps": 20}.items():
        arguments += ["--set", f"{name}={value}"]
    curves: dict[str, list[float]] = {}
    for processes, way in ((1, "ddp"), (2, "ddp"), (4, "ddp"), (2, "fsdp"), (4, "fsdp")):
        name = "one process" if processes == 1 else f"{processes} {way}"
        rows = run(processes, 1, folder / name, *arguments, "--threads", "1", "--parallel", way)
        curves[name] = [row["loss"] for row in rows]
    print("step  " + "  ".join(f"{name:>11}" for name in curves))
    for step in (0, 9, 19, 29, 39, 49):
        print(f"{step + 1:>4}  " + "  ".join(f"{curve[step]:>11.7f}" for curve in curves.values()))
    one = curves["one process"]
    for name, curve in curves.items():
        print(f"{name}: at most {max(abs(a - b) for a, b in zip(curve, one, strict=True)):.1e} from one process")


def speed(data: Path, folder: Path, rounds: int = 3) -> None:
    """Steps a second of a small Transformer, between step 5 and the last."""
    files = [word for name in ("train.en", "train.de") for word in ("--data", str(data / name))]
    arguments = ["translation", *files, "--max-steps", "20", "--batch-size", "2048", "--set", "model.size=small"]
    ways = {"one process, 1 thread": (1, 1), "one process, 2 threads": (1, 2), "2 processes, 1 thread each": (2, 1)}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, (processes, threads) in ways.items():
            out = folder / f"{processes}-{threads}-{number}"
            rows = run(processes, threads, out, *arguments, "--threads", str(threads), every=5)
            steps = rows[-1]["step"] - rows[0]["step"]
            found[name].append(steps / (rows[-1]["seconds"] - rows[0]["seconds"]))
            print(f"{name}: {found[name][-1]:.2f} steps/s (load {os.getloadavg()[0]:.1f})", flush=True)
    for name, values in found.items():
        print(f"median of {name}: {median(values):.2f} steps/s, {median(values) / median(found[next(iter(ways))]):.2f}")


def agree() -> None:
    """The exchange of five numbers among the processes that the environment names, or two that this starts."""
    if "RANK" not in os.environ:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        common = {**os.environ, "OMP_NUM_THREADS": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
        both = [
            subprocess.Popen([sys.executable, *sys.argv], env={**common, "MASTER_PORT": str(port), "RANK": rank})
            for rank in "01"
        ]
        assert [process.wait() for process in both] == [0, 0]
        return
    from patchword.training.group import Found
    from patchword.training.joining import joined

    with joined() as group:
        taken = []
        for _ in range(500):
            start = time.perf_counter()
            group.exchange(Found(1, 1.0, None, 0.0, None))
            taken.append(time.perf_counter() - start)
            group.draw(1, 1)
    if group.first:
        print(f"agreeing once: median {1e6 * median(taken):.0f} µs")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        if sys.argv[1:2] == ["agree"]:
            agree()
        else:
            {"losses": losses, "speed": speed}[sys.argv[1]](Path(sys.argv[2]), Path(name))
