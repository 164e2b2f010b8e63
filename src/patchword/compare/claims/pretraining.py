"""Claim 10: pre-training closes the gap between the ViT and the CNN."""

import re
from dataclasses import replace
from functools import lru_cache

from patchword.compare.beginnings import fine_tunable, pretrained, untrained
from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work
from patchword.compare.networks import parameters
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.probing import linear_probe, represented
from patchword.compare.results import Results
from patchword.compare.sides import IMAGES, image_side
from patchword.compare.statistics import interval, paired
from patchword.compare.tasks.other_classes import few
from patchword.compare.tasks.transfer import plan_for, transfer
from patchword.compare.training import Budget, Part, measured, train
from patchword.compare.words import Text
from patchword.models.contracts import ImageModel

STARTS = {"scratch": Text("from nothing", "从零"), "pretrained": Text("pre-trained", "预训练")}
PARTS: tuple[Part, ...] = ("train", "validation", "test")
MARGIN = 0.02  # of accuracy


class Pretraining(Claim):
    """Both fine-tuned on few images of four classes, from nothing and after training on the six others."""

    number, slug = "10", "pretraining"
    title = Text("Pre-training closes the gap", "预训练弥合差距")
    said = Text(
        "From nothing a ViT is behind a CNN of its size; large pre-training trumps inductive bias.",
        "从零训练时 ViT 不及同等规模的 CNN；大规模预训练胜过归纳偏置。",
    )
    source = Text("Dosovitskiy et al. 2021, sections 1, 4.2, 4.3, figures 3, 4", "Dosovitskiy 等 2021，1、4.2、4.3 节")
    varied = Text("Network; from nothing or pre-trained; images of each class.", "网络；从零或预训练；每类图像数。")
    equal = Text(
        "Parameters within 5 %; images, steps, order of the batches, in pre-training and fine-tuning; no augmentation. "
        "A network's two starts have the same first weights, and a new head of zeros.",
        "参数量（5 % 以内）；预训练与微调的图像、步数和批次顺序；无增强。网络的两种起点初始权重相同，新的头为零。",
    )
    controls = (
        Text("No image of the classes that are fine-tuned on is pre-trained on.", "微调的类别不出现在预训练中。"),
        Text(
            "Pre-training has an equal budget, and the best rate of the same grid on held-out images of its classes.",
            "预训练预算相同，学习率取自同一网格、按其类别的留出图像选最好的。",
        ),
        Text(
            "Linear probe of the frozen network as a second measure, of the untrained one too; training accuracy is "
            "kept, since low ones are underfitting. Each seed draws other classes.",
            "以冻结网络（含未训练的）的线性探测作第二种衡量；记录训练准确率，过低是欠拟合。每个种子抽取不同的类别。",
        ),
    )
    supports = Text(
        "The gap is the CNN's test accuracy less the ViT's, the mean over the numbers of images. From nothing it is "
        "above 2 points, and pre-training lessens it by more than 2 points: both 95 % intervals are above.",
        "差距为 CNN 的测试准确率减 ViT 的，对各图像数取平均。从零时大于 2 个百分点，且预训练使其缩小 2 个百分点以上："
        "两个 95 % 区间都在其上。",
    )
    contradicts = Text("The lessening's 95 % interval is below 2 points.", "缩小量的 95 % 区间低于 2 个百分点。")
    minutes = Minutes(5, 130)
    rates = (1e-3, 4e-3)
    corpora = ("cifar10",)

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each network, start and seed; digits have few test images, so they have more seeds."""
        seeds = setup.seeds(3 if setup.corpus("cifar10") else 5)
        return [Cell((side, start), seed) for side in IMAGES for start in STARTS for seed in seeds]

    def run(self, cell: Cell, work: Work) -> Figures:
        """By images of each class: `test5` and the like, `train5`, and `probe5`; the mean of `validation`."""
        plan, rest = plan_for(work.setup), transfer(work)[1]
        beginning = _beginning(*cell.settings, replace(work, rate=0.0))
        seen = represented(beginning, few(rest, max(plan.numbers)))
        found: dict[str, float] = {}
        for n in plan.numbers:
            task, model = few(rest, n), fine_tunable(beginning, rest.train.inputs.shape[2:], rest.count)
            train(model, task, Budget(plan.steps), work)
            found |= {f"{part}{n}": measured(model, task, part)["accuracy"] for part in PARTS}
            found[f"probe{n}"] = linear_probe(few(seen, n))
        validation = sum(found[f"validation{n}"] for n in plan.numbers) / len(plan.numbers)
        return {**found, "validation": validation, "parameters": float(parameters(beginning))}

    def verdict(self, results: Results) -> Verdict:
        """By the gap from nothing, and by how much of it is gone after pre-training."""
        before, after = (_gaps(results, "test", start) for start in STARTS)
        lessening, probe = paired(before, after), interval(_gaps(results, "probe", "pretrained"))
        gaps = [interval(gap).times(100) for gap in (before, after)]
        least = _numbers(results)[0]
        means = [[100 * results.mean(f"test{least}", side, start).mean for start in STARTS] for side in IMAGES]
        vit, cnn = (" → ".join(f"{mean:.1f}" for mean in pair) for pair in means)
        why = Text(
            f"From nothing the CNN is ahead by {gaps[0]} points, pre-trained by {gaps[1]}: {lessening.times(100)} "
            f"less. With {least} images a class the ViT goes {vit} %, the CNN {cnn} %. By the linear probe of "
            f"pre-trained networks the CNN is ahead by {probe.times(100)}.",
            f"从零训练时 CNN 领先 {gaps[0]} 个百分点，预训练后领先 {gaps[1]}：缩小 {lessening.times(100)}。每类 "
            f"{least} 张图像时 ViT {vit} %，CNN {cnn} %。按预训练网络的线性探测，CNN 领先 {probe.times(100)}。",
        )
        sides = (interval(before).side(MARGIN), lessening.side(MARGIN))
        if sides[0] != 1:
            why += Text("No gap of 2 points to close is certain.", "从零训练时并无确定的 2 个百分点差距可弥合。")
        if sides[1] == -1:
            return Verdict("contradicted", why)
        if sides == (1, 1):
            return Verdict("supported", why)
        needs = Text("More seeds; images on which the ViT is behind.", "更多种子；ViT 落后的图像数据。")
        return Verdict("undecided", why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Fine-tuned and probed accuracy by images of each class."""
        x, y, found = Text("images a class", "每类图像数"), Text("share right", "正确比例"), []
        for figure, title in {"test": Text("Fine-tuned", "微调"), "probe": Text("Linear probe", "线性探测")}.items():
            series = [_series(results, figure, side, start) for side in IMAGES for start in STARTS]
            found.append(Plot(title, x, y, series, log_x=True))
        return found


# Tuning fine-tunes the same network with one rate after the other.
@lru_cache(maxsize=2)
def _beginning(side: str, start: str, work: Work) -> ImageModel:
    """With a head for the other classes; it is kept, so it is not trained further."""
    plan, (task, _) = plan_for(work.setup), transfer(work)
    channels, size = task.train.inputs.shape[1:3]
    make = image_side(side, task.count, size, channels, patch=plan.patch, width=plan.width, layers=plan.layers)
    if start == "scratch":
        return untrained(make, work)
    return pretrained(make, task, Budget(plan.pretraining), Pretraining.rates, work)


def _numbers(results: Results) -> list[str]:
    """Images of each class, as the figures have them."""
    names = next(iter(results.figures.values()))
    return sorted((name[4:] for name in names if re.fullmatch(r"test\d+", name)), key=int)


def _gaps(results: Results, figure: str, start: str) -> list[float]:
    """By how much the CNN is ahead, over the numbers of images, by seed."""
    vit, cnn = ([results.values(f"{figure}{n}", side, start) for n in _numbers(results)] for side in IMAGES)
    gaps = [[b - a for a, b in zip(*pair, strict=True)] for pair in zip(vit, cnn, strict=True)]
    return [sum(seed) / len(seed) for seed in zip(*gaps, strict=True)]


def _series(results: Results, figure: str, side: str, start: str) -> Series:
    name, kind = IMAGES[side], STARTS[start]
    points = [Point.of(float(n), results.mean(f"{figure}{n}", side, start)) for n in _numbers(results)]
    return Series(name + Text(f"({kind.en})", f"（{kind.zh}）"), points)


CLAIM = Pretraining()
