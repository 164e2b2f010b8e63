"""What a learner is told beside each step of the walk: by the last parts of its name, whichever network has it."""

from dataclasses import replace

from patchword.explain.walk_image_texts import IMAGE_TEXTS
from patchword.explain.walk_layer_texts import IMAGE_SOURCES, LAYER_TEXTS
from patchword.explain.walk_sentence_texts import SENTENCE_TEXTS
from patchword.explain.walk_told import Told

TEXTS = {**LAYER_TEXTS, **SENTENCE_TEXTS, **IMAGE_TEXTS}

_HEADINGS = {
    "source": ("The source: from pieces to vectors", "源句：从词片到向量"),
    "target": ("The target: from pieces to vectors", "目标句：从词片到向量"),
    "input": ("From the image to vectors", "从图像到向量"),
    "encoder": ("Encoder: layer {}", "编码器：第 {} 层"),
    "decoder": ("Decoder: layer {}", "解码器：第 {} 层"),
    "output": ("Words", "输出词"),
    "stem": ("The stem", "网络的开头"),
    "stages": ("Stage {}", "第 {} 阶段"),
    "head": ("The head: from the representation to classes", "分类头：从表示到类别"),
}
_AFTER_LAYERS = {
    "encoder": ("Encoder: after its layers", "编码器：各层之后"),
    "decoder": ("Decoder: after its layers", "解码器：各层之后"),
}
_DIRECTIONS = {"forwards": ("forwards", "正向"), "backwards": ("backwards", "反向")}


def told(name: str, image: bool = False) -> Told:
    """What is told of a step.

    Args:
        name: dotted; an unknown one is its own title.
        image: whether an image goes through the network, so that paper and formula are those for images.
    """
    parts = name.split(".")
    ends = (".".join(parts[-2:]), parts[-1])
    found = next((TEXTS[end] for end in ends if end in TEXTS), Told((name, name), ("", "")))
    if image:
        paper, formula = next(
            (IMAGE_SOURCES[end] for end in ends if end in IMAGE_SOURCES), (found.paper, found.formula)
        )
        found = replace(found, paper=paper, formula=formula)
    for part in parts[:-1]:
        if part in _DIRECTIONS:
            english, chinese = _DIRECTIONS[part]
            found = replace(found, title=(f"{found.title[0]}, {english}", f"{found.title[1]}（{chinese}）"))
    return found


def group_of(name: str) -> str:
    """The section that a step folds under: a layer, such as "encoder.0", or a part without layers, such as "head"."""
    first, *rest = name.split(".")
    return f"{first}.{rest[0]}" if rest and rest[0].isdigit() else first


def heading(group: str) -> tuple[str, str]:
    """A section's title in English and Chinese; an unknown one is its own."""
    part, _, number = group.partition(".")
    if not number and part in _AFTER_LAYERS:
        return _AFTER_LAYERS[part]
    english, chinese = _HEADINGS.get(part, (group, group))
    place = int(number) + 1 if number else ""
    return english.format(place), chinese.format(place)
