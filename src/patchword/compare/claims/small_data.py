"""Claim 9: on little data the ViT overfits, and the CNN does better."""

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.results import Results
from patchword.compare.sides import IMAGES, image_side
from patchword.compare.tasks.images import cifar10, digits
from patchword.compare.training import Budget, figures, measured, train
from patchword.compare.words import Text

SHARES = {"quick": ("5%", "20%", "100%"), "full": ("1%", "5%", "25%", "100%")}
MARGIN = 0.02  # of accuracy
LEARNED = 0.95  # of the training images right: less is underfitting


class SmallData(Claim):
    """Both from nothing on shares of the training images, to saturation: training and test accuracy, and the gap."""

    number = "9"
    slug = "small_data"
    title = Text("On small data the ViT overfits, the CNN does better", "小数据上 ViT 过拟合，CNN 更好")
    said = Text(
        "A ViT has much less image-specific inductive bias than a CNN, so on little data it overfits and generalizes "
        "worse; trained on more, it catches up.",
        "ViT 的图像归纳偏置远少于 CNN，数据少时会过拟合、泛化更差；数据多时才赶上。",
    )
    source = Text(
        "Dosovitskiy et al. 2021, sections 1, 3.1, 4.3, figure 4", "Dosovitskiy 等 2021，1、3.1、4.3 节，图 4"
    )
    varied = Text("Network, and the share of the training images.", "网络，以及训练图像的比例。")
    equal = Text(
        "Parameters within 5 %, images, steps (the same at every share), order of the batches, no augmentation.",
        "参数量（5 % 以内）、图像、步数（各比例相同）、批次顺序，无增强。",
    )
    controls = (
        Text(
            "Low training accuracy is underfitting, not overfitting: training accuracy, test accuracy and the gap are "
            f"all reported, and the ViT must reach {LEARNED:.0%} in training for the claim to be supported.",
            f"训练准确率低是欠拟合而非过拟合：训练、测试准确率与差距都报告；ViT 训练须达 {LEARNED:.0%} 才算支持。",
        ),
        Text("The rate is tuned for each network at each share.", "学习率对每个网络、每个比例单独调。"),
    )
    supports = Text(
        "On the smallest share the CNN's test accuracy is more than 2 points higher (95 % interval of the paired "
        f"difference), the ViT has learned {LEARNED:.0%} of its training images, and its gap is the larger one.",
        f"在最小比例上 CNN 的测试准确率高 2 个百分点以上（配对差的 95 % 区间），ViT 学会了 {LEARNED:.0%} 的训练图像，"
        "且其差距更大。",
    )
    contradicts = Text(
        "On the smallest share the CNN is not 2 points better: the interval is below, or its gap is the larger one.",
        "在最小比例上 CNN 没有好 2 个百分点：区间在其下，或 CNN 的差距更大。",
    )
    minutes = Minutes(3, 380)
    rates = (1e-3, 4e-3)
    corpora = ("cifar10",)

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each network, share and seed."""
        shares = SHARES[setup.scale]
        return [Cell((side, share), seed) for side in IMAGES for share in shares for seed in setup.seeds()]

    def run(self, cell: Cell, work: Work) -> Figures:
        """Digits, or CIFAR-10 where it is."""
        side, share, full = cell.settings[0], float(cell.settings[1].rstrip("%")) / 100, work.setup.full
        folder = work.setup.corpus("cifar10")
        whole = 1078 if folder is None else 48_000 if full else 4000
        count = round(share * whole)
        if folder is None:
            task, size, channels, patch = digits(work.generator(), count), 8, 1, 2
        else:
            task, size, channels, patch = cifar10(folder, work.generator(), count), 32, 3, 4
        width, layers = (64, 4) if full else (32, 3)
        model = image_side(side, task.count, size, channels, patch=patch, width=width, layers=layers)()
        steps = 3000 if full else 400
        history = train(model, task, Budget(steps, batch=64 if full else 32), work)
        learned = measured(model, task, "train")["accuracy"]
        found = figures(model, task, history)
        return {**found, "train": learned, "gap": learned - found["test"]}

    def verdict(self, results: Results) -> Verdict:
        """By the smallest share."""
        shares = results.numbers("vit")
        ahead = {n: results.difference("test", ("cnn", n), ("vit", n)) for n in shares}
        gaps = results.difference("gap", ("vit", shares[0]), ("cnn", shares[0]))
        learned = results.mean("train", "vit", shares[0]).mean
        others = ", ".join(f"{n}: {ahead[n].times(100)}" for n in shares[1:])
        why = Text(
            f"On {shares[0]} of the images the CNN is {ahead[shares[0]].times(100)} points better; the ViT has learned "
            f"{100 * learned:.1f} % of them and its gap is larger by {gaps.times(100)}. With more: {others}.",
            f"使用 {shares[0]} 的图像时 CNN 高 {ahead[shares[0]].times(100)} 个百分点；ViT 学会了其中 "
            f"{100 * learned:.1f} %，差距比 CNN 大 {gaps.times(100)}。更多图像时：{others}。",
        )
        side = ahead[shares[0]].side(MARGIN)
        if side == 1 and learned >= LEARNED and gaps.side() == 1:
            return Verdict("supported", why)
        if side == -1 or gaps.side() == -1:
            return Verdict("contradicted", why)
        needs = Text(
            "More seeds; more steps where the ViT has not learned its training images.",
            "更多种子；ViT 未学会训练图像时需更多步数。",
        )
        return Verdict("undecided", why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Training and test accuracy by share."""
        names = {"train": Text("training", "训练"), "test": Text("test", "测试")}
        series = [
            Series(
                name + Text(f"({kind.en})", f"（{kind.zh}）"),
                [Point.of(float(n.rstrip("%")), results.mean(figure, side, n)) for n in results.numbers(side)],
            )
            for side, name in IMAGES.items()
            for figure, kind in names.items()
        ]
        title, x = Text("Accuracy by share of the images", "准确率与图像比例"), Text("% of the images", "图像的 %")
        return [Plot(title, x, Text("share right", "正确比例"), series, log_x=True)]


CLAIM = SmallData()
