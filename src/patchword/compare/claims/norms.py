"""Claim 6: Pre-LN trains where Post-LN fails."""

from torch import nn

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work
from patchword.compare.plots import Plot, Point, Series, numbered
from patchword.compare.results import Results
from patchword.compare.sides import transformer
from patchword.compare.tasks.pairs import Translation
from patchword.compare.tasks.transformations import transformation
from patchword.compare.training import Budget, figures, train
from patchword.compare.words import Text
from patchword.models.contracts import SequenceToSequence

NORMS = {"pre": Text("Pre-LN", "Pre-LN"), "post": Text("Post-LN", "Post-LN")}
LAYERS = {"quick": ("2", "8"), "full": ("2", "6", "12", "18")}
WARMUPS = {"quick": ("0", "50"), "full": ("0", "400", "4000")}
MARGIN = 0.1  # of token accuracy


class Norms(Claim):
    """Both orders at several depths and warm-ups, each at the best of a grid of rates, without clipping."""

    number = "6"
    slug = "norms"
    title = Text("Pre-LN trains where Post-LN fails", "Pre-LN 能训练而 Post-LN 失败之处")
    said = Text(
        "With layer norm after the sum, gradients near the output are large at the start, so deep networks need a "
        "warm-up or do not train; with the norm inside the branch they are well-behaved.",
        "层归一化放在求和之后，初始时输出附近的梯度很大，深层网络需要预热，否则训练不了；放在分支内则梯度良好。",
    )
    source = Text(
        "Xiong et al. 2020, sections 1 and 3; Wang et al. 2019; ViT (Dosovitskiy et al. 2021, 3.1) is Pre-LN",
        "Xiong 等 2020，第 1、3 节；Wang 等 2019；ViT（Dosovitskiy 等 2021，3.1 节）采用 Pre-LN",
    )
    varied = Text("The norm's place, layers of each side, steps of warm-up.", "归一化的位置、每侧层数、预热步数。")
    equal = Text(
        "Width, data, steps, order of the batches; parameters but for Pre-LN's last norms.",
        "宽度、数据、步数、批次顺序；参数量除 Pre-LN 末尾的归一化外相同。",
    )
    controls = (
        Text(
            "The rate is swept for each norm, depth and warm-up; gradients are not clipped, which would help one side.",
            "学习率对每种位置、深度和预热分别扫描；不裁剪梯度，以免偏袒一方。",
        ),
        Text(
            "Shallow Post-LN may well win: both ends of the depths are reported, and count against.",
            "浅层时 Post-LN 也许更好：两端的深度都报告，并计为反对。",
        ),
        Text(
            "A training whose loss is no number ends there and is scored as it was.",
            "损失不是数时训练即止，按当时的权重计分。",
        ),
    )
    supports = Text(
        "At some depth and warm-up Pre-LN's token accuracy is more than 10 points higher, by the 95 % interval of the "
        "paired difference, and nowhere is it more than 10 points lower.",
        "在某个深度和预热下，按配对差的 95 % 区间，Pre-LN 的词元准确率高 10 个百分点以上，且无处低 10 个百分点以上。",
    )
    contradicts = Text("Nowhere is it 10 points higher: all intervals are below.", "无处高 10 个百分点：区间都在其下。")
    minutes = Minutes(8, 900)
    rates = (1e-3, 3e-3)
    edition = 2

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each norm, depth, warm-up and seed."""
        settings = [(n, layers, w) for n in NORMS for layers in LAYERS[setup.scale] for w in WARMUPS[setup.scale]]
        return [Cell(each, seed) for each in settings for seed in setup.seeds()]

    def run(self, cell: Cell, work: Work) -> Figures:
        """One training; `gradient1` on are norms at the start, by distance from the output."""
        full, (norm, layers, warmup) = work.setup.full, cell.settings
        task = transformation(
            "reverse", work.generator(), lengths=(4, 20) if full else (3, 7), train=20_000 if full else 3000
        )
        model = transformer(task.vocabulary, 128 if full else 32, int(layers), norm_first=norm == "pre")
        gradients = _gradients(model, task, work)
        budget = Budget(8000 if full else 180, batch=64 if full else 32, warmup=int(warmup), clip=None)
        history = train(model, task, budget, work)
        return {**figures(model, task, history), **gradients}

    def verdict(self, results: Results) -> Verdict:
        """By the difference at each depth and warm-up."""
        pairs = [cell.settings[1:] for cell in results.figures if cell.settings[0] == "pre"]
        ahead = {pair: results.difference("test", ("pre", *pair), ("post", *pair)) for pair in dict.fromkeys(pairs)}
        told = "; ".join(f"{layers}, {warmup}: {gain.times(100)}" for (layers, warmup), gain in ahead.items())
        why = Text(
            f"Pre-LN's token accuracy is higher by these points (layers, warm-up: points): {told}.",
            f"Pre-LN 的词元准确率高出的百分点（层数, 预热: 百分点）：{told}。",
        )
        above = any(gain.side(MARGIN) == 1 for gain in ahead.values())
        below = any(gain.side(-MARGIN) == -1 for gain in ahead.values())
        if above and not below:
            return Verdict("supported", why)
        if all(gain.side(MARGIN) == -1 for gain in ahead.values()):
            return Verdict("contradicted", why)
        return Verdict("undecided", why, Text("More seeds, greater depths, longer training.", "更多种子、更深、更久。"))

    def plots(self, results: Results) -> list[Plot]:
        """Accuracy by depth and warm-up; gradients at the start of the deepest."""
        layers, warmups = results.settings(1), results.settings(2)
        lines = [(norm, warmup) for norm in NORMS for warmup in warmups]
        series = [
            Series(
                NORMS[n] + Text(f", warm-up {w}", f"，预热 {w}"),
                [Point.of(float(d), results.mean("test", n, d, w)) for d in layers],
            )
            for n, w in lines
        ]
        depths = [
            Series(name, numbered(results, "gradient", norm, layers[-1], warmups[0])) for norm, name in NORMS.items()
        ]
        right, title = Text("share right", "正确比例"), Text("Next token, by layers of each side", "按每侧层数")
        start = Text(f"Gradient at the start, {layers[-1]} layers a side", f"初始梯度，每侧 {layers[-1]} 层")
        return [
            Plot(title, Text("layers", "层数"), right, series),
            Plot(start, Text("layers from the output", "距输出的层数"), Text("norm", "范数"), depths, log_y=True),
        ]


def _gradients(model: SequenceToSequence, task: Translation, work: Work) -> dict[str, float]:
    """Root mean square of the gradient of one batch, by distance from the output; the model's are cleared again."""
    batch = next(iter(task.batches(64, 1, work.generator("start"))))
    task.loss(model.to(work.setup.device), tuple(each.to(work.setup.device) for each in batch)).backward()
    found: dict[int, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        found.setdefault(model.depth(name), []).append(parameter)
    deepest = max(found)
    norms = {
        f"gradient{depth}": sum(float(p.grad.square().sum()) for p in found[depth] if p.grad is not None)
        / sum(p.numel() for p in found[depth])
        for depth in sorted(found)
        if 0 < depth < deepest
    }
    model.zero_grad(set_to_none=True)
    return {name: square**0.5 for name, square in norms.items()}


CLAIM = Norms()
