"""Claim 12: the CNN is translation-invariant, the ViT is not."""

import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged_all
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.results import Results
from patchword.compare.sides import IMAGES, image_side
from patchword.compare.statistics import Interval, interval
from patchword.compare.tasks.images import cifar10, digits
from patchword.compare.tasks.windows import SEEN, SHIFTS, apart, middle, on_canvases, shuffled
from patchword.compare.training import Budget, figures, train
from patchword.compare.words import Text
from patchword.models.contracts import ImageModel

PATCH = 4
INVARIANT, MARGIN = 0.95, 0.02  # shares of predictions that stay


class Shifts(Claim):
    """Trained on the middle of larger canvases, tested on pairs of windows that lie 1 to 8 pixels apart."""

    number = "12"
    slug = "shifts"
    title = Text("The CNN is translation-invariant, the ViT is not", "CNN 具有平移不变性，ViT 没有")
    said = Text(
        "Translation equivariance is baked into each layer of a CNN; in a ViT only the MLP layers are local and "
        "translationally equivariant, and the positions are learned.",
        "平移等变性内建于 CNN 的每一层；ViT 只有 MLP 层是局部且平移等变的，位置靠学习。",
    )
    source = Text(
        "Dosovitskiy et al. 2021, section 3.1; against it Zhang 2019, Azulay & Weiss 2019",
        "Dosovitskiy 等 2021，3.1 节；反对者：Zhang 2019，Azulay 与 Weiss 2019",
    )
    varied = Text("Network, and the pixels between two windows.", "网络，以及两个窗口相距的像素。")
    equal = Text(
        "Parameters within 5 %, images, steps, order of the batches.", "参数量（5 % 以内）、图像、步数、批次顺序。"
    )
    controls = (
        Text("No shifts in training, on either side.", "两边训练时都没有平移增强。"),
        Text(
            "Real shifts: both windows are cut from a larger canvas, equally far from its middle, so nothing is "
            "filled in or wrapped around.",
            "真实平移：两个窗口从更大的画布切出，离中心同样远，没有填充或环绕。",
        ),
        Text(
            "Multiples of the patch are reported apart. CNNs with strides are not invariant either, so the rule asks "
            "for more than being better.",
            "图块整数倍的平移单独报告。带步幅的 CNN 也并非不变，因此规则不只要求更好。",
        ),
        Text("Shuffled patches show who uses their order.", "打乱图块可看出谁利用其顺序。"),
    )
    supports = Text(
        "Over shifts of 1 to 8 pixels the CNN keeps more than 95 % of its predictions, and more than 2 points more "
        "than the ViT: both 95 % intervals are above.",
        "在 1 到 8 像素的平移上，CNN 保持 95 % 以上的预测，且比 ViT 多 2 个百分点以上：两个 95 % 区间都在其上。",
    )
    contradicts = Text("One of the two intervals is below.", "两个区间之一在其下。")
    minutes = Minutes(2, 60)
    rates = (1e-3, 4e-3)
    corpora = ("cifar10",)

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each network and seed."""
        return [Cell((side,), seed) for side in IMAGES for seed in setup.seeds(5 if setup.full else 3)]

    def run(self, cell: Cell, work: Work) -> Figures:
        """Shares of predictions that stay, `same1` to `same8`, and cosines of features, `cosine1` to `cosine8`."""
        full, folder = work.setup.full, work.setup.corpus("cifar10")
        task = on_canvases(digits(work.generator())) if folder is None else cifar10(folder, work.generator(), 48_000)
        seen = middle(task)
        width, layers = (64, 4) if full else (32, 3)
        make = image_side(
            cell.settings[0], 10, SEEN, seen.train.inputs.size(1), patch=PATCH, width=width, layers=layers
        )
        model = make()
        history = train(model, seen, Budget(2500 if full else 250, batch=64 if full else 32), work)
        found = figures(model, seen, history)
        canvases = task.test.inputs[: 2000 if full else 300].to(work.setup.device)
        with torch.inference_mode():
            for shift in SHIFTS:
                found |= _stays(model, canvases, shift)
            inputs = shuffled(seen.test.inputs[: len(canvases)], PATCH, work.generator("patches"))
            right = model(inputs.to(work.setup.device)).argmax(1).cpu() == seen.test.classes[: len(canvases)]
        return {**found, "shuffled": float(right.double().mean())}

    def verdict(self, results: Results) -> Verdict:
        """By the mean over the shifts."""
        kept = {side: _mean(results, side) for side in IMAGES}
        pairs = zip(_means(results, "cnn"), _means(results, "vit"), strict=True)
        gain = interval([cnn - vit for cnn, vit in pairs])
        whole = [f"{100 * results.mean(f'same{PATCH}', side).mean:.1f}" for side in IMAGES]
        mixed = [f"{100 * results.mean('shuffled', side).mean:.0f}" for side in IMAGES]
        why = Text(
            f"The CNN keeps {kept['cnn'].times(100)} % of its predictions, the ViT {kept['vit'].times(100)} %. At a "
            f"shift of a whole patch the ViT keeps {whole[0]}, the CNN {whole[1]}. With shuffled patches the ViT is "
            f"right in {mixed[0]} %, the CNN in {mixed[1]} %.",
            f"CNN 保持 {kept['cnn'].times(100)} % 的预测，ViT {kept['vit'].times(100)} %。平移一整个图块时 ViT 保持 "
            f"{whole[0]}，CNN {whole[1]}。打乱图块后 ViT 正确 {mixed[0]} %，CNN {mixed[1]} %。",
        )
        needs = Text("More seeds and test images.", "更多种子和测试图像。")
        return judged_all((kept["cnn"].side(INVARIANT), gain.side(MARGIN)), why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Predictions that stay, by shift."""
        series = [
            Series(name, [Point.of(float(n), results.mean(f"same{n}", side)) for n in SHIFTS])
            for side, name in IMAGES.items()
        ]
        title, y = Text("Predictions that stay under a shift", "平移后不变的预测"), Text("share", "比例")
        return [Plot(title, Text("pixels", "像素"), y, series, levels=[(INVARIANT, Text("95 %", "95 %"))])]


def _stays(model: ImageModel, canvases: Tensor, shift: int) -> dict[str, float]:
    """Over both directions; the windows lie equally far from the middle."""
    same, cosine = [], []
    for one, other in apart(canvases, shift):
        same.append((model(one).argmax(1) == model(other).argmax(1)).double().mean())
        cosine.append(F.cosine_similarity(model.features(one), model.features(other)).double().mean())
    return {f"same{shift}": float(sum(same)) / 2, f"cosine{shift}": float(sum(cosine)) / 2}


def _means(results: Results, side: str) -> list[float]:
    """Over the shifts, by seed."""
    rows = zip(*(results.values(f"same{n}", side) for n in SHIFTS), strict=True)
    return [sum(row) / len(row) for row in rows]


def _mean(results: Results, side: str) -> Interval:
    return interval(_means(results, side))


CLAIM = Shifts()
