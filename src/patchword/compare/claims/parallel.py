"""Claim 1: the Transformer trains in parallel, the RNN one position after the other."""

from functools import lru_cache

import torch

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work
from patchword.compare.counting import counted
from patchword.compare.measuring import all_cores, seconds
from patchword.compare.networks import parameters, without_numbers
from patchword.compare.plots import Plot, by_number
from patchword.compare.results import Results
from patchword.compare.sides import TEXT, reader_side
from patchword.compare.statistics import slope
from patchword.compare.training import training_step
from patchword.compare.words import Text

LENGTHS = {"quick": (16, 64, 256, 1024), "full": (16, 32, 64, 128, 256, 512, 1024)}
LONG = 256  # tokens, from which on it must be faster
FLAT, STEEP = 0.1, 0.9  # powers of the length with which a chain grows
VOCABULARY, CLASSES = 32, 8


class Parallel(Claim):
    """Training steps of two encoders, timed, and their longest chains of products, counted."""

    number = "1"
    slug = "parallel"
    title = Text("The Transformer trains in parallel, the RNN serially", "Transformer 可并行训练，RNN 只能串行")
    said = Text(
        "Recurrence computes position after position, which precludes parallelization within a sequence; "
        "self-attention needs a constant number of sequential operations, and so trains faster.",
        "循环网络逐位置计算，序列内部无法并行；自注意力只需常数个顺序操作，因此训练更快。",
    )
    source = Text("Vaswani et al. 2017, sections 1 and 4, table 1", "Vaswani 等 2017，第 1、4 节，表 1")
    varied = Text("Encoder, and the length of its input, 16 to 1,024 tokens.", "编码器，以及输入长度（16 到 1024）。")
    equal = Text(
        "Parameters within 5 %, layers, tokens, sequences in a batch, loss, optimizer, machine.",
        "参数量（5 % 以内）、层数、词元、每批序列数、损失、优化器和机器。",
    )
    controls = (
        Text(
            "The RNN runs in torch's fused LSTM kernels, never a token at a time from Python.",
            "RNN 使用 torch 融合的 LSTM 内核，绝不在 Python 里逐个词元计算。",
        ),
        Text(
            "A few cores hide most of what could be parallel, so the longest chain of products that wait for one "
            "another is counted beside the time. Each side's time is its better one of one core and of all of them.",
            "少数几个核心会掩盖大部分可并行之处，因此同时数出彼此等待的乘积的最长链。各方时间取单核与全部核心中较好者。",
        ),
        Text("Each time is the least of several rounds.", "每个时间取多轮中的最小值。"),
    )
    supports = Text(
        f"The chain does not grow with the length (power below {FLAT}) while the RNN's does (above {STEEP}), and at "
        f"every length from {LONG} tokens on the RNN's step takes longer: the 95 % interval of the ratio is above 1.",
        f"链长不随长度增长（幂低于 {FLAT}），而 RNN 的会（高于 {STEEP}）；并且从 {LONG} 个词元起，"
        "在每个长度上 RNN 的一步都更慢：比值的 95 % 区间在 1 以上。",
    )
    contradicts = Text(
        f"The chains grow alike, or the RNN's step is the faster one at every length from {LONG} tokens on.",
        f"两条链同样增长，或从 {LONG} 个词元起在每个长度上 RNN 的一步都更快。",
    )
    minutes = Minutes(2, 20)
    alone = True
    edition = 2

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each side, length and seed."""
        return [
            Cell((side, str(length)), seed)
            for side in TEXT
            for length in LENGTHS[setup.scale]
            for seed in setup.seeds()
        ]

    def run(self, cell: Cell, work: Work) -> Figures:
        """One side's training step at one length."""
        width, layers = (128, 2) if work.setup.full else (64, 2)
        make = reader_side(cell.settings[0], VOCABULARY, width, layers, CLASSES)
        length, batch = int(cell.settings[1]), 16 if work.setup.full else 8
        ids = torch.randint(4, VOCABULARY, (batch, length), generator=work.generator())
        classes = torch.randint(CLASSES, (batch,), generator=work.generator("classes"))
        reader = make()
        step = training_step(reader, ids, classes, torch.optim.AdamW(reader.parameters()))
        one = seconds(step)
        with all_cores() as cores:
            every = seconds(step) if cores > 1 else one
        size = parameters(reader.model, "encoder")
        return {
            "seconds": min(one, every),
            "seconds_one_core": one,
            "seconds_all_cores": every,
            "cores": cores,
            "chain": _chain(cell.settings[0], width, layers, length),
            "parameters": size,
        }

    def verdict(self, results: Results) -> Verdict:
        """By the chains' powers and the ratio of times."""
        lengths = results.settings(1)
        powers = {
            side: slope([float(n) for n in lengths], [results.mean("chain", side, n).mean for n in lengths])
            for side in TEXT
        }
        long = [n for n in lengths if int(n) >= LONG]
        ratios = {n: results.ratio("seconds", ("rnn", n), ("transformer", n)) for n in long}
        sides = {ratio.side(1.0) for ratio in ratios.values()}
        told = ", ".join(f"{n}: {ratio}" for n, ratio in ratios.items())
        why = Text(
            f"The chain grows with power {powers['transformer']:.2f} of the length, the RNN's with {powers['rnn']:.2f}."
            f" The RNN's step takes this many times as long, by length: {told}.",
            f"链长随长度的 {powers['transformer']:.2f} 次幂增长，RNN 为 {powers['rnn']:.2f}。"
            f"RNN 的一步所需时间的倍数（按长度）：{told}。",
        )
        apart = powers["transformer"] < FLAT and powers["rnn"] > STEEP
        if apart and sides == {1}:
            return Verdict("supported", why)
        if not apart or sides == {-1}:
            return Verdict("contradicted", why)
        needs = Text(
            "A machine with more cores, or an accelerator: the chain leaves room for it, this machine does not.",
            "需要更多核心或加速器：链长留有余地，但这台机器没有。",
        )
        return Verdict("undecided", why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Time and chain by length."""
        tokens, chain = Text("tokens", "词元数"), Text("The longest chain of dependent products", "最长的相依乘积链")
        log = {"log_x": True, "log_y": True}
        return [
            by_number(
                results, "seconds", TEXT, Text("A training step", "一个训练步"), tokens, Text("seconds", "秒"), **log
            ),
            by_number(results, "chain", TEXT, chain, tokens, Text("products", "乘积数"), **log),
        ]


# The same for every seed, and for a recurrence a long count.
@lru_cache
def _chain(side: str, width: int, layers: int, length: int) -> int:
    """Of one sequence's step, since sequences of a batch do not wait for one another."""
    meta = without_numbers(reader_side(side, VOCABULARY, width, layers, CLASSES))
    ids = torch.zeros((1, length), dtype=torch.long, device="meta")
    return counted(training_step(meta, ids, torch.zeros(1, dtype=torch.long, device="meta")), [ids]).chain


CLAIM = Parallel()
