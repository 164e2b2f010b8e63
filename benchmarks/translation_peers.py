"""Translation speed beside CTranslate2 and transformers: one model, alternating, each system in its own process.

usage: translation_peers.py SENTENCES [--threads N] [--rounds N] [--columns "greedy 1,beam 64"] [--peers ct2,hf]

A Marian-base model (see marian_model.py) translates the first 64 lines of SENTENCES (16 of them one by one, 8 for
transformers) into exactly 32 tokens each. Peaks of memory are of all columns together. At batch 1 one sentence is given
at a time, to all systems with all threads. CTranslate2 runs in both of its ways: all threads on every batch, and a
translator a thread, each with its part of a batch. It has no bfloat16 on most processors, so ours is beside its
float32. The last table has what counts: ours beside the faster of its two.
"""

import argparse
import json
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import workers

TOKENS = 32
COLUMNS = "greedy 1,greedy 16,greedy 64,beam 1,beam 16,beam 64"


def patchword_runs(folder: Path, precision: str, threads: int) -> workers.Runs:
    """Ours, without torch; its end token is so unlikely that every sentence takes all its tokens."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    from patchword import runtime
    from patchword.text.options import SearchOptions
    from patchword.text.replicas import cut, in_parallel

    translator = runtime.load(folder / "patchword", precision=precision, device="cpu")
    rows = json.loads((folder / "lines.json").read_text())["ids"]

    def run(column: str) -> int:
        beam, size, count = _column(column)
        method = "greedy" if beam == 1 else "beam"
        options = SearchOptions(method=method, beam=beam, max_length=TOKENS, max_extra=None, forced_end=True)
        ordered = sorted(rows[:count], key=len, reverse=True)
        batches = [ordered[start : start + size] for start in range(0, count, size)]
        parts = [batch[part] for batch in batches for part in cut([len(row) for row in batch], options)]
        # One batch after another at batch 1, as the peers do it; else as `Translator.translate`.
        decoded = map if size == 1 else lambda work, parts: in_parallel(work, parts, None)
        for found in decoded(lambda part: translator._search(part, options, [[]] * len(part)), parts):
            assert all(len(hypotheses[0].tokens) == TOKENS for hypotheses in found)
        return count

    return run


def ctranslate2_runs(folder: Path, precision: str, threads: int, replicas: int = 1) -> workers.Runs:
    """CTranslate2, with so many translators that share the threads out."""
    import ctranslate2

    system = ctranslate2.Translator(
        str(folder / "ct2"), compute_type=precision, inter_threads=replicas, intra_threads=threads // replicas
    )
    pieces = json.loads((folder / "lines.json").read_text())["pieces"]

    def run(column: str) -> int:
        beam, size, count = _column(column)
        # One batch after another at batch 1, as the others do it.
        given = [[row] for row in pieces[:count]] if size == 1 else [pieces[:count]]
        for rows in given:
            system.translate_batch(
                rows, beam_size=beam, max_batch_size=max(1, size // replicas), min_decoding_length=TOKENS,
                max_decoding_length=TOKENS,
            )  # fmt: skip
        return count

    return run


def transformers_runs(folder: Path, precision: str, threads: int) -> workers.Runs:
    """What a user of transformers writes; float32."""
    import torch
    import torchvision_operators  # isort: skip  # noqa: F401
    from transformers import MarianMTModel, MarianTokenizer  # isort: skip

    torch.set_num_threads(threads)
    model = MarianMTModel.from_pretrained(folder / "hf").eval()
    tokenizer = MarianTokenizer.from_pretrained(folder / "hf")
    lines = json.loads((folder / "lines.json").read_text())["lines"]

    @torch.inference_mode()
    def run(column: str) -> int:
        beam, size, count = _column(column)
        count = min(count, 8) if size == 1 else count
        for start in range(0, count, size):
            inputs = tokenizer(lines[start : start + size], return_tensors="pt", padding=True)
            model.generate(**inputs, num_beams=beam, min_new_tokens=TOKENS, max_new_tokens=TOKENS, do_sample=False)
        return count

    return run


def _column(name: str) -> tuple[int, int, int]:
    method, size = name.split()
    return (1 if method == "greedy" else 4), int(size), (16 if size == "1" else 64)


def main() -> None:
    """Print a line a column."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--columns", default=COLUMNS)
    parser.add_argument("--peers", default="ct2,hf")
    parser.add_argument("--precisions", default="float32,bfloat16,int8")
    arguments = parser.parse_args()
    lines = arguments.sentences.read_text(encoding="utf-8").splitlines()[:64]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        # In a process of its own, since the systems' libraries stay out of this one.
        workers.Worker(_written, folder, arguments.sentences, lines).close()
        ratios: list[tuple[str, str, float]] = []
        print(f"{arguments.threads} threads, sentences/s (medians of {arguments.rounds} rounds)", flush=True)
        for precision in arguments.precisions.split(","):
            theirs = "float32" if precision == "bfloat16" else precision
            systems: dict[str, tuple[Any, str]] = {"patchword": (patchword_runs, precision)}
            if "ct2" in arguments.peers:
                systems["CTranslate2 all"] = (ctranslate2_runs, theirs)
                systems["CTranslate2 each"] = (partial(ctranslate2_runs, replicas=arguments.threads), theirs)
            if "hf" in arguments.peers and precision == "float32":
                systems["transformers"] = (transformers_runs, theirs)
            running = {
                name: workers.Worker(build, folder, kind, arguments.threads) for name, (build, kind) in systems.items()
            }
            for column in arguments.columns.split(","):
                speeds = workers.compare(running, column, arguments.rounds)
                print(f"{precision:8s} {column:10s} {workers.line(speeds, 'patchword')}", flush=True)
                best = max((speed for name, speed in speeds.items() if name.startswith("CT")), default=0.0)
                ratios.append((precision, column, speeds["patchword"] / best if best else 0.0))
            peaks = "  ".join(f"{name} {worker.close():.0f}" for name, worker in running.items())
            print(f"{precision:8s} peak MB    {peaks}", flush=True)
        print("beside the faster of CTranslate2's two:", flush=True)
        for precision in arguments.precisions.split(","):
            row = "  ".join(f"{column} {ratio:.2f}" for kind, column, ratio in ratios if kind == precision)
            print(f"{precision:8s} {row}", flush=True)


def _written(folder: Path, sentences: Path, lines: list[str]) -> workers.Runs:
    import marian_model

    marian_model.write(folder, sentences, lines)
    return lambda _: 0


if __name__ == "__main__":
    main()
