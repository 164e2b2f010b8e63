"""Claim 14: attention looks where it matters."""

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged_all
from patchword.compare.looking import map_gains, read_links
from patchword.compare.networks import ImageModel, SequenceToSequence
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.results import Results
from patchword.compare.sides import IMAGES, TEXT, image_side, text_side
from patchword.compare.tasks.language import VOCABULARY, linked_language
from patchword.compare.tasks.windows import pictures
from patchword.compare.training import Budget, figures, train
from patchword.compare.words import Text

LINKS, MAPS = 0.2, 0.01  # of alignment error; of the area under a curve
WAYS = ("deletion", "insertion")
NAMES = {**TEXT, **IMAGES}


class Looks(Claim):
    """Word links read from attention beside known ones, and image maps beside random orders, of all four networks."""

    number = "14"
    slug = "looks"
    title = Text("Attention looks where it matters", "注意力看向要紧之处")
    said = Text(
        "Attention shows what an answer hangs on: which word is translated, which part of an image is semantically "
        "relevant for its class.",
        "注意力显示答案取决于什么：翻译的是哪个词，图像的哪一部分在语义上与类别相关。",
    )
    source = Text(
        "Vaswani et al. 2017, section 4 and figures 3 to 5; Dosovitskiy et al. 2021, section 4.5 and figure 6; "
        "against it Jain & Wallace 2019",
        "Vaswani 等 2017，第 4 节与图 3 至 5；Dosovitskiy 等 2021，4.5 节与图 6；反对者：Jain 与 Wallace 2019",
    )
    varied = Text(
        "Network; what is read: attention, relevance, Grad-CAM.", "网络；所读的图：注意力、相关性、Grad-CAM。"
    )
    equal = Text(
        "Parameters within 5 %, data, steps and order of the batches within text and within images.",
        "文本之内和图像之内：参数量（5 % 以内）、数据、步数、批次顺序相同。",
    )
    controls = (
        Text(
            "Everything is measured beside a random order; links also beside the diagonal, which looks at no word.",
            "一切都与随机顺序比较；对齐还与对角线比较，它不看任何词。",
        ),
        Text(
            "Which layer and step attention is read from is chosen on validation pairs, for both networks alike.",
            "从哪一层、哪一步读取注意力，由验证集选定，两种网络相同。",
        ),
        Text(
            "For images the rule is about the attention itself, averaged over the last layer's heads. Relevance and "
            "Grad-CAM, which also read gradients, are reported.",
            "图像的规则针对注意力本身（最后一层各头平均）；另读梯度的相关性与 Grad-CAM 只作报告。",
        ),
    )
    supports = Text(
        "The Transformer's alignment error is more than 20 points below that of random links, and the ViT's attention "
        "beats a random order by more than 0.01 of the area under the curve, in deletion and in insertion: all three "
        "95 % intervals are above.",
        "Transformer 的对齐错误率比随机低 20 个百分点以上，且 ViT 的注意力在删除和插入曲线下面积上都胜过随机顺序 0.01 "
        "以上：三个 95 % 区间都在其上。",
    )
    contradicts = Text("One of the three intervals is below.", "三个区间之一在其下。")
    minutes = Minutes(5, 80)
    rates = (1e-3, 4e-3)
    corpora = ("cifar10",)

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each network and seed."""
        return [Cell((side,), seed) for side in NAMES for seed in setup.seeds()]

    def run(self, cell: Cell, work: Work) -> Figures:
        """Of text `error`, `random` and `diagonal`; of images, for each map, gains such as `attention_deletion`."""
        full, side = work.setup.full, cell.settings[0]
        if side in TEXT:
            data = linked_language(work.generator(), train=20_000 if full else 3000)
            translator = text_side(side, VOCABULARY, 64 if full else 32, 3 if full else 2)()
            assert isinstance(translator, SequenceToSequence)
            history = train(translator, data.task, Budget(2000 if full else 300), work)
            looked = read_links(translator, data, work.generator("links"))
            return {**figures(translator, data.task, history), **looked}
        task = pictures(work.setup.corpus("cifar10"), work.generator(), 20_000 if full else 3000)
        channels, size = task.train.inputs.shape[1:3]
        width, layers = (64, 4) if full else (32, 3)
        model = image_side(side, 10, size, channels, patch=4, width=width, layers=layers)()
        assert isinstance(model, ImageModel)
        history = train(model, task, Budget(2000 if full else 250, batch=64 if full else 32), work)
        gains = map_gains(model, task.test.first(200 if full else 48), work.generator("orders"))
        return {**figures(model, task, history), **gains}

    def verdict(self, results: Results) -> Verdict:
        """By the Transformer's links and the ViT's attention."""
        below = results.mean("below", "transformer")
        gains = {way: results.mean(f"attention_{way}", "vit") for way in WAYS}
        errors = [f"{100 * results.mean('error', side).mean:.0f}" for side in TEXT]
        blind = [f"{100 * results.mean(name, 'transformer').mean:.0f}" for name in ("random", "diagonal")]
        others = [
            f"{label} {results.mean(f'{name}_deletion', side).mean:+.3f}, "
            f"{results.mean(f'{name}_insertion', side).mean:+.3f}"
            for label, side, name in (
                ("ViT relevance", "vit", "relevance"),
                ("CNN Grad-CAM", "cnn", "class_activation"),
            )
        ]
        why = Text(
            f"Alignment errors in %: Transformer {errors[0]}, RNN {errors[1]}, random links {blind[0]}, the diagonal "
            f"{blind[1]}; the Transformer is {below.times(100)} points below random. The ViT's attention gains "
            f"{gains['deletion']} by deletion and {gains['insertion']} by insertion over a random order "
            f"({'; '.join(others)}).",
            f"对齐错误率（%）：Transformer {errors[0]}，RNN {errors[1]}，随机 {blind[0]}，对角线 {blind[1]}；"
            f"Transformer 比随机低 {below.times(100)} 个百分点。ViT 的注意力比随机顺序在删除上高 "
            f"{gains['deletion']}，插入上高 {gains['insertion']}（{'；'.join(others)}）。",
        )
        needs = Text("More seeds, images and steps.", "更多种子、图像和步数。")
        return judged_all((below.side(LINKS), *(gain.side(MAPS) for gain in gains.values())), why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Errors of links, and gains of maps."""
        error = Text("alignment error", "对齐错误率")
        bars = [Point.of(NAMES[side].en, results.mean("error", side)) for side in TEXT]
        bars += [Point.of(name, results.mean(name, "transformer")) for name in ("random", "diagonal")]
        maps = {
            "ViT attention": ("vit", "attention"),
            "ViT relevance": ("vit", "relevance"),
            "CNN Grad-CAM": ("cnn", "class_activation"),
        }
        gains = [
            Series(name, [Point.of(label, results.mean(f"{kind}_{way}", side)) for label, (side, kind) in maps.items()])
            for way, name in {"deletion": Text("deletion", "删除"), "insertion": Text("insertion", "插入")}.items()
        ]
        words, images = Text("Links between words", "词的对齐"), Text("Maps beside a random order", "热图与随机顺序")
        gain, by = Text("gain in area", "面积增益"), Text("read from", "读自")
        return [
            Plot(words, by, error, [Series(error, bars)], kind="bars"),
            Plot(images, by, gain, gains, kind="bars"),
        ]


CLAIM = Looks()
