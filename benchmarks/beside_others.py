"""Updates a second of a training alone and beside programs that keep cores busy.

    python benchmarks/beside_others.py [--seconds N] [--rounds N]

The demo's translator trains on the demo's phrases with one thread, with as many as there are cores, and with the number
left open, alone and beside one and two busy programs, alternating; each time in a process of its own. Then a program
comes after a third of the time and goes after two thirds: what the three make of it. What measuring the number of
threads takes between updates counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from patchword.demo.run import translation_recipe
from patchword.samples.phrases import phrase_pairs

BUSY = "while True: pass"
WAYS = ("one", "all", "open")
# Prints the moment at which every update was complete.
PROGRAM = """
import sys, time
from pathlib import Path
from patchword import api
from patchword.training.update import Updater
update = Updater.update
def noted(self, *arguments):
    result = update(self, *arguments)
    print(time.time(), flush=True)
    return result
Updater.update = noted
recipe, out, threads, minutes = sys.argv[1:]
limits = {"training.max_minutes": float(minutes), "training.max_steps": 100000, "training.validate_every": 100000}
if threads != "open":
    limits["training.threads"] = int(threads)
api.train(Path(recipe), Path(out), settings=limits)
"""


def updates(recipe: Path, way: str, seconds: float) -> "subprocess.Popen[str]":
    """A training that prints the time of every update."""
    threads = {"one": "1", "all": str(os.cpu_count()), "open": "open"}[way]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", PROGRAM, str(recipe), str(recipe.parent / f"{way}-{time.time()}"), threads]
    return subprocess.Popen(
        [*command, str(seconds / 60)], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def speed(times: list[float], begin: float = 0.0, end: float = 1.0) -> float:
    """Updates a second in a part of the time."""
    first, last = times[0], times[-1]
    low, high = first + begin * (last - first), first + end * (last - first)
    within = [each for each in times if low <= each <= high]
    return (len(within) - 1) / (within[-1] - within[0])


def busy(count: int) -> list["subprocess.Popen[bytes]"]:
    """Start programs that never wait."""
    return [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]


def ended(processes: list["subprocess.Popen[bytes]"]) -> None:
    """End them."""
    for process in processes:
        process.kill()
        process.wait()


def steady(recipe: Path, seconds: float, rounds: int) -> None:
    """What is there all the time."""
    found: dict[tuple[int, str], list[float]] = {}
    for _ in range(rounds):
        for others in (0, 1, 2):
            programs = busy(others)
            try:
                for way in WAYS:
                    times = updates(recipe, way, seconds).communicate()[0].split()
                    found.setdefault((others, way), []).append(speed([float(each) for each in times]))
            finally:
                ended(programs)
    print(f"updates a second, medians of {rounds} rounds of {seconds:.0f} s; threads: " + ", ".join(WAYS))
    for others in (0, 1, 2):
        row = {way: median(found[others, way]) for way in WAYS}
        one = median(found[0, "one"])
        told = " · ".join(f"{way} {value:.2f} ({value / one:.2f} of one thread alone)" for way, value in row.items())
        print(f"beside {others}: {told}", flush=True)


def visited(recipe: Path, seconds: float) -> None:
    """What comes and goes."""
    print(f"a program comes after a third of {seconds:.0f} s and goes after two thirds: updates a second in each")
    for way in WAYS:
        training = updates(recipe, way, seconds)
        assert training.stdout is not None
        times: list[float] = []
        programs: list[subprocess.Popen[bytes]] = []
        try:
            for line in training.stdout:
                times.append(float(line))
                part = (times[-1] - times[0]) / seconds
                if 1 / 3 < part < 2 / 3 and not programs:
                    programs = busy(1)
                if part > 2 / 3 and programs:
                    ended(programs)
                    programs = []
            training.wait()
        finally:
            ended(programs)
        parts = [f"{speed(times, n / 3, (n + 1) / 3):.2f}" for n in range(3)]
        print(f"{way}: {', '.join(parts)}; {len(times):,} updates in all", flush=True)


def main() -> None:
    """Do what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--visit", type=float, default=180, help="seconds of the part in which a program comes and goes"
    )
    options = parser.parse_args()
    print(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()}))
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "phrases.tsv"
        data.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in phrase_pairs("en", "zh_Hans", 1).train))
        recipe = Path(name) / "recipe.toml"
        translation_recipe(data, "en", "zh_Hans", 1).write(recipe)
        steady(recipe, options.seconds, options.rounds)
        visited(recipe, options.visit)


if __name__ == "__main__":
    main()
