"""Claim 2b: attention translates far dependencies better."""

from functools import partial

import torch

from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Figures, Minutes, Setup, Verdict, Work, judged
from patchword.compare.networks import parameters
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.results import Results
from patchword.compare.sides import TEXT, text_side
from patchword.compare.statistics import Interval
from patchword.compare.tasks.grammar import agreement, verbs_by_distance, verbs_right
from patchword.compare.tasks.multi30k import multi30k
from patchword.compare.tasks.pairs import Translation, accuracy
from patchword.compare.tasks.phrases import phrases
from patchword.compare.training import Budget, train
from patchword.compare.words import Text

TASKS = ("translation", "agreement")
ENDS = {"near": Text("shortest third", "最短三分之一"), "far": Text("longest third", "最长三分之一")}
# Words between subject and verb: least and most in training, and what no training sentence has.
DISTANCES = {"quick": (0, 6, 12), "full": (0, 20, 40)}
MARGIN = 0.01  # of accuracy


class FarTranslation(Claim):
    """Long sentences translated, and verbs that agree with far subjects, both with attention in the RNN's decoder."""

    number = "2b"
    slug = "far_translation"
    title = Text("Attention translates far dependencies better", "注意力更能翻译远距离依赖")
    said = Text(
        "Shorter paths between any two positions make it easier to learn long-range dependencies, so the Transformer "
        "translates long sentences and far agreement better than an RNN.",
        "任意两个位置间的路径越短，远距离依赖越容易学，因此 Transformer 翻译长句和远距离一致比 RNN 更好。",
    )
    source = Text(
        "Vaswani et al. 2017, section 4; against it Tang et al. 2018, 'Why Self-Attention?' (EMNLP), who found no "
        "advantage on agreement",
        "Vaswani 等 2017，第 4 节；反面：Tang 等 2018，“Why Self-Attention?”（EMNLP），在一致上未见优势",
    )
    varied = Text("Network and task.", "网络与任务。")
    equal = Text(
        "Parameters within 5 %, width of embeddings, data, steps, order of the batches.",
        "参数量（5 % 以内）、嵌入宽度、数据、步数、批次顺序。",
    )
    controls = (
        Text(
            "The RNN's decoder has attention (Bahdanau et al. 2015): one vector for a sentence would be a straw man.",
            "RNN 的解码器带注意力（Bahdanau 等 2015）：只用一个向量表示句子会是稻草人。",
        ),
        Text(
            "The shortest third and the least distance are reported beside: what is as much ahead there is no "
            "advantage from afar. So is twice the greatest distance of training.",
            "并列给出最短的三分之一和最小距离：若在那里同样领先，便不是远距离的优势。还给出训练最大距离的两倍。",
        ),
        Text(
            "Half of the words between subject and verb are nouns of either number; of the verb's two forms the right "
            "one must be likelier. Teacher forcing, so that no error follows from an earlier one.",
            "主语与动词之间半数是单复数随机的名词；动词两种形式中正确者须更可能。教师强制，使错误不会连锁。",
        ),
    )
    supports = Text(
        "Of the longest third of test sentences the Transformer has more tokens right, by more than 1 point, and so "
        "of verbs at the greatest distance of training: both 95 % intervals of the paired difference are above that.",
        "测试句中最长的三分之一，Transformer 的词元准确率高 1 个百分点以上；训练中最大距离处的动词也如此："
        "配对差的两个 95 % 区间都在其上。",
    )
    contradicts = Text("Of neither: both intervals are below that.", "两者都没有：两个区间都在其下。")
    minutes = Minutes(6, 140)
    rates = (1e-3, 3e-3, 1e-2)
    corpora = ("multi30k",)

    def cells(self, setup: Setup) -> list[Cell]:
        """One for each side, task and seed."""
        return [Cell((side, task), seed) for side in TEXT for task in TASKS for seed in setup.seeds()]

    def run(self, cell: Cell, work: Work) -> Figures:
        """`far` is of the longest third or of the greatest distance of training, `near` of the other end."""
        full, agrees, (near, far, _) = work.setup.full, cell.settings[1] == "agreement", DISTANCES[work.setup.scale]
        made = partial(agreement, work.generator(), distances=(near, far), test_distance=far, held_out=500)
        task = made(train=20_000 if full else 4000) if agrees else _translation(work)
        model = text_side(cell.settings[0], task.vocabulary, *(128, 2) if full else (32, 1))()
        steps = (4000 if full else 800) if agrees else (2000 if full else 300)
        train(model, task, Budget(steps), work)
        with torch.inference_mode():
            if agrees:
                distances = verbs_by_distance(model, DISTANCES[work.setup.scale], work.generator("distances"), 1000)
                ends = {"near": distances[f"distance{near}"], "far": distances[f"distance{far}"], **distances}
            else:
                ends = {end: accuracy(model, third) for end, third in zip(ENDS, task.test.thirds(), strict=True)}
            validation = (verbs_right if agrees else accuracy)(model, task.validation)
        return {"validation": validation, **ends, "parameters": parameters(model)}

    def verdict(self, results: Results) -> Verdict:
        """By the differences from afar; those from near are told beside."""
        far, near = ({task: _ahead(results, figure, task).times(100) for task in TASKS} for figure in ("far", "near"))
        ahead = [(name[8:], 100 * _ahead(results, name, "agreement").mean) for name in _distances(results)]
        beyond = ", ".join(f"{distance}: {points:.1f}" for distance, points in ahead)
        why = Text(
            f"The Transformer is ahead by {far['translation']} points on the longest third of sentences, by "
            f"{near['translation']} on the shortest; in agreement by {far['agreement']} at the greatest distance of "
            f"training, by {near['agreement']} at the least (words between: {beyond}). Tang et al. 2018 found no "
            "advantage in agreement.",
            f"Transformer 领先的百分点：最长三分之一句子 {far['translation']}，最短 {near['translation']}；"
            f"一致，训练最大距离 {far['agreement']}，最小 {near['agreement']}（相隔词数：{beyond}）。"
            "Tang 等 2018 在一致上未见优势。",
        )
        needs = Text("More seeds, or tasks that agree.", "更多种子，或结论一致的任务。")
        return judged([each.side(100 * MARGIN) for each in far.values()], why, needs)

    def plots(self, results: Results) -> list[Plot]:
        """Accuracy at both ends of the lengths, and of verbs by distance."""
        bars = [
            Series(name, [Point.of(TEXT[side].en, results.mean(end, side, "translation")) for side in TEXT])
            for end, name in ENDS.items()
        ]
        lines = [
            Series(n, [Point.of(float(d[8:]), results.mean(d, side, "agreement")) for d in _distances(results)])
            for side, n in TEXT.items()
        ]
        right, title = Text("share right", "正确比例"), Text("Next token, by length", "下一个词元，按长度")
        verbs, guessing = Text("Verbs that agree", "动词一致"), [(0.5, Text("guessing", "猜测"))]
        by_length = Plot(title, Text("network", "网络"), right, bars, kind="bars")
        return [by_length, Plot(verbs, Text("words between", "相隔词数"), right, lines, levels=guessing)]


def _translation(work: Work) -> Translation:
    """Multi30k where it is, a small part of it in the quick run; else CLDR's phrases."""
    full, folder = work.setup.full, work.setup.corpus("multi30k")
    if folder is not None:
        return multi30k(folder, work.seed) if full else multi30k(folder, work.seed, train=6000, words=4000)
    return phrases(work.seed, train=16_000, held_out=2000) if full else phrases(work.seed, held_out=1200, words=1500)


def _ahead(results: Results, figure: str, task: str) -> Interval:
    return results.difference(figure, ("transformer", task), ("rnn", task))


def _distances(results: Results) -> list[str]:
    """Names of the figures of agreement by distance, from near to far."""
    figures = next(figures for cell, figures in results.figures.items() if cell.settings[1] == "agreement")
    return sorted((name for name in figures if name.startswith("distance")), key=lambda name: int(name[8:]))


CLAIM = FarTranslation()
