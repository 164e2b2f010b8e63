"""Claim 3: on very short sequences the RNN is the better choice."""

from collections.abc import Callable
from statistics import mean

import numpy as np

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged
from patchword.compare.networks import parameters
from patchword.compare.plots import Plot, by_number
from patchword.compare.results import Results
from patchword.compare.sides import TEXT, text_side
from patchword.compare.statistics import Interval, interval
from patchword.compare.tasks.transformations import transformation
from patchword.compare.training import Budget, measured, train
from patchword.compare.words import Text

LENGTHS = {"quick": ("2", "4", "8", "16"), "full": ("2", "3", "4", "6", "8", "12", "16")}
PARTS = 8  # of a training, after each of which it is measured
MARGIN = 0.005  # of token accuracy


class Short(Claim):
    """Reversing a few symbols: quality at equal parameters, after as many steps and after as much time."""

    number = "3"
    slug = "short"
    title = Text("Very short sequences favour the RNN", "极短序列更适合 RNN")
    said = Text(
        "Where sequences are very short, nothing is far and there is little to parallelize, so a recurrent network "
        "does as well or better and costs less.",
        "序列很短时没有远距离，也没什么可并行，循环网络的效果相当或更好，而且更便宜。",
    )
    source = Text(
        "The notes on RNN and Transformer; against Vaswani et al. 2017, section 4, who expect self-attention to be "
        "the faster one while sequences are shorter than the width",
        "关于 RNN 与 Transformer 的笔记；与 Vaswani 等 2017 第 4 节相反，后者认为序列短于宽度时自注意力更快",
    )
    varied = Text("Network, and the number of symbols, 2 to 16.", "网络，以及符号数（2 到 16）。")
    equal = Text(
        "Parameters within 5 %, data, steps, order of the batches; then time instead of steps.",
        "参数量（5 % 以内）、数据、步数、批次顺序；然后以时间代替步数。",
    )
    controls = (
        Text(
            "Both sides are tuned, at each length; the rate is constant, so that every part of a training counts.",
            "两边在每个长度上都调学习率；学习率恒定，因此训练的每一段都算数。",
        ),
        Text(
            "At equal time the slower side's whole training is compared with as much of the other's time, from the "
            "measurements after each eighth.",
            "等时间比较：以较短一方的总时间为准，由每八分之一后的测量插值。",
        ),
    )
    supports = Text(
        "Over all lengths the RNN's mean accuracy is higher by more than half a point, after equal steps and after "
        "equal time: both 95 % intervals of the paired difference are above that.",
        "在所有长度上平均，RNN 的准确率在等步数和等时间下都高出半个百分点以上：配对差的两个 95 % 区间都在其上。",
    )
    contradicts = Text(
        "It is not half a point higher either way: both intervals are below that.",
        "两种比法都没有高出半个百分点：两个区间都在其下。",
    )
    minutes = Minutes(3, 90)
    rates = (2e-3, 6e-3)

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each side, length and seed."""
        lengths, seeds = LENGTHS[setup.scale], setup.seeds(5 if setup.full else 3)
        return [Cell((side, length), seed) for side in TEXT for length in lengths for seed in seeds]

    def run(self, cell: Cell, work: Work) -> Figures:
        """One network at one length; `part1` to `part8` are validation accuracies after each eighth of the steps."""
        full, length = work.setup.full, int(cell.settings[1])
        task = transformation(
            "reverse", work.generator(), lengths=(length, length), train=8000 if full else 1000, held_out=500
        )
        model = text_side(cell.settings[0], task.vocabulary, 64 if full else 32, 2 if full else 1)()
        steps = 2000 if full else 240
        history = train(model, task, Budget(steps, schedule="constant", measure_every=steps // PARTS), work)
        parts = {f"part{n}": 0.0 for n in range(1, PARTS + 1)}
        parts |= {f"part{step * PARTS // steps}": each["accuracy"] for step, each in history.measured.items()}
        found = {"validation": parts[f"part{PARTS}"], "test": measured(model, task)["accuracy"]}
        return {**found, "seconds_steps": history.seconds, **parts, "parameters": parameters(model)}

    def verdict(self, results: Results) -> Verdict:
        """By the mean difference over the lengths, both ways."""
        steps = _ahead(results, lambda side, n, _: results.values("test", side, n))
        equal = _ahead(results, lambda side, n, other: _at_equal_time(results, side, n, other))
        costs = ", ".join(
            f"{n}: {results.ratio('seconds_steps', ('rnn', n), ('transformer', n)).mean:.2f}"
            for n in results.numbers("rnn")
        )
        why = Text(
            f"The RNN's accuracy is higher by {steps.times(100)} points after equal steps and by {equal.times(100)} "
            f"after equal time. Its time as a multiple of the Transformer's, by length: {costs}.",
            f"等步数时 RNN 的准确率高 {steps.times(100)} 个百分点，等时间时高 {equal.times(100)}。"
            f"其时间与 Transformer 之比（按长度）：{costs}。",
        )
        needs = Text("More seeds; a task that separates the two.", "更多种子；能区分两者的任务。")
        return judged([steps.side(MARGIN), equal.side(MARGIN)], why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Accuracy and time by length."""
        symbols, right, time = Text("symbols", "符号数"), Text("share right", "正确比例"), Text("seconds", "秒")
        title, cost = Text("Next token, after equal steps", "等步数后的下一个词元"), Text("A training", "一次训练")
        return [
            by_number(results, "test", TEXT, title, symbols, right),
            by_number(results, "seconds_steps", TEXT, cost, symbols, time),
        ]


def _ahead(results: Results, values: Callable[[str, str, str], list[float]]) -> Interval:
    """By how much the RNN is ahead, over the lengths, paired by seed."""
    gains = []
    for length in results.numbers("rnn"):
        rnn, other = values("rnn", length, "transformer"), values("transformer", length, "rnn")
        gains.append([a - b for a, b in zip(rnn, other, strict=True)])
    return interval([mean(seed) for seed in zip(*gains, strict=True)])


def _at_equal_time(results: Results, side: str, length: str, other: str) -> list[float]:
    """One side's accuracy on validation data when the side that ends first has ended, by seed."""
    found = []
    own, others = (results.values("seconds_steps", each, length) for each in (side, other))
    curves = zip(*(results.values(f"part{n}", side, length) for n in range(1, PARTS + 1)), strict=True)
    for seconds, limit, curve in zip(own, others, curves, strict=True):
        place = PARTS * min(1.0, limit / seconds)
        found.append(float(np.interp(place, range(PARTS + 1), [0.0, *curve])))
    return found


CLAIM = Short()
