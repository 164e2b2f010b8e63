"""Claim 2a: attention recalls what is far away, the RNN forgets it."""

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged
from patchword.compare.networks import parameters
from patchword.compare.plots import Plot, by_number
from patchword.compare.results import Results
from patchword.compare.sides import TEXT, reader_side
from patchword.compare.tasks.recall import recall, vocabulary
from patchword.compare.training import Budget, figures, train
from patchword.compare.words import Text

DISTANCES = {"quick": (8, 32, 128), "full": (16, 64, 256, 512, 1024)}
VALUES = 8
MARGIN = 0.05  # of accuracy


class Recall(Claim):
    """Which of eight values stood at the beginning is asked at the end, noise between."""

    number = "2a"
    slug = "recall"
    title = Text("Attention recalls from afar, the RNN forgets", "注意力能回忆远处，RNN 会遗忘")
    said = Text(
        "Any two positions are one step apart in self-attention, and as many steps as lie between them in an RNN, "
        "which makes far dependencies hard to learn.",
        "自注意力中任意两个位置只隔一步，而 RNN 中隔着它们之间的所有步，因此远距离依赖难以学习。",
    )
    source = Text(
        "Vaswani et al. 2017, section 4, table 1; Hochreiter et al. 2001",
        "Vaswani 等 2017，第 4 节，表 1；Hochreiter 等 2001",
    )
    varied = Text("Encoder, and the distance from value to query.", "编码器，以及从值到查询的距离。")
    equal = Text(
        "Parameters of the encoders within 5 %, layers, width of embeddings, data, steps, order of the batches.",
        "编码器参数量（5 % 以内）、层数、嵌入宽度、数据、步数、批次顺序。",
    )
    controls = (
        Text(
            "Encoders alone: a decoder with attention could copy the value through cross-attention, so a linear layer "
            "reads the memory of the last place and nothing else.",
            "只用编码器：带注意力的解码器可以经交叉注意力复制，因此只由一个线性层读取最后一个位置的记忆。",
        ),
        Text(
            "Values and noise are different tokens, so recalling needs no counting and neither side any order.",
            "值与噪声是不同的词元，因此回忆不需计数，两边都不需要顺序。",
        ),
        Text(
            "The LSTM's forget gate begins open (Jozefowicz et al. 2015); its rate is tuned at each distance.",
            "LSTM 的遗忘门初始打开（Jozefowicz 等 2015）；学习率在每个距离上单独调。",
        ),
    )
    supports = Text(
        "At the largest distance the Transformer's accuracy is higher by more than 5 points: the 95 % interval of the "
        "paired difference is above that.",
        "在最大距离上 Transformer 的准确率高出 5 个百分点以上：配对差的 95 % 区间在其上。",
    )
    contradicts = Text("It is not: the interval is below 5 points.", "并非如此：区间在 5 个百分点以下。")
    minutes = Minutes(4, 210)
    rates = (1e-3, 4e-3, 1e-2)
    edition = 3

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each side, distance and seed."""
        distances = DISTANCES[setup.scale]
        seeds = setup.seeds()
        return [Cell((side, str(distance)), seed) for side in TEXT for distance in distances for seed in seeds]

    def run(self, cell: Cell, work: Work) -> Figures:
        """One encoder, trained at one distance."""
        full, distance = work.setup.full, int(cell.settings[1])
        task = recall(distance, work.generator(), values=VALUES, train=20_000 if full else 4000)
        width, layers = (64, 2) if full else (32, 2)
        reader = reader_side(cell.settings[0], vocabulary(VALUES), width, layers, VALUES)()
        history = train(reader, task, Budget(steps=1000, batch=16) if full else Budget(steps=200), work)
        return {**figures(reader, task, history), "parameters": parameters(reader.model, "encoder")}

    def verdict(self, results: Results) -> Verdict:
        """By the difference at the largest distance."""
        ahead = {n: results.difference("test", ("transformer", n), ("rnn", n)) for n in results.numbers("rnn")}
        far = list(ahead)[-1]
        least = {side: results.mean("test", side, far).times(100) for side in TEXT}
        other = ", ".join(f"{n}: {100 * gain.mean:.1f}" for n, gain in list(ahead.items())[:-1])
        why = Text(
            f"At distance {far} the Transformer is right in {least['transformer']} %, the RNN in {least['rnn']} %: a "
            f"difference of {ahead[far].times(100)} points. At smaller distances: {other}.",
            f"距离 {far} 时 Transformer 的准确率为 {least['transformer']} %，RNN 为 {least['rnn']} %："
            f"相差 {ahead[far].times(100)} 个百分点。较小距离上的差：{other}。",
        )
        needs = Text("More seeds, more steps, or larger distances.", "更多种子、更多步数，或更大的距离。")
        return judged([ahead[far].side(MARGIN)], why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Accuracy by distance."""
        guessing = [(1 / VALUES, Text("guessing", "猜测"))]
        title, tokens = Text("Recall by distance", "不同距离的回忆"), Text("tokens between", "相隔词元数")
        right = Text("share right", "正确比例")
        return [by_number(results, "test", TEXT, title, tokens, right, log_x=True, levels=guessing)]


CLAIM = Recall()
