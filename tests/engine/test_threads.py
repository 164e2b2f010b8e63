"""Threads have their own numbers, callers do not disturb each other, and a forked child computes alone."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from patchword.engine import threads


def test_a_thread_that_computes_alone_leaves_the_others_theirs() -> None:
    torch.set_num_threads(2)

    def alone() -> tuple[int, int]:
        threads.alone()
        return threads.count(), torch.get_num_threads()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(alone).result() == (1, 1)
        assert threads.count() == torch.get_num_threads() == 2
    with ThreadPoolExecutor(1) as pool:  # new to torch
        assert pool.submit(torch.get_num_threads).result() == 2


WITHOUT_TORCH = """
import sys
from patchword.engine import threads
print(threads.count(), "torch" in sys.modules)
"""


@pytest.mark.parametrize(("told", "expected"), [("3", 3), ("2,1", 2), ("many", None), ("", None)])
def test_without_torch_it_is_the_number_that_torch_would_take(told: str, expected: int | None) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": told}
    environment.pop("MKL_NUM_THREADS", None)
    found = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], env=environment, capture_output=True, text=True)
    with_torch = [sys.executable, "-c", "import torch; print(torch.get_num_threads())"]
    torchs = subprocess.run(with_torch, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == f"{expected or int(torchs.stdout)} False\n"


FORKED_WITHOUT_TORCH = """
import os, sys
from patchword.engine import threads
threads.use(3)
print(threads.count(), flush=True)
if os.fork() == 0:
    print(threads.count(), "torch" in sys.modules, flush=True)
    os._exit(0)
os.wait()
print(threads.count())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_was_forked_without_torch_computes_with_one_thread() -> None:
    found = subprocess.run([sys.executable, "-c", FORKED_WITHOUT_TORCH], capture_output=True, text=True, check=True)
    assert found.stdout == "3\n1 False\n3\n"


CALLERS = """
import threading, torch
from concurrent.futures import ThreadPoolExecutor
from patchword.engine.network import Network
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.replicas import cut, in_parallel
from patchword.text.search import SearchOptions, search
from patchword.text.batches import pad

torch.set_num_threads(2)
torch.manual_seed(0)
sizes = {{"d_model": 64, "num_heads": 4, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 96}}
network = Network(Transformer(TransformerConfig.named("tiny", 60, 60, **sizes)), reference={reference})
rows = sorted((torch.randint(4, 60, (2 + i % 7,)).tolist() for i in range(20)), key=len, reverse=True)
options = SearchOptions(beam=4, max_extra=4)

def translate(_=None):
    batches = cut([len(row) for row in rows], options)
    assert len(batches) == 2
    decode = lambda batch: search(network.fast, pad(rows[batch], 0), options)
    return list(in_parallel(decode, batches, torch.device("cpu")))

alone = translate()
results = []
def caller():
    results.extend(translate() == alone for _ in range({calls} // 8))
# Threads that are new to torch while others compute.
for start in range(2):
    callers = [threading.Thread(target=caller) for _ in range(8)]
    [c.start() for c in callers]
    [c.join() for c in callers]
assert torch.get_num_threads() == 2
print(len(results), sum(results))
"""


@pytest.mark.parametrize("kernels", ["", "none"])
@pytest.mark.parametrize("reference", [False, True], ids=["packed", "reference"])
def test_eight_callers_at_once_find_what_one_finds_alone(kernels: str, reference: bool) -> None:
    if reference and not kernels:
        pytest.skip("the reference has no kernels")
    environment = {**os.environ, "PATCHWORD_KERNELS": kernels}
    calls = 16 if kernels else 48  # of each of two rounds; without kernels they take four times as long
    program = [sys.executable, "-c", CALLERS.format(reference=reference, calls=calls)]
    found = subprocess.run(program, env=environment, capture_output=True, text=True, check=True, timeout=280)
    assert found.stdout == f"{2 * calls} {2 * calls}\n"


FORKS = """
import multiprocessing, torch
from patchword.engine.network import Network
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.text.batches import pad
from patchword.text.replicas import cut, in_parallel
from patchword.text.search import SearchOptions, search

torch.set_num_threads(2)
sizes = {"image_size": (64, 64), "patch_size": 8, "d_model": 192, "num_heads": 3, "num_layers": 2, "d_ff": 400}
images = torch.randn(16, 3, 64, 64)
vision = VisionTransformer(VisionTransformerConfig.parse({"num_classes": 5, **sizes}, "test"))
text = Network(Transformer(TransformerConfig.named("tiny", 500, 500)))
rows, options = [[5, 6, 7, 8, 9, 3]] * 20, SearchOptions(max_extra=2)
networks = [Network(vision), Network(vision, reference=True)]

@torch.inference_mode()
def compute():
    decode = lambda batch: search(text.fast, pad(rows[batch], 0), options)
    found = list(in_parallel(decode, cut([6] * 20, options), torch.device("cpu")))
    return [h[0].tokens for batch in found for h in batch], [network.fast(images).numpy() for network in networks]

def child(queue):
    queue.put((torch.get_num_threads(), compute()))

before = compute()
context = multiprocessing.get_context("fork")
queue = context.Queue()
process = context.Process(target=child, args=(queue,), daemon=True)
process.start()
threads, (tokens, logits) = queue.get(timeout=60)
process.join()
close = [bool((abs(a - b) < 1e-4).all()) for a, b in zip(before[1], logits)]
print(threads, tokens == before[0], close)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("kernels", ["", "none"])
def test_a_child_that_was_forked_after_use_computes_with_one_thread(kernels: str) -> None:
    environment = {**os.environ, "PATCHWORD_KERNELS": kernels}
    program = [sys.executable, "-c", FORKS]
    found = subprocess.run(program, env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout == "1 True [True, True]\n"
