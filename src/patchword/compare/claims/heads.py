"""Claim 8: several heads beat one."""

import torch

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work
from patchword.compare.networks import network
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.results import Results
from patchword.compare.tasks.pairs import exact
from patchword.compare.tasks.phrases import phrases
from patchword.compare.tasks.transformations import transformation
from patchword.compare.training import Budget, figures, train
from patchword.compare.words import Text

HEADS = ("1", "2", "4", "8")
MARGIN = 0.005  # of accuracy: less would not be worth a choice


class Heads(Claim):
    """Table 3 (A) of the paper, small: the number of heads varies and the width does not."""

    number = "8"
    slug = "heads"
    title = Text("Several heads beat one", "多个注意力头胜过一个")
    said = Text(
        "Multi-head attention lets the model look at different positions in different ways at once; with a single "
        "head, averaging inhibits this.",
        "多头注意力让模型同时以不同方式关注不同位置；只有一个头时，取平均会妨碍这一点。",
    )
    source = Text(
        "Vaswani et al. 2017, sections 3.2.2 and 6.2, table 3 (A)", "Vaswani 等 2017，3.2.2 节、6.2 节、表 3 (A)"
    )
    varied = Text("1, 2, 4 or 8 heads.", "1、2、4 或 8 个头。")
    equal = Text(
        "Width, layers, parameters, operations, data, steps and order of the batches.",
        "宽度、层数、参数量、运算量、数据、步数和批次顺序。",
    )
    controls = (
        Text(
            "All heads together are as wide as one alone, so nothing but their number differs.",
            "所有头合起来与单头同宽，除头数外没有差别。",
        ),
        Text(
            "Accuracy of the next token and of whole sequences are both shown.",
            "同时给出下一个词元和整个序列的准确率。",
        ),
    )
    supports = Text(
        "The best of 2, 4 and 8 heads on validation data has a higher token accuracy than one head, by more than half "
        "a point, with a 95 % interval of the paired difference above that.",
        "2、4、8 个头中验证数据上最好的，其词元准确率比单头高出半个百分点以上，且配对差的 95 % 区间全在其上。",
    )
    contradicts = Text(
        "Even the best of them is not half a point better: the whole interval lies below that.",
        "即使最好的也没有高出半个百分点：整个区间都在其下。",
    )
    minutes = Minutes(5, 90)
    rates = (1e-3, 2e-3, 4e-3)

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each number of heads and seed."""
        return [Cell((heads,), seed) for heads in HEADS for seed in setup.seeds(5 if setup.full else 3)]

    def run(self, cell: Cell, work: Work) -> Figures:
        """A Transformer that reverses symbols or, at full size, translates CLDR's phrases."""
        full = work.setup.full
        task = (
            phrases(work.seed, train=16_000, held_out=1000)
            if full
            else transformation("reverse", work.generator(), lengths=(6, 14))
        )
        width, layers = (128, 2) if full else (64, 2)
        model = network(
            "transformer",
            source_vocab_size=task.vocabulary,
            target_vocab_size=task.vocabulary,
            d_model=width,
            num_heads=int(cell.settings[0]),
            encoder_layers=layers,
            decoder_layers=layers,
            d_ff=2 * width,
            norm_first=True,
            dropout=0.1,
        )
        history = train(model, task, Budget(steps=1500 if full else 300), work)
        with torch.inference_mode():
            return {**figures(model, task, history), "exact": exact(model, task.test)}

    def verdict(self, results: Results) -> Verdict:
        """By the paired difference of the best number of heads and one."""
        best = max(HEADS[1:], key=lambda heads: results.mean("validation", heads).mean)
        gain = results.difference("test", (best,), (HEADS[0],))
        why = Text(
            f"{best} heads do best; their token accuracy is higher than one head's by {gain.times(100)} points.",
            f"{best} 个头最好；其词元准确率比单头高 {gain.times(100)} 个百分点。",
        )
        if gain.side(MARGIN):
            return Verdict("supported" if gain.side(MARGIN) > 0 else "contradicted", why)
        needs = Text(
            "More seeds, until the interval is narrower than half a point.", "更多种子，直到区间窄于半个百分点。"
        )
        return Verdict("undecided", why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Accuracy by number of heads."""
        names = {"test": Text("next token", "下一个词元"), "exact": Text("whole sequence", "整个序列")}
        series = [
            Series(name, [Point.of(heads, results.mean(figure, heads)) for heads in HEADS])
            for figure, name in names.items()
        ]
        title = Text("Held-out sequences, by number of heads", "未见序列上的准确率与头数")
        return [Plot(title, Text("heads", "头数"), Text("share right", "正确比例"), series, kind="bars")]


CLAIM = Heads()
