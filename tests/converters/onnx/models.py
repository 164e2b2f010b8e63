"""Exported models as somebody without Patchword runs them: onnxruntime, numpy and what config.json says."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

Arrays = dict[str, np.ndarray]


def randomised(model: nn.Module) -> nn.Module:
    """Every weight, bias and norm away from its first value, so that none can be left out unnoticed."""
    for parameter in model.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return model.eval()


class OnnxModel:
    """The graphs of a folder, and its config.json."""

    def __init__(self, folder: Path) -> None:
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # its waiting threads would take PyTorch's time
        self.sessions = {file: onnxruntime.InferenceSession(folder / file, options) for file in self.config["graphs"]}

    def run(self, file: str, inputs: Arrays) -> Arrays:
        """A graph's outputs by name."""
        names = list(self.config["graphs"][file]["outputs"])
        return dict(zip(names, self.sessions[file].run(names, inputs), strict=True))

    def encode(self, source: np.ndarray) -> Arrays:
        """What every decoding step attends to."""
        return self.run("encoder.onnx", {"source": source})

    def past(self, batch: int, length: int = 0) -> Arrays:
        """Zeros as the past: at the first step of length 0."""
        shape = (batch, self.config["num_heads"], length, self.config["head_size"])
        inputs = self.config["graphs"]["decoder_step.onnx"]["inputs"]
        return {name: np.zeros(shape, np.float32) for name in inputs if name.startswith("past_")}

    def step(self, tokens: np.ndarray, memory: Arrays, past: Arrays) -> tuple[np.ndarray, Arrays]:
        """Logits of the next token, and the past of the next step."""
        outputs = self.run("decoder_step.onnx", {"tokens": tokens, **memory, **past})
        logits = outputs.pop("logits")
        return logits, {name.replace("present_", "past_"): array for name, array in outputs.items()}

    def greedy(self, source: np.ndarray, limits: np.ndarray) -> list[tuple[int, ...]]:
        """Each row's likeliest tokens one by one, until the end token or its limit."""
        ids = self.config["special_ids"]
        memory, past = self.encode(source), self.past(len(source))
        tokens = np.full(len(source), ids["start"])
        rows: list[list[int]] = [[] for _ in source]
        for _ in range(int(limits.max())):
            logits, past = self.step(tokens, memory, past)
            logits[:, self.config["never_generated"]] = -np.inf
            tokens = logits.argmax(-1)
            for row, token, limit in zip(rows, tokens.tolist(), limits.tolist(), strict=True):
                if len(row) < limit and ids["end"] not in row:
                    row.append(token)
        return [tuple(row) for row in rows]


def assert_graphs_are_described(onnx: OnnxModel) -> None:
    """What config.json says of inputs and outputs is what the graphs have."""
    types = {"float32": "tensor(float)", "int64": "tensor(int64)", "bool": "tensor(bool)"}
    for file, session in onnx.sessions.items():
        graph = onnx.config["graphs"][file]
        for described, values in ((graph["inputs"], session.get_inputs()), (graph["outputs"], session.get_outputs())):
            found = {value.name: (value.type, value.shape) for value in values}
            assert {name: (types[tensor["type"]], tensor["shape"]) for name, tensor in described.items()} == found
            assert all(tensor["meaning"] for tensor in described.values())
