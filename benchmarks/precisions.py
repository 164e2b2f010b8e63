"""What a trained model's answers are worth in each precision: how many are the same, and the scores.

usage: precisions.py MODEL DATA [DATA] [--precisions reference,float32,bfloat16,int8]

The data are what `patchword evaluate` takes, and the model's own search is used. The others are compared with the
first; "reference" is the plain network. The instruction set says whether bfloat16 is multiplied or only stored.
"""

import argparse
from pathlib import Path
from typing import Any

from patchword.api import evaluation, kernels, load


def main() -> None:
    """Print a line a precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--precisions", default="reference,float32,bfloat16,int8")
    arguments = parser.parse_args()
    print(f"kernels {kernels()}", flush=True)
    first: Any = None
    for precision in arguments.precisions.split(","):
        how: dict[str, Any] = {"reference": True} if precision == "reference" else {"precision": precision}
        system: Any = load(arguments.model, **how)
        found = evaluation(system, arguments.data)
        answers = found.answers
        if answers is None:
            pictures, _ = system.pictures(arguments.data)
            answers = tuple(each.predictions[0][0] for each in system.classify(pictures, top=1))
        first = first or answers
        same = sum(map(str.__eq__, answers, first))
        scores = {name: value for name, value in found.scores.as_dict().items() if name in ("bleu", "chrf", "top1")}
        shown = "  ".join(f"{name} {value:.2f}" for name, value in scores.items())
        print(f"{precision:9s} {same:5d} of {len(answers)} the same  {shown}", flush=True)


if __name__ == "__main__":
    main()
