"""What a user sees beside CTranslate2: one sentence from a cold start, and many by a pipe; seconds and peak memory.

usage: users_view.py SENTENCES [MODEL] [--lines N] [--rounds N] [--threads N] [--beam N] [--extra N]

MODEL is a model folder of Patchword's, which `ctranslate2_model` writes as CTranslate2 reads it, or a folder that
`marian_model.write` filled; without one, one sentence goes through a Marian-base model of random weights. A
translation has at most `extra` tokens more than its source (theirs: than the longest). Every run is a program of
its own, from its first import to its last line: `patchword translate` with the sentences on standard input, and a
program of a user of CTranslate2's, which reads lines, cuts them with the model's sentencepiece models, and
translates 64 at a time (its best of the two: all threads on a batch, or a batch a thread). Medians of alternating
rounds, and the largest peak of resident memory.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PRECISIONS = ("float32", "bfloat16", "int8")
HERE = Path(__file__).absolute().parent

BASE = """
import sys
from pathlib import Path
import marian_model
sentences, folder = map(Path, sys.argv[1:])
marian_model.write(folder, sentences, sentences.read_text(encoding="utf-8").splitlines()[:64])
"""

THEIRS = """
import sys
import ctranslate2, sentencepiece
folder, kind, beam, inter, intra, extra = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:7])
source = sentencepiece.SentencePieceProcessor(model_file=folder + "/source.spm")
target = sentencepiece.SentencePieceProcessor(model_file=folder + "/target.spm")
system = ctranslate2.Translator(folder + "/ct2", compute_type=kind, inter_threads=inter, intra_threads=intra)
lines = [line.rstrip("\\n") for line in sys.stdin]
pieces = [[*source.encode(line, out_type=str), "</s>"] for line in lines]
size = 64 // inter if len(lines) > 1 else 1
most = max(map(len, pieces)) + extra
for found in system.translate_batch(pieces, beam_size=beam, max_batch_size=size, max_decoding_length=most):
    print(target.decode(found.hypotheses[0]))
"""


def commands(folder: Path, arguments: argparse.Namespace) -> dict[str, list[str]]:
    """What is typed, by name."""
    beam, threads, extra = str(arguments.beam), arguments.threads, str(arguments.extra)
    model = arguments.model / "patchword" if (arguments.model / "patchword").is_dir() else arguments.model
    patchword = Path(sys.executable).with_name("patchword")
    found = {}
    for precision in PRECISIONS:
        found[f"patchword {precision}"] = [
            str(patchword), "translate", str(model), "--beam", beam, "--precision", precision, "--no-split",
            "--max-extra", extra,
        ]  # fmt: skip
        if precision == "bfloat16":
            continue  # not on every processor
        for name, inter, intra in (("a batch a thread", threads, 1), ("all on a batch", 1, threads)):
            numbers = [beam, str(inter), str(intra), extra]
            found[f"CTranslate2 {precision}, {name}"] = [sys.executable, "-c", THEIRS, str(folder), precision, *numbers]
    return found


def run(command: list[str], text: str, threads: int) -> tuple[float, float, int]:
    """Seconds, peak in MB, and lines of a program."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as answer:
        given.write(text)
        given.seek(0)
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=given, stdout=answer, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        assert status == 0, command
        answer.seek(0)
        return seconds, usage.ru_maxrss / 1024, len(answer.readlines())


def main() -> None:
    """Print a line a system and kind of work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", type=Path)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--lines", type=int, default=1000, help="with a MODEL")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beam", type=int, default=4)
    parser.add_argument("--extra", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.model is None:
            # In a program of its own: what is started has this one's peak of memory.
            arguments.model, arguments.lines = folder / "marian", 1
            subprocess.run(
                [sys.executable, "-c", BASE, arguments.sentences.absolute(), arguments.model], check=True, cwd=HERE
            )
        arguments.model = arguments.model.absolute()
        lines = arguments.sentences.read_text(encoding="utf-8").splitlines()[: arguments.lines]
        made = arguments.model / "ct2"
        if made.is_dir():
            shutil.copytree(made, folder / "ct2")
            pieces = [arguments.model / "hf" / f"{side}.spm" for side in ("source", "target")]
        else:
            program = HERE / "ctranslate2_model.py"
            subprocess.run([sys.executable, program, arguments.model, folder / "ct2"], check=True)  # as above
            pieces = [folder / "ct2" / "vocabulary.model"] * 2
        for side, piece in zip(("source", "target"), pieces, strict=True):
            shutil.copy(piece, folder / f"{side}.spm")
        works = {"one sentence": lines[:1], f"{len(lines)} lines": lines}
        if len(lines) == 1:
            del works["1 lines"]
        for work, some in works.items():
            text = "".join(line + "\n" for line in some)
            seen: dict[str, list[tuple[float, float, int]]] = {}
            for _ in range(arguments.rounds):
                for system, command in commands(folder, arguments).items():
                    seen.setdefault(system, []).append(run(command, text, arguments.threads))
            for system, found in seen.items():
                assert {count for *_, count in found} == {text.count("\n")}, system
                seconds, peak = median(each[0] for each in found), max(each[1] for each in found)
                print(f"{work:14s} {system:40s} {seconds:7.2f} s  {peak:5.0f} MB", flush=True)


if __name__ == "__main__":
    main()
