"""Training speed on Multi30k: target tokens a second of the whole loop, at the sizes of a common baseline.

usage: python benchmarks/training_speed.py DATA small|tiny SECONDS

small: 3+3 layers, d_model 256, d_ff 512, Pre-LN, dropout 0.1, 1,500 tokens a batch
tiny:  4+4 layers, d_model 128, d_ff 256, Post-LN, dropout 0.3, 4,096 tokens a batch
Both have a joint vocabulary of 8,000 and dropout in all the places where torch.nn.Transformer has it: embeddings,
residuals, attention weights and feed-forward activations.
"""

import sys
import tempfile
from pathlib import Path

import torch

from patchword import api
from patchword.training.metrics import read_metrics

CHOICES = {
    "small": ({"norm_first": True}, 0.1, 1500, 1.5e-3, 400),
    "tiny": ({"norm_first": False}, 0.3, 4096, 5e-3, 500),
}


def main() -> None:
    """Train for the given time and print the mean rate."""
    data, size, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    torch.set_num_threads(2)
    model, dropout, tokens, peak, warmup = CHOICES[size]
    dropouts = dict.fromkeys(("dropout", "attention_dropout", "activation_dropout"), dropout)
    values = {
        "task": "translation",
        "batch_tokens": tokens,
        "data": {
            "folder": data,
            "train": ["train.en", "train.de"],
            "validation": ["val.en", "val.de"],
        },
        "vocabulary": {"size": 8000},
        "model": {"size": size, **model, **dropouts},
        "optimizer": {"learning_rate": peak},
        "schedule": {"warmup_steps": warmup},
        "training": {"max_minutes": seconds / 60, "validate_every": 10**9},
    }
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        api.train(api.read_recipe(values, "benchmark"), run, show=False)
        rows = [row for row in read_metrics(run / "metrics.jsonl") if "loss" in row]
    print(
        f"{size}: {rows[-1]['step']} steps, {sum(r['tokens_per_second'] for r in rows) / len(rows):.0f} target tokens/s"
    )


if __name__ == "__main__":
    main()
