"""Claim 5: sinusoidal positions extrapolate to longer sequences."""

from functools import partial

import torch

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged
from patchword.compare.networks import parameters
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.results import Results
from patchword.compare.sides import TEXT, text_side, transformer
from patchword.compare.tasks.pairs import END, PAD, right_by_place
from patchword.compare.tasks.transformations import transformation
from patchword.compare.training import Budget, figures, train
from patchword.compare.words import Text

SIDES = {
    "sinusoidal": Text("sinusoidal", "正弦"),
    "learned": Text("learned", "可学习"),
    "none": Text("none", "无"),
    "rnn": TEXT["rnn"],
}
LEARNED, LONG = {"quick": 8, "full": 32}, {"quick": 32, "full": 128}  # most symbols, in training and in the test
MARGIN = 0.05  # of token accuracy


class Lengths(Claim):
    """Copying symbols: trained on short sequences, tested on ones that are four times as long."""

    number = "5"
    slug = "lengths"
    title = Text("Sinusoidal positions extrapolate to longer sequences", "正弦位置编码可外推到更长的序列")
    said = Text(
        "The sinusoidal version was chosen because it may allow the model to extrapolate to sequence lengths longer "
        "than the ones encountered during training.",
        "选择正弦形式，是因为它也许能让模型外推到比训练中更长的序列。",
    )
    source = Text("Vaswani et al. 2017, section 3.5", "Vaswani 等 2017，3.5 节")
    varied = Text(
        "Sinusoidal, learned or no positions in the Transformer; and an RNN beside.",
        "Transformer 的位置编码：正弦、可学习、无；并列一个 RNN。",
    )
    equal = Text(
        "Data, steps, order of the batches; parameters within 5 % but for the learned positions themselves.",
        "数据、步数、批次顺序；除可学习位置本身外，参数量在 5 % 以内。",
    )
    controls = (
        Text(
            "The end token is never learned where it stands in the test, so it is not counted: places within the "
            "lengths of training and places beyond are scored apart, under teacher forcing.",
            "结束符在测试中的位置从未学过，因此不计入：训练长度以内与以外的位置分别计分（教师强制）。",
        ),
        Text(
            "Held-out sequences of the lengths of training show whether the task was learned at all.",
            "训练长度的未见序列表明任务本身是否学会。",
        ),
    )
    supports = Text(
        "Beyond the lengths of training, accuracy with sinusoidal positions is higher than with learned ones by more "
        "than 5 points: the 95 % interval of the paired difference is above that.",
        "在训练长度以外，正弦位置的准确率比可学习位置高 5 个百分点以上：配对差的 95 % 区间在其上。",
    )
    contradicts = Text("It is not: the interval is below 5 points.", "并非如此：区间在 5 个百分点以下。")
    minutes = Minutes(4, 90)
    rates = (2e-3, 4e-3)

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each side and seed."""
        return [Cell((side,), seed) for side in SIDES for seed in setup.seeds(5 if setup.full else 3)]

    def run(self, cell: Cell, work: Work) -> Figures:
        """One network: accuracy at its own lengths, and of long sequences within and beyond them."""
        full, most, long = work.setup.full, LEARNED[work.setup.scale], LONG[work.setup.scale]
        task = transformation(
            "copy",
            work.generator(),
            lengths=(most // 4, most),
            test_lengths=(long // 2, long),
            train=20_000 if full else 3000,
        )
        width, layers, kind = (96, 2, cell.settings[0]) if full else (64, 2, cell.settings[0])
        make = (
            text_side(kind, task.vocabulary, width, layers)
            if kind in TEXT
            else partial(transformer, task.vocabulary, width, layers, positions=kind, max_positions=long + 2)
        )
        model = make()
        history = train(model, task, Budget(steps=2000 if full else 300), work)
        with torch.inference_mode():
            right, wanted = right_by_place(model, task.test)
        symbol = (wanted != PAD) & (wanted != END)
        return {
            **figures(model, task, history),
            "within": float(right[:, :most][symbol[:, :most]].double().mean()),
            "beyond": float(right[:, most:][symbol[:, most:]].double().mean()),
            "end": float(right[wanted == END].double().mean()),
            "parameters": parameters(model),
        }

    def verdict(self, results: Results) -> Verdict:
        """By sinusoidal beside learned positions, beyond what was trained."""
        gain = results.difference("beyond", ("sinusoidal",), ("learned",))

        def told(figure: str, side: str) -> str:
            return f"{100 * results.mean(figure, side).mean:.0f}"

        scores = [[told(figure, side) for figure in ("validation", "within", "beyond")] for side in SIDES]
        listed = "; ".join(f"{name.en} {', '.join(row)}" for name, row in zip(SIDES.values(), scores, strict=True))
        listed_zh = "；".join(f"{name.zh} {'、'.join(row)}" for name, row in zip(SIDES.values(), scores, strict=True))
        why = Text(
            f"Beyond the lengths of training, sinusoidal positions are {gain.times(100)} points better than learned "
            f"ones. Right tokens in %, at trained lengths, within and beyond them: {listed}.",
            f"在训练长度以外，正弦位置比可学习位置高 {gain.times(100)} 个百分点。"
            f"正确词元（%），训练长度、长序列的以内与以外：{listed_zh}。",
        )
        return judged([gain.side(MARGIN)], why, Text("More seeds, longer training.", "更多种子，更久的训练。"))

    def plots(self, results: Results) -> list[Plot]:
        """Accuracy at, within and beyond the lengths of training."""
        names = {
            "validation": Text("trained lengths", "训练长度"),
            "within": Text("long, first part", "长序列，以内"),
            "beyond": Text("long, beyond", "长序列，以外"),
        }
        series = [
            Series(name, [Point.of(side, results.mean(figure, side)) for side in SIDES])
            for figure, name in names.items()
        ]
        title = Text("Copying: next token", "复制：下一个词元")
        return [Plot(title, Text("positions", "位置编码"), Text("share right", "正确比例"), series, kind="bars")]


CLAIM = Lengths()
