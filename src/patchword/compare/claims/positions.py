"""Claim 4: position encoding is needed."""

from typing import Any

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.results import Results
from patchword.compare.sides import transformer
from patchword.compare.tasks.grammar import agreement
from patchword.compare.tasks.permutation import permutation_error
from patchword.compare.tasks.phrases import phrases
from patchword.compare.tasks.transformations import transformation
from patchword.compare.training import Budget, measured, train
from patchword.compare.words import Text
from patchword.models.contracts import SequenceToSequence

# What the encoder has, and the decoder, by settings; one side at a time beside both.
KINDS: dict[tuple[str, ...], tuple[str, str]] = {
    ("sinusoidal", "both"): ("sinusoidal", "sinusoidal"),
    ("learned", "both"): ("learned", "learned"),
    ("none", "encoder"): ("none", "sinusoidal"),
    ("none", "decoder"): ("sinusoidal", "none"),
    ("none", "both"): ("none", "none"),
}
WITH, WITHOUT = ("sinusoidal", "both"), ("none", "both")
TASKS = {"reversing": Text("reversing", "反转"), "translation": Text("translating", "翻译")}
MARGIN = 0.05  # of token accuracy


class Positions(Claim):
    """Encoder and decoder lose their positions one at a time and together."""

    number = "4"
    slug = "positions"
    title = Text("Position encoding is needed", "位置编码不可缺少")
    said = Text(
        "Since the model contains no recurrence and no convolution, it must be given the order of the sequence by "
        "position encodings.",
        "模型既无循环也无卷积，必须用位置编码告诉它序列的顺序。",
    )
    source = Text("Vaswani et al. 2017, section 3.5 and table 3 (E)", "Vaswani 等 2017，3.5 节、表 3 (E)")
    varied = Text(
        "Sinusoidal, learned or no positions, in the encoder, the decoder, or both.",
        "正弦、可学习或没有位置编码；在编码器、解码器或两者中。",
    )
    equal = Text(
        "Width, layers, data, steps, order of the batches; parameters but for learned positions, 5 % at most.",
        "宽度、层数、数据、步数、批次顺序；参数量除可学习位置外相同（至多差 5 %）。",
    )
    controls = (
        Text(
            "Two tasks: reversing, and translating a small grammar (at full size CLDR's phrases).",
            "两个任务：只关乎顺序的符号反转，以及翻译小语法（完整规模时为 CLDR 短语）。",
        ),
        Text(
            "A causal decoder infers order from its mask, so each side loses positions alone too.",
            "因果解码器可由掩码推断顺序，因此两边也各自去掉位置编码。",
        ),
        Text(
            "The exact test: an encoder without positions gives permuted words permuted memories, to the rounding of "
            "64 bits; with positions it does not.",
            "精确检验：没有位置编码的编码器，输入词打乱则输出同样打乱（64 位舍入误差以内）；有位置编码则不然。",
        ),
    )
    supports = Text(
        "Without any positions the accuracy of the next token falls by more than 5 points in both tasks: the 95 % "
        "intervals of the paired differences are above that.",
        "没有任何位置编码时，两个任务的词元准确率都下降 5 个百分点以上：配对差的 95 % 区间都在其上。",
    )
    contradicts = Text(
        "It falls by less than 5 points in both tasks: the intervals are below that.",
        "两个任务都下降不到 5 个百分点：区间都在其下。",
    )
    minutes = Minutes(5, 100)
    rates = (2e-3, 4e-3)
    edition = 2

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each kind, side and seed."""
        return [Cell(kind, seed) for kind in KINDS for seed in setup.seeds()]

    def run(self, cell: Cell, work: Work) -> Figures:
        """Both tasks with one learning rate; `validation` is the mean of the two."""
        full = work.setup.full
        tasks = {
            "reversing": transformation("reverse", work.generator(), lengths=(4, 20) if full else (4, 9)),
            "translation": phrases(work.seed, train=16_000, held_out=1000)
            if full
            else agreement(work.generator("grammar"), distances=(2, 7), test_distance=5),
        }
        budget = Budget(steps=1200 if full else 190)
        found: dict[str, float] = {"validation": 0.0}
        for name, task in tasks.items():
            model = _network(cell, task.vocabulary, full)
            train(model, task, budget, work)
            found["validation"] += measured(model, task, "validation")["accuracy"] / len(tasks)
            found[name] = measured(model, task)["accuracy"]
            found[f"parameters_{name}"] = sum(p.numel() for p in model.parameters())
        return {**found, "permutation": permutation_error(model, work.generator("words"))}

    def verdict(self, results: Results) -> Verdict:
        """By what is lost without positions."""
        lost = {task: results.difference(task, WITH, WITHOUT) for task in TASKS}
        told, told_zh = ([f"{name[n]} {lost[task].times(100)}" for task, name in TASKS.items()] for n in (0, 1))
        alone = {side: _alone(results, side) for side in ("encoder", "decoder")}
        why = Text(
            f"Without positions, points of token accuracy are lost: {', '.join(told)}. Of the encoder's alone "
            f"{alone['encoder']}, of the decoder's alone {alone['decoder']}.",
            f"没有位置编码时损失的词元准确率（百分点）：{'，'.join(told_zh)}。"
            f"仅去掉编码器的：{alone['encoder']}；仅去掉解码器的：{alone['decoder']}。",
        )
        needs = Text("More seeds, or tasks that agree.", "更多种子，或结论一致的任务。")
        return judged([each.side(MARGIN) for each in lost.values()], why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Accuracy by what has positions."""
        series = [
            Series(name, [Point.of(_short(kind), results.mean(task, *kind)) for kind in KINDS])
            for task, name in TASKS.items()
        ]
        title = Text("Next token, by positions of the encoder + decoder", "按编码器 + 解码器的位置编码")
        return [Plot(title, Text("positions", "位置编码"), Text("share right", "正确比例"), series, kind="bars")]


def _network(cell: Cell, vocabulary: int, full: bool) -> SequenceToSequence:
    positions, decoder_positions = KINDS[cell.settings]
    width, layers = (128, 2) if full else (64, 2)
    fields: dict[str, Any] = {
        "positions": positions,
        "decoder_positions": decoder_positions,
        "max_positions": 64 if full else 24,
    }
    return transformer(vocabulary, width, layers, **fields)


def _alone(results: Results, side: str) -> str:
    return "; ".join(f"{100 * results.difference(task, WITH, ('none', side)).mean:.1f}" for task in TASKS)


def _short(kind: tuple[str, ...]) -> str:
    return " + ".join({"sinusoidal": "sin."}.get(each, each) for each in KINDS[kind])


CLAIM = Positions()
