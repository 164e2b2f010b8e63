"""Claim 13: attention is global from the first layer."""

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work
from patchword.compare.looking import reaches
from patchword.compare.plots import Plot, Series, numbered
from patchword.compare.results import Results
from patchword.compare.sides import IMAGES, image_side
from patchword.compare.statistics import paired
from patchword.compare.tasks.windows import pictures
from patchword.compare.training import Budget, figures, train
from patchword.compare.words import Text

PATCH, SEEN = 4, 64  # pixels a side; test images that are looked at
FAR, FOCUS = 0.75, 0.1  # of uniform attention's distance; nats
STATES = {"untrained": Text("untrained", "未训练"), "trained": Text("trained", "已训练")}


class Reach(Claim):
    """How far the first layer reaches, before and after training."""

    number = "13"
    slug = "reach"
    title = Text("Attention is global from the first layer", "注意力从第一层起就是全局的")
    said = Text(
        "Some heads attend to most of the image already in the lowest layers, where a CNN sees a few pixels; the "
        "ability to integrate information globally is indeed used.",
        "某些头在最低层就已关注图像的大部分，而 CNN 此时只看到几个像素；模型确实利用了全局整合信息的能力。",
    )
    source = Text(
        "Dosovitskiy et al. 2021, section 4.5, figure 7 (right); receptive fields as in Luo et al. 2016",
        "Dosovitskiy 等 2021，4.5 节，图 7（右）；感受野按 Luo 等 2016",
    )
    varied = Text("Network, before and after training; layer and head.", "网络，训练前与训练后；层与头。")
    equal = Text(
        "Parameters within 5 %, images, steps, order of the batches.", "参数量（5 % 以内）、图像、步数、批次顺序。"
    )
    controls = (
        Text(
            "An untrained ViT attends to everything alike and is so 'global' without having learned it: it is always "
            "shown beside, and a trained head counts as used only if it is no longer uniform.",
            "未训练的 ViT 均匀地关注一切，未经学习就“全局”：总是并列给出；训练后的头不再均匀才算被利用。",
        ),
        Text(
            "Of both networks also the effective receptive field, which is the same measure for both: which pixels "
            "the middle of each layer's map hangs on, by the gradient.",
            "两种网络都给出有效感受野，度量相同：按梯度，各层特征图中央依赖哪些像素。",
        ),
    )
    supports = Text(
        f"In the first layer of the trained ViT the furthest head's mean attention distance is above {FAR:.0%} of "
        f"uniform attention's, that head is more than {FOCUS} nats away from uniform attention, and it reaches further "
        "than the CNN's first block sees: all three 95 % intervals are above.",
        f"训练后 ViT 第一层中最远的头，其平均注意力距离超过均匀注意力的 {FAR:.0%}，与均匀注意力相差 {FOCUS} 纳特以上，"
        "且比 CNN 第一个块看得更远：三个 95 % 区间都在其上。",
    )
    contradicts = Text(
        "The distance's interval is below, or the CNN's first block sees further.",
        "距离的区间在其下，或 CNN 第一个块看得更远。",
    )
    minutes = Minutes(4, 60)
    rates = (1e-3, 4e-3)
    corpora = ("cifar10",)

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each network and seed."""
        return [Cell((side,), seed) for side in IMAGES for seed in setup.seeds()]

    def run(self, cell: Cell, work: Work) -> Figures:
        """`field_trained1` on are pixels, by layer; of attention `attention_trained1` on, `far` and `focus`."""
        full = work.setup.full
        task = pictures(work.setup.corpus("cifar10"), work.generator(), 20_000 if full else 3000)
        channels, size = task.train.inputs.shape[1:3]
        width, layers = (64, 6) if full else (32, 3)
        model = image_side(cell.settings[0], 10, size, channels, patch=PATCH, width=width, layers=layers)()
        model.to(work.setup.device).eval()
        images = task.test.inputs[:SEEN].to(work.setup.device)
        looked = reaches(model, images, "untrained")
        budget = Budget(2000 if full else 250, batch=64 if full else 32)
        history = train(model, task, budget, work)
        return {**figures(model, task, history), **looked, **reaches(model, images, "trained")}

    def verdict(self, results: Results) -> Verdict:
        """By the first layer's furthest head."""
        far, focus = (results.mean(f"{each}_trained", "vit") for each in ("far", "focus"))
        before = results.mean("focus_untrained", "vit")
        reached = results.values("pixels_trained", "vit")
        ahead = paired(reached, results.values("field_trained1", "cnn"))
        layers = [point.y for point in numbered(results, "field_trained", "cnn")]
        why = Text(
            f"The furthest head of the first layer reaches {far.times(100)} % of uniform attention's distance, "
            f"{ahead} pixels further than the CNN's first block sees (its blocks see "
            f"{', '.join(f'{each:.1f}' for each in layers)}), and is {focus} nats from uniform "
            f"(untrained: {before}).",
            f"第一层最远的头达到均匀注意力距离的 {far.times(100)} %，比 CNN 第一个块远 {ahead} 像素（其各块为 "
            f"{'、'.join(f'{each:.1f}' for each in layers)}），与均匀相差 {focus} 纳特（未训练：{before}）。",
        )
        sides = (far.side(FAR), ahead.side(), focus.side(FOCUS))
        if sides == (1, 1, 1):
            return Verdict("supported", why)
        if -1 in sides[:2]:
            return Verdict("contradicted", why)
        needs = Text(
            "Longer training, until heads are no longer uniform; more seeds.", "更久的训练，直到头不再均匀；更多种子。"
        )
        return Verdict("undecided", why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Distances by layer."""
        kinds = {
            ("vit", "attention"): Text("ViT, attention", "ViT 注意力"),
            ("vit", "field"): Text("ViT, receptive field", "ViT 感受野"),
            ("cnn", "field"): Text("CNN, receptive field", "CNN 感受野"),
        }
        series = [
            Series(
                name + Text(f"({state_name.en})", f"（{state_name.zh}）"), numbered(results, f"{kind}_{state}", side)
            )
            for (side, kind), name in kinds.items()
            for state, state_name in STATES.items()
        ]
        uniform = results.mean("uniform", "vit").mean
        level = (uniform, Text("uniform attention", "均匀注意力"))
        title = Text("How far each layer reaches, on average over heads", "各层看得多远（对头取平均）")
        return [Plot(title, Text("layer", "层"), Text("pixels", "像素"), series, levels=[level])]


CLAIM = Reach()
