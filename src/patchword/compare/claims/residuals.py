"""Claim 7: residual connections and layer norm matter."""

from collections.abc import Mapping
from typing import Literal

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.results import Results
from patchword.compare.sides import transformer
from patchword.compare.statistics import Interval
from patchword.compare.tasks.transformations import transformation
from patchword.compare.training import Budget, figures, train
from patchword.compare.words import Text
from patchword.models.ablation import without

# What is taken away, by setting.
TAKEN: Mapping[str, tuple[Literal["residual", "norm"], ...]] = {
    "both": (),
    "no-residual": ("residual",),
    "no-norm": ("norm",),
    "neither": ("residual", "norm"),
}
NAMES = {
    "both": Text("both", "两者都有"),
    "no-residual": Text("no residual connection", "无残差连接"),
    "no-norm": Text("no layer norm", "无层归一化"),
    "neither": Text("neither", "两者都无"),
}
LAYERS = {"quick": ("1", "6"), "full": ("1", "6", "12")}
MARGIN = 0.1  # of token accuracy


class Residuals(Claim):
    """A Pre-LN Transformer at several depths with residual connections, layer norms or both taken away."""

    number = "7"
    slug = "residuals"
    title = Text("Residual connections and layer norm matter", "残差连接和层归一化不可缺少")
    said = Text(
        "A residual connection around each sublayer and layer normalization are what lets a deep stack be trained: "
        "without the first, attention loses rank with depth; without the second, activations and gradients drift.",
        "每个子层的残差连接和层归一化使深层堆叠得以训练：没有前者，注意力随深度丧失秩；没有后者，激活和梯度会漂移。",
    )
    source = Text(
        "Vaswani et al. 2017, section 3.1; He et al. 2016; Ba et al. 2016; Dong et al. 2021",
        "Vaswani 等 2017，3.1 节；He 等 2016；Ba 等 2016；Dong 等 2021",
    )
    varied = Text("What is taken away, and layers of each side.", "去掉什么，以及每侧的层数。")
    equal = Text(
        "Width, first weights, data, steps, order of the batches; parameters but for the norms' own, 3 % at most.",
        "宽度、初始权重、数据、步数、批次顺序；除归一化自身的参数（至多 3 %）外参数量相同。",
    )
    controls = (
        Text(
            "The rate is swept for each variant and depth, over a factor of 25, as networks without norms want less.",
            "学习率对每种变体和深度分别扫描，跨 25 倍：没有归一化的网络需要较小的学习率。",
        ),
        Text(
            "Rates warm up and gradients are clipped for all, so that none fails for want of that.",
            "所有变体都预热学习率并裁剪梯度，以免因缺少这些而失败。",
        ),
        Text(
            "One layer is reported beside: what is lost there is not depth's doing. A training whose loss is no number "
            "ends there and is scored as it was.",
            "并列给出一层的结果：在那里的损失与深度无关。损失不是数时训练即止，按当时的权重计分。",
        ),
    )
    supports = Text(
        "At the greatest depth, taking away the residual connections costs more than 10 points of token accuracy, and "
        "so does taking away the norms: both 95 % intervals of the paired differences are above that.",
        "在最大深度，去掉残差连接损失 10 个百分点以上的词元准确率，去掉归一化也是：配对差的两个 95 % 区间都在其上。",
    )
    contradicts = Text(
        "Neither costs 10 points: both intervals are below that.", "两者都不到 10 个百分点：两个区间都在其下。"
    )
    minutes = Minutes(4, 300)
    rates = (3e-4, 1.5e-3, 7.5e-3)
    edition = 2

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each variant, depth and seed."""
        settings = [(taken, layers) for taken in TAKEN for layers in LAYERS[setup.scale]]
        return [Cell(each, seed) for each in settings for seed in setup.seeds()]

    def run(self, cell: Cell, work: Work) -> Figures:
        """One training on reversing symbols."""
        full, (taken, layers) = work.setup.full, cell.settings
        task = transformation(
            "reverse", work.generator(), lengths=(4, 20) if full else (3, 7), train=20_000 if full else 3000
        )
        model = transformer(task.vocabulary, 64 if full else 32, int(layers))
        for part in TAKEN[taken]:
            model = without(model, part)
        history = train(model, task, Budget(3000 if full else 150), work)
        return figures(model, task, history)

    def verdict(self, results: Results) -> Verdict:
        """By what is lost at the greatest depth."""
        layers = results.settings(1)
        lost = {taken: {n: _lost(results, taken, n) for n in layers} for taken in TAKEN if TAKEN[taken]}
        whole = ", ".join(f"{n}: {100 * results.mean('test', 'both', n).mean:.1f} %" for n in layers)
        told = [
            "; ".join(
                f"{NAMES[taken][language]} ({', '.join(f'{n}: {gain.times(100)}' for n, gain in by_depth.items())})"
                for taken, by_depth in lost.items()
            )
            for language in (0, 1)
        ]
        why = Text(
            f"Of the whole network's token accuracy (layers: {whole}) these points are lost (by layers): {told[0]}.",
            f"完整网络的词元准确率（层数：{whole}）损失的百分点（层数：百分点）：{told[1]}。",
        )
        needs = Text("More seeds, greater depths, longer training.", "更多种子、更深、更久。")
        return judged([lost[taken][layers[-1]].side(MARGIN) for taken in ("no-residual", "no-norm")], why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Accuracy by depth."""
        series = [
            Series(name, [Point.of(float(n), results.mean("test", taken, n)) for n in results.settings(1)])
            for taken, name in NAMES.items()
        ]
        title = Text("Next token, by layers of each side", "下一个词元，按每侧层数")
        return [Plot(title, Text("layers", "层数"), Text("share right", "正确比例"), series)]


def _lost(results: Results, taken: str, layers: str) -> Interval:
    return results.difference("test", ("both", layers), (taken, layers))


CLAIM = Residuals()
