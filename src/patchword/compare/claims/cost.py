"""Claim 11: the ViT's cost grows with the square of the number of patches."""

import torch

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged
from patchword.compare.counting import counted
from patchword.compare.measuring import seconds
from patchword.compare.networks import parameters, without_numbers
from patchword.compare.plots import Plot, Point, Series, by_number
from patchword.compare.results import Results
from patchword.compare.sides import IMAGES, image_side
from patchword.compare.statistics import Interval, interval, slope
from patchword.compare.words import Text
from patchword.training.peak import peak_bytes

SIZES = ("32", "64", "128", "256", "512", "1024")
PATCHES = {"vit16": 16, "vit4": 4}
MOST = 4096  # patches: what is measured of small patches ends there
WIDTH, LAYERS = 192, 4
CLOSER = 1.5  # powers above are closer to the square than to the number itself
NAMES = {
    "vit16": Text("ViT, patches of 16 x 16", "ViT，16 x 16 图块"),
    "vit4": Text("ViT, patches of 4 x 4", "ViT，4 x 4 图块"),
    "cnn": IMAGES["cnn"],
}


class Cost(Claim):
    """One image at a time from 32 to 1,024 pixels: time, memory and operations."""

    number = "11"
    slug = "cost"
    title = Text("The ViT's cost grows with the square of the patches", "ViT 的开销随图块数的平方增长")
    said = Text(
        "Every patch attends to every other, so cost is quadratic in the number of patches, which rules out large "
        "images and small patches.",
        "每个图块都关注其他所有图块，因此开销与图块数的平方成正比，难以用于大图像和小图块。",
    )
    source = Text(
        "Dosovitskiy et al. 2021, section 3.1; Vaswani et al. 2017, table 1",
        "Dosovitskiy 等 2021，3.1 节；Vaswani 等 2017，表 1",
    )
    varied = Text("Side of the image, 32 to 1,024 pixels; patches of 16 or 4.", "图像边长 32 到 1024；图块 16 或 4。")
    equal = Text(
        "The network but for its positions; a CNN of as many parameters within 5 %; one image, one core.",
        "除位置编码外网络相同；并列的 CNN 参数量在 5 % 以内；单张图像，单核。",
    )
    controls = (
        Text(
            "Up to 512 pixels the linear part hides the square: attention's share of the operations, N / (6 d_model) "
            "of the rest, is drawn beside, from counted operations.",
            "在 512 像素以内，线性部分掩盖平方项：图中并列给出由计数得到的注意力占比，即其余部分的 N / (6 d_model)。",
        ),
        Text(
            "Time, operations and memory are three answers; all are given, and where the CNN is passed is named.",
            "时间、运算量、内存是三个答案，都给出，并指出何时超过 CNN。",
        ),
    )
    supports = Text(
        f"From 1,024 to 4,096 patches time grows with a power above {CLOSER}, closer to the square than to the number "
        "of patches itself: the 95 % intervals are above that for both patch sizes.",
        f"从 1024 到 4096 个图块，时间随图块数的幂高于 {CLOSER}，更接近平方而非线性：两种图块的 95 % 区间都在其上。",
    )
    contradicts = Text(f"The power is below {CLOSER}: both intervals are.", f"该幂低于 {CLOSER}：两个区间都在其下。")
    minutes = Minutes(3, 6)
    alone = True

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each network, size and seed."""
        pairs = [(name, size) for name in NAMES for size in SIZES if _patches(name, size) <= MOST]
        return [Cell((name, size), seed) for name, size in pairs for seed in setup.seeds(5 if setup.full else 3)]

    def run(self, cell: Cell, work: Work) -> Figures:
        """One network on one image."""
        name, size = cell.settings[0], int(cell.settings[1])
        side, patch = ("vit", PATCHES[name]) if name in PATCHES else ("cnn", 16)
        # The CNN, which has no positions, is matched with the ViT of an ordinary size.
        make = image_side(side, 10, size if side == "vit" else 256, 3, patch=patch, width=WIDTH, layers=LAYERS)
        meta, image = without_numbers(make), torch.empty(1, 3, size, size, device="meta")
        with torch.no_grad():
            count = counted(lambda: meta(image), [image])
            model = make().eval()
            pixels = torch.randn(1, 3, size, size, generator=work.generator())
            peak = peak_bytes(lambda: model(pixels))
            taken = seconds(lambda: model(pixels), rounds=5 if size < 512 else 3, warm=True)
        found = {"seconds": taken, "operations": count.operations, "share": count.between / count.operations}
        return {**found, "peak": peak, "parameters": parameters(model)}

    def verdict(self, results: Results) -> Verdict:
        """By the power of the last fourfold number of patches."""
        large = {name: _power(results, name, "seconds", (MOST // 4, MOST)) for name in PATCHES}
        counts = _power(results, "vit16", "operations", (MOST // 4, MOST)).mean
        memory = _power(results, "vit16", "peak", (MOST // 4, MOST)).mean
        small = _power(results, "vit16", "seconds", (64, 1024)).mean
        passed = next((n for n in results.numbers("vit16") if _slower(results, n)), None)
        where = (
            ("from no size on", "始终没有") if passed is None else (f"from {passed} pixels on", f"从 {passed} 像素起")
        )
        why = Text(
            f"At 1,024 to 4,096 patches time grows with the power {large['vit16']} (patches of 16) and {large['vit4']} "
            f"(of 4), operations with {counts:.2f}, memory with {memory:.2f}; between 128 and 512 pixels time grows "
            f"with {small:.2f}. Slower than the CNN: {where[0]}.",
            f"在 1024 到 4096 个图块之间，时间的幂为 {large['vit16']}（图块 16）和 {large['vit4']}（图块 4），"
            f"运算量为 {counts:.2f}，内存为 {memory:.2f}；128 到 512 像素时间的幂为 {small:.2f}。"
            f"比 CNN 慢：{where[1]}。",
        )
        needs = Text("Steadier times: an idle machine, more seeds.", "更稳定的计时：空闲的机器，更多种子。")
        return judged([power.side(CLOSER) for power in large.values()], why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Time by size, and by patches with attention's share."""
        shares = [
            Series(NAMES[side], [Point.of(_patches(side, n), results.mean("share", side, n)) for n in numbers])
            for side, numbers in ((side, results.numbers(side)) for side in PATCHES)
        ]
        pixels, time = Text("pixels a side", "边长（像素）"), Text("Time of one image", "一张图像的时间")
        title, half = Text("Attention's share of the operations", "注意力占运算量的比例"), Text("half", "一半")
        patches, share = Text("patches", "图块数"), Text("share", "比例")
        return [
            by_number(results, "seconds", NAMES, time, pixels, Text("seconds", "秒"), log_x=True, log_y=True),
            Plot(title, patches, share, shares, log_x=True, levels=[(0.5, half)]),
        ]


def _patches(name: str, size: str) -> int:
    return (int(size) // PATCHES.get(name, 16)) ** 2


def _slower(results: Results, size: str) -> bool:
    return results.mean("seconds", "vit16", size).mean > results.mean("seconds", "cnn", size).mean


def _power(results: Results, name: str, figure: str, bounds: tuple[int, int]) -> Interval:
    """With which a figure grows between two numbers of patches, over the seeds."""
    sizes = [size for size in results.numbers(name) if bounds[0] <= _patches(name, size) <= bounds[1]]
    columns = zip(*(results.values(figure, name, size) for size in sizes), strict=True)
    return interval([slope([_patches(name, size) for size in sizes], column) for column in columns])


CLAIM = Cost()
