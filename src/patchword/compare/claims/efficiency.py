"""Claim 15: at equal cost a ViT is more accurate than a CNN."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged
from patchword.compare.counting import counted
from patchword.compare.measuring import seconds
from patchword.compare.networks import without_numbers
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.results import Results
from patchword.compare.sides import IMAGES, image_side
from patchword.compare.statistics import Interval, interval, pareto_front
from patchword.compare.tasks.images import cifar10, digits
from patchword.compare.training import Budget, figures, train
from patchword.compare.words import Text

SIZES = {"quick": {"s": (16, 2), "m": (32, 3), "l": (64, 4)}, "full": {"s": (64, 4), "m": (128, 6), "l": (192, 4)}}
COSTS = {
    "operations": Text("operations of the training", "训练的运算量"),
    "seconds_image": Text("seconds an image, inference", "每张图像的推理秒数"),
}
BATCH, IMAGES_TIMED = 32, 16
MARGIN = 0.01  # of accuracy


class Efficiency(Claim):
    """Several sizes of both: accuracy against the operations of training and against the time of inference."""

    number = "15"
    slug = "efficiency"
    title = Text("The ViT is more efficient than CNNs", "ViT 比 CNN 更高效")
    said = Text(
        "Vision Transformers generally outperform ResNets with the same computational budget: they need two to four "
        "times less compute to attain the same performance.",
        "在相同计算预算下，ViT 通常优于 ResNet：达到同样性能所需的计算量少 2 到 4 倍。",
    )
    source = Text("Dosovitskiy et al. 2021, section 4.4, figure 5", "Dosovitskiy 等 2021，4.4 节，图 5")
    varied = Text("Network, and its size.", "网络及其规模。")
    equal = Text(
        "Parameters within 5 % at each size; images, shifts (and mirroring of CIFAR-10), steps, order of the batches.",
        "每种规模的参数量（5 % 以内）；图像、平移增强（CIFAR-10 另加镜像）、步数、批次顺序。",
    )
    controls = (
        Text("The same augmentation on both sides; the rate is tuned for each size.", "两边增强相同；学习率按规模调。"),
        Text(
            "Equal cost: the CNN's accuracy is interpolated at each ViT's cost, on a logarithmic axis. A ViT cheaper "
            "than every CNN is compared with the cheapest, which favours the CNN; one dearer than every CNN with the "
            "dearest, which favours the ViT.",
            "等开销：在对数轴上按每个 ViT 的开销插值 CNN 的准确率。比所有 CNN 都便宜的 ViT 与最便宜的比（有利于 CNN），"
            "比所有 CNN 都贵的与最贵的比（有利于 ViT）。",
        ),
        Text(
            f"Time is of one thread on the processor, {IMAGES_TIMED} images at once, and the thread's own, so that "
            "cells can run side by side; operations are counted and exact.",
            f"时间为处理器单线程自身时间，一次 {IMAGES_TIMED} 张图像，因此单元可并行运行；运算量为精确计数。",
        ),
    )
    supports = Text(
        "At equal cost the ViT's test accuracy is more than 1 point higher, the mean over its sizes, both by the "
        "operations of training and by the time of inference: both 95 % intervals are above.",
        "在相同开销下 ViT 的测试准确率（对其各规模取平均）高 1 个百分点以上，按训练运算量和按推理时间皆然：两个 95 % "
        "区间都在其上。",
    )
    contradicts = Text("Both intervals are below 1 point.", "两个区间都低于 1 个百分点。")
    minutes = Minutes(4, 170)
    rates = (1e-3, 5e-3)
    corpora = ("cifar10",)

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each network, size and seed."""
        return [Cell((side, n), seed) for side in IMAGES for n in SIZES[setup.scale] for seed in setup.seeds()]

    def run(self, cell: Cell, work: Work) -> Figures:
        """Train one network, count what that took, and time it."""
        (side, size), full, folder = cell.settings, work.setup.full, work.setup.corpus("cifar10")
        if folder is None:
            task, pixels, channels, patch = replace(digits(work.generator()), shift=1), 8, 1, 2
        else:
            whole = cifar10(folder, work.generator(), 48_000 if full else 4000)
            task, pixels, channels, patch = replace(whole, shift=4, mirror=True), 32, 3, 4
        width, layers = SIZES[work.setup.scale][size]
        make = image_side(side, task.count, pixels, channels, patch=patch, width=width, layers=layers)
        model, steps = make(), (2000 if full else 600)
        history = train(model, task, Budget(steps, batch=BATCH), work)
        found = figures(model, task, history)
        meta, classes = without_numbers(make), torch.zeros(BATCH, dtype=torch.long, device="meta")
        inputs = torch.empty(BATCH, channels, pixels, pixels, device="meta")
        step = counted(lambda: F.cross_entropy(meta(inputs), classes).backward(), [inputs]).operations
        model, images = model.cpu(), task.test.inputs[:IMAGES_TIMED]
        with torch.inference_mode():
            taken = seconds(lambda: model(images))
        return {**found, "operations": float(step * steps), "seconds_image": taken / IMAGES_TIMED}

    def verdict(self, results: Results) -> Verdict:
        """By the ViT's advantage at equal cost."""
        gains = {cost: _advantage(results, cost) for cost in COSTS}
        fronts = [", ".join(_front(results, cost)) for cost in COSTS]
        operations, time = (gain.times(100) for gain in gains.values())
        why = Text(
            f"At equal operations of training the ViT is {operations} points better, at equal time of inference "
            f"{time}. On the Pareto front by operations: {fronts[0]}; by time: {fronts[1]}.",
            f"训练运算量相同时 ViT 高 {operations} 个百分点，推理时间相同时高 {time}。"
            f"按运算量在帕累托前沿上的有：{fronts[0]}；按时间：{fronts[1]}。",
        )
        needs = Text("More seeds; a larger task, longer training.", "更多种子；更大的任务、更长的训练。")
        return judged([gain.side(MARGIN) for gain in gains.values()], why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Accuracy against each cost, with the Pareto front of both networks together."""
        y, front = Text("share right", "正确比例"), Text("Pareto front of both", "两者的帕累托前沿")
        found = []
        for cost, x in COSTS.items():
            series = [Series(name, _points(results, cost, side)) for side, name in IMAGES.items()]
            series.append(Series(front, list(_front(results, cost).values())))
            found.append(Plot(Text("Accuracy against", "准确率与") + x, x, y, series, log_x=True))
        return found


def _points(results: Results, cost: str, side: str) -> list[Point]:
    sizes = results.numbers(side)
    return [Point.of(results.mean(cost, side, n).mean, results.mean("test", side, n)) for n in sizes]


def _front(results: Results, cost: str) -> dict[str, Point]:
    """The networks on the Pareto front, by their means, from the cheapest on."""
    names = [f"{side} {size}" for side in IMAGES for size in results.numbers(side)]
    points = [point for side in IMAGES for point in _points(results, cost, side)]
    front = pareto_front([float(p.x) for p in points], [p.y for p in points])
    return {names[place]: points[place] for place in front}


def _advantage(results: Results, cost: str) -> Interval:
    """By how much the ViT is better than a CNN of its cost, over its sizes, paired by seed."""
    costs = {side: np.log([p.x for p in _points(results, cost, side)]) for side in IMAGES}
    order = np.argsort(costs["cnn"])
    right = ([results.values("test", side, n) for n in results.numbers(side)] for side in IMAGES)
    gains = []
    for vit, cnn in zip(*(zip(*sizes, strict=True) for sizes in right), strict=True):
        equal = np.interp(costs["vit"], costs["cnn"][order], np.array(cnn)[order])
        gains.append(float(np.mean(vit - equal)))
    return interval(gains)


CLAIM = Efficiency()
