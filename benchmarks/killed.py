"""Trainings that are killed at random moments and go on, against the same training left alone.

    python benchmarks/killed.py [ARCHITECTURE ...] [--kills N] [--processes N] [--seed N]

Each of transformer, rnn, vit and cnn trains on the demo's data with one thread. A copy of the run gets `kill -9` at
random moments, while it starts, trains, validates or saves, and is resumed each time, until it has been killed N times
(with several processes, which torchrun's variables make, one of them is killed at random and the others must end by
themselves). After every fifth kill its state is damaged, cut or with one byte changed; resuming must then say in one
sentence that the state before it is there, which is put in its place. At the end weights, and every loss and score that
was written, are compared with those of the run that nobody touched.
"""

import argparse
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import tomli_w
import torch
from safetensors.torch import load_file

from patchword.demo.digits import write_digits
from patchword.samples.phrases import phrase_pairs

NETWORKS: dict[str, dict[str, Any]] = {
    "transformer": {"d_model": 32, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 64},
    "rnn": {"embedding_size": 32, "hidden_size": 32, "encoder_layers": 1, "decoder_layers": 1},
    "vit": {"d_model": 32, "num_heads": 2, "num_layers": 2, "d_ff": 64, "patch_size": 2},
    "cnn": {"stem_width": 8, "depths": [1, 1], "widths": [8, 16]},
}
REMEDY = "move previous.pt to latest.pt"
PATIENCE = 120.0  # seconds for processes to end after one of them was killed
EVERY = 5  # kills, from one damage to the next
TRAINING = 4.0  # seconds after its first state that a run lives at most


def recipe(architecture: str, folder: Path, steps: int) -> dict[str, Any]:
    """That saves and validates often."""
    values: dict[str, Any] = {
        "model": {"architecture": architecture, **NETWORKS[architecture]},
        "schedule": {"name": "constant", "warmup_steps": 50},
        "training": {
            "max_steps": steps,
            "validate_every": 50,
            "ema_decay": 0.99,
            "average_last": 3,
            "save_every_minutes": 0.003,
            "threads": 1,
            "seed": 7,
        },
    }
    if architecture in ("transformer", "rnn"):
        data = folder / "phrases.tsv"
        data.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in phrase_pairs("en", "de", 1).train[:2000]))
        values |= {"task": "translation", "data": {"train": [str(data)], "hold_out": 60}, "batch_tokens": 400}
        return values | {"vocabulary": {"size": 600, "shrink": True}}
    data = folder / "digits"
    train, _ = write_digits(data, 1)
    values |= {"task": "classification", "data": {"train": [str(train)], "hold_out": 0.1}, "batch_size": 32}
    values |= {"augmentation": {"pad_crop": 1, "mixup": 0.2}}
    return values | {"preprocessing": {"image_size": [8, 8], "resize": "squash"}}


def started(run: Path, written: Path, processes: int) -> list["subprocess.Popen[bytes]"]:
    """The processes of a training that begins, or goes on if there is a run."""
    goes_on = (run / "state" / "latest.pt").exists()
    if run.exists() and not goes_on:  # killed before there was a state: it begins again
        shutil.rmtree(run)
    arguments = ["--resume"] if goes_on else [str(written)]
    command = [sys.executable, "-m", "patchword", "train", *arguments, "--out", str(run), "--quiet"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    if processes > 1:
        environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes)}
        environment |= {"LOCAL_WORLD_SIZE": str(processes)}
    return [
        subprocess.Popen(
            command, env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)}, stderr=subprocess.PIPE
        )
        for rank in range(processes)
    ]


def waited(processes: list["subprocess.Popen[bytes]"], within: float) -> list[tuple[int, str]] | None:
    """Exit codes and what was said, if all ended within a time."""
    end = time.monotonic() + within
    while any(process.poll() is None for process in processes):
        if time.monotonic() > end:
            return None
        time.sleep(0.01)
    return [(process.returncode, process.communicate()[1].decode()) for process in processes]


def damage(state: Path, chance: random.Random) -> None:
    """Cut a file, or change one byte."""
    content = bytearray(state.read_bytes())
    place = chance.randrange(len(content))
    if chance.random() < 0.5:
        content = content[:place]
    else:
        content[place] ^= 1 << chance.randrange(8)
    state.unlink()  # the other name is another file's
    state.write_bytes(content)


def result(run: Path) -> tuple[dict[str, torch.Tensor], list[Any]]:
    """Weights, and rows of metrics without times."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    told = [{key: value for key, value in row.items() if "second" not in key} for row in rows]
    return load_file(run / "best" / "model.safetensors"), told


def moment(run: Path) -> str:
    """What a killed process was at, by what it left."""
    if not (run / "state").exists():
        return "before a state"
    return "while writing" if any(run.rglob("*.tmp")) else "otherwise"


def repaired(run: Path, written: Path, processes: int, chance: random.Random) -> str:
    """Damage a state, see that the run says so and stays as it is, and put the one before in its place."""
    state = run / "state" / "latest.pt"
    former = state.with_name("previous.pt")
    if not former.exists():
        return ""
    damage(state, chance)
    ended = waited(started(run, written, processes), PATIENCE)
    assert ended is not None, "a damaged state did not end the run"
    said = [text for code, text in ended if REMEDY in text]
    if all(code == 0 for code, _ in ended):
        return "harmless"  # a byte that nothing is made of
    assert len(said) == 1, f"a damaged state: {ended}"
    assert "Traceback" not in said[0], said[0]
    former.replace(state)
    return "repaired"


def killed(architecture: str, kills: int, processes: int, chance: random.Random, folder: Path, steps: int) -> None:
    """Train with and without kills, and print what was seen."""
    written = folder / "recipe.toml"
    written.write_text(tomli_w.dumps(recipe(architecture, folder, steps)))
    start = time.monotonic()
    first = started(folder / "whole", written, processes)
    while not (folder / "whole" / "state" / "latest.pt").exists():
        time.sleep(0.01)
    begun = time.monotonic() - start
    ended = waited(first, 3600)
    assert ended is not None
    assert all(code == 0 for code, _ in ended), ended
    alone = time.monotonic() - start
    weights, rows = result(folder / "whole")
    seen: Counter[str] = Counter()
    runs = same = 0
    while seen["kills"] < kills:
        run = folder / f"run{runs}"
        runs += 1
        while True:
            processes_now = started(run, written, processes)
            if seen["kills"] < kills:
                ended = waited(processes_now, chance.uniform(0.5 * begun, begun + TRAINING))
                if ended is None:
                    chance.choice(processes_now).kill()
                    seen["kills"] += 1
                    after = waited(processes_now, PATIENCE)
                    if after is None:  # they had not met yet: the others wait for minutes, but torchrun ends them
                        seen["before they met"] += 1
                        for process in processes_now:
                            process.terminate()
                        after = waited(processes_now, PATIENCE)
                    assert after is not None, "the others did not end"
                    assert not any("Traceback" in text for _, text in after), after
                    seen[moment(run)] += 1
                    if seen["kills"] % EVERY == 0 and (found := repaired(run, written, processes, chance)):
                        seen[found] += 1
                    continue
            else:
                ended = waited(processes_now, 3600)
            assert ended is not None
            assert all(code == 0 for code, _ in ended), ended
            break
        found, told = result(run)
        equal = found.keys() == weights.keys() and all(torch.equal(found[name], weights[name]) for name in weights)
        same += equal and told == rows
        shutil.rmtree(run)
    told = ", ".join(f"{count} {name}" for name, count in sorted(seen.items()) if name != "kills")
    print(
        f"{architecture}, {processes} process(es): {seen['kills']} kills ({told}) in {runs} runs of {steps:,} steps "
        f"({alone:.0f} s left alone): {same} of {runs} with the same weights, losses and scores",
        flush=True,
    )


def main() -> None:
    """Do what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architectures", nargs="*", default=[*NETWORKS], metavar="ARCHITECTURE")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for architecture in options.architectures:
        with tempfile.TemporaryDirectory() as folder:
            chance = random.Random(f"{architecture} {options.seed}")
            killed(architecture, options.kills, options.processes, chance, Path(folder), options.steps)


if __name__ == "__main__":
    main()
