"""Explanation documents made without a model, of each kind that the page and the picture have to show."""

import base64
import io
import math
from typing import Any

import numpy as np
from PIL import Image

from patchword.explain.packing import packed

ENGLISH = ["▁A", "▁man", "▁in", "▁a", "▁bl", "ue", "▁shirt", "▁rides", "▁his", "▁bike", "▁home", "."]
GERMAN = [
    "▁Ein",
    "▁Mann",
    "▁in",
    "▁einem",
    "▁bl",
    "auen",
    "▁Hemd",
    "▁fährt",
    "▁mit",
    "▁dem",
    "▁Rad",
    "▁nach",
    "▁Hause",
    ".",
]
HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "\u2028\u2029",
    "שלום",
    "مرحبا",
    "\N{WOMAN}\u200d\N{WOMAN}\u200d\N{GIRL} \N{BICYCLE}",
    "&amp;",
    "\ud800",
]


def text_document(
    pieces: int = 12, layers: int = 6, heads: int = 8, *, recurrent: bool = False, words: list[str] | None = None
) -> dict[str, Any]:
    """A translation's document: `pieces` source pieces and two more of the translation, attention near the diagonal."""
    draw = np.random.default_rng(pieces)
    source = [f"▁{word}" for word in words] if words else _cycle(ENGLISH, pieces)
    target = _cycle(GERMAN, pieces + 2)
    source[-1] = target[-1] = "</s>"
    if recurrent:
        layers = heads = 1
    axes = ("layer", "head")
    maps = {"cross": packed(_attention(draw, layers, heads, len(target), len(source)), (*axes, "target", "source"))}
    if not recurrent:
        maps["encoder"] = packed(_attention(draw, layers, heads, len(source), len(source)), (*axes, "source", "source"))
        causal = np.tril(_attention(draw, layers, heads, len(target), len(target)))
        maps["decoder"] = packed(causal / causal.sum(-1, keepdims=True), (*axes, "target", "target"))
    chosen = [round(float(one), 4) for one in draw.uniform(0.3, 0.98, len(target))]
    others = ["▁und", "▁der", "er", "▁mit"]
    weighed = [
        [{"piece": piece, "id": 100 + step, "probability": chance}]
        + [
            {"piece": other, "id": 900 + at, "probability": round((1 - chance) / 2 ** (at + 1), 5)}
            for at, other in enumerate(others)
        ]
        for step, (piece, chance) in enumerate(zip(target, chosen, strict=True))
    ]
    text = {
        "source": _joined(source),
        "translation": _joined(target),
        "score": -3.21,
        "source_pieces": source,
        "source_ids": list(range(40, 40 + len(source))),
        "target_pieces": target,
        "target_ids": list(range(100, 100 + len(target))),
        "source_words": _words(source),
        "target_words": _words(target),
        "maps": maps,
        "alignment": {
            "links": [[at, at] for at in range(min(len(_words(source)), len(_words(target))) - 1)],
            "reading": {"layer": None if recurrent else min(3, layers - 1), "shifted": False},
            "error": 0.087,
            "sentence": {"en": "Read from layer 4, the mean of its heads.", "zh": "取自第 4 层各头的平均。"},
        },
        "weighed": weighed,
        "chosen": chosen,
        "tree": {"nodes": _tree(target)},
    }
    return {
        "format": 1,
        "model": {
            "name": "rnn-en-de" if recurrent else "en-de",
            "task": "translation",
            "architecture": "recurrent" if recurrent else "transformer",
            "parameters": 61_234_567,
            "languages": ["en", "de"],
        },
        "title": _joined(source),
        "notes": [],
        "text": text,
        "walk": text_walk(source, target, weighed),
    }


def image_document(layers: int = 12, heads: int = 12, grid: int = 14, *, residual: bool = False) -> dict[str, Any]:
    """A classification's document: a ViT's attention by layer and head and the rest, or a ResNet's class activation."""
    draw = np.random.default_rng(grid)
    width, height = 512, 340
    picture = _picture(width, height)
    left = (width - height) / 2 / width
    seen = picture.crop((86, 0, 426, 340)).resize((224, 224))
    measured = {
        "deletion": {"mean": 0.213, "low": 0.187, "high": 0.241},
        "insertion": {"mean": 0.561, "low": 0.522, "high": 0.6},
        "images": 64,
    }
    flat = ("row", "column")
    if residual:
        maps = [_map("class_activation", _blob(7, 0.5, 0.6), flat, "tabby cat", measured)]
    else:
        attention = _blob(grid, 0.45, 0.55) * draw.gamma(2.0, 1.0, (layers, heads, grid, grid))
        attention /= attention.sum((-1, -2), keepdims=True)
        maps = [
            _map("attention", attention, ("layer", "head", "row", "column")),
            _map("rollout", _blob(grid, 0.5, 0.5), flat, measured=measured),
            _map("relevance", _blob(grid, 0.45, 0.6), flat, "tabby cat", measured),
            _map("class_activation", _blob(grid, 0.4, 0.6), flat, "tabby cat", measured),
        ]
    names = {"tabby cat": 0.71, "tiger cat": 0.18, "Egyptian cat": 0.06, "lynx, catamount": 0.01}
    names["a basket that somebody left in the garden"] = 0.0004
    image: dict[str, Any] = {
        "picture": _data_url(picture, "JPEG"),
        "width": width,
        "height": height,
        "seen": _data_url(seen, "PNG"),
        "seen_size": [224, 224],
        "box": [left, 0.0, 1 - left, 1.0],
        "predictions": [
            {"class": name, "probability": chance}
            for name, chance in zip(names, [0.71, 0.18, 0.06, 0.01, 0.0004], strict=True)
        ],
        "maps": maps,
        "distance": None,
        "positions": None,
        "filters": packed(
            draw.normal(size=(28, 16, 16, 3)).cumsum(1).cumsum(2), ("filter", "row", "column", "channel")
        ),
    }
    if not residual:
        distance = np.linspace(30, 110, layers)[:, None] + draw.normal(0, 18, (layers, heads))
        image["distance"] = {"array": packed(distance.clip(5), ("layer", "head")), "unit": "pixels"}
        image["positions"] = packed(_similarity(grid), ("row", "column", "row", "column"))
    return {
        "format": 1,
        "model": {
            "name": "resnet-50" if residual else "vit-b16",
            "task": "classification",
            "architecture": "residual_network" if residual else "vision_transformer",
            "parameters": 25_557_032 if residual else 86_567_656,
            "classes": 1000,
        },
        "title": "cat.jpg",
        "notes": [],
        "image": image,
        "walk": image_walk(layers, residual),
    }


def against(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {**one, "against": other}


def hostile_document() -> dict[str, Any]:
    """Strings that would be markup, end a script, turn the direction, or are no text at all."""
    document = text_document(len(HOSTILE) + 1, words=[*HOSTILE, "."])
    text = document["text"]
    text["translation"] = " ".join(HOSTILE)
    text["target_pieces"][: len(HOSTILE)] = HOSTILE
    text["weighed"][0][1]["piece"] = HOSTILE[0]
    text["tree"]["nodes"][0]["piece"] = HOSTILE[0]
    document["title"] = document["model"]["name"] = HOSTILE[0]
    document["notes"] = [*HOSTILE]
    document["walk"][0]["title"] = {"en": HOSTILE[0], "zh": HOSTILE[0]}
    return document


def text_walk(source: list[str], target: list[str], weighed: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    draw = np.random.default_rng(3)
    shown = source[:24]
    steps = [
        _step(
            "source.pieces",
            "source",
            "tokens",
            "Pieces and their numbers",
            items=[{"piece": piece, "id": 40 + at} for at, piece in enumerate(source)],
        ),
        _step(
            "source.embedding",
            "source",
            "matrix",
            "Embeddings times √d_model",
            paper="Vaswani et al. 2017, 3.4",
            formula="E(x_i) · √d_model",
            array=packed(draw.normal(size=(len(shown), 32)), ("source", "feature")),
            labels={"source": shown},
            shown="the first 32 of 512 features",
        ),
    ]
    for layer in range(6):
        scores = _attention(draw, 1, 1, len(shown), len(shown))[0, 0]
        steps.append(
            _step(
                f"encoder.{layer}.self_attention.weights",
                f"encoder.{layer}",
                "matrix",
                "Attention weights",
                paper="Vaswani et al. 2017, 3.2.1, equation 1",
                formula="softmax(QKᵀ / √d_k) V",
                array=packed(scores, ("query", "key")),
                labels={"query": shown, "key": shown},
            )
        )
        steps.append(
            _step(
                f"encoder.{layer}.feed_forward",
                f"encoder.{layer}",
                "matrix",
                "Feed-forward",
                paper="Vaswani et al. 2017, 3.3, equation 2",
                formula="max(0, xW₁ + b₁)W₂ + b₂",
                array=packed(draw.normal(size=(len(shown), 48)), ("source", "feature")),
                labels={"source": shown},
            )
        )
    items = [
        {"piece": piece, "id": 100 + at, "probability": found[0]["probability"], "weighed": found}
        for at, (piece, found) in enumerate(zip(target, weighed, strict=True))
    ]
    return [
        *steps,
        _step("words", "output", "words", "One word at a time", items=items),
    ]


def image_walk(layers: int, residual: bool) -> list[dict[str, Any]]:
    draw = np.random.default_rng(4)
    patches = np.asarray(_picture(224, 224), np.float32).reshape(14, 16, 14, 16, 3).swapaxes(1, 2)
    steps = [
        _step(
            "patches",
            "patches",
            "pictures",
            "Patches",
            paper="Dosovitskiy et al. 2021, 3.1",
            formula="x ∈ ℝ^(H×W×C) → x_p ∈ ℝ^(N×(P²·C))",
            array=packed(patches, ("row", "column", "row", "column", "channel")),
        ),
    ]
    for layer in range(layers):
        if residual:
            steps.append(
                _step(
                    f"stage.{layer % 4}.{layer}",
                    f"stage.{layer % 4}",
                    "pictures",
                    "Feature maps",
                    paper="He et al. 2016, 3.3",
                    array=packed(draw.normal(size=(12, 14, 14)), ("channel", "row", "column")),
                )
            )
            continue
        for name in ("query", "scores", "weights", "values", "residual", "feed_forward"):
            steps.append(
                _step(
                    f"encoder.{layer}.{name}",
                    f"encoder.{layer}",
                    "matrix",
                    name.replace("_", " ").capitalize(),
                    paper="Dosovitskiy et al. 2021, equation 2",
                    formula="z′ = MSA(LN(z)) + z",
                    array=packed(draw.normal(size=(24, 48)), ("token", "feature")),
                    shape=[197, 768],
                )
            )
    chances = [{"class": f"class {at}", "probability": 0.5 / 2**at} for at in range(5)]
    return [
        *steps,
        _step("head", "head", "bars", "Classes", items=chances),
    ]


def _step(identity: str, group: str, kind: str, title: str, **fields: Any) -> dict[str, Any]:
    array = fields.get("array")
    step = {
        "id": identity,
        "group": group,
        "heading": {"en": f"Part {group}", "zh": f"部分 {group}"},
        "title": {"en": title, "zh": "步骤"},
        "text": {"en": "What happens here, in one sentence for a learner.", "zh": "用一句话告诉学习者这里发生什么。"},
        "paper": None,
        "formula": None,
        "shape": array["shape"] if array else [],
        "axes": array["axes"] if array else [],
        "kind": kind,
        "array": None,
        "labels": {},
        "items": [],
        "statistics": {"mean": 0.01, "deviation": 0.98, "least": -3.2, "most": 3.4},
    }
    return {**step, **fields}


def _cycle(pieces: list[str], count: int) -> list[str]:
    return [pieces[at % len(pieces)] for at in range(count)]


def _words(pieces: list[str]) -> list[list[Any]]:
    words: list[list[Any]] = []
    for at, piece in enumerate(pieces):
        if words and not piece.startswith("▁") and piece != "</s>":
            words[-1][1:] = [at + 1, words[-1][2] + piece]
        else:
            words.append([at, at + 1, piece.removeprefix("▁")])
    return words


def _joined(pieces: list[str]) -> str:
    return "".join(pieces[:-1]).replace("▁", " ").strip()


def _attention(draw: np.random.Generator, layers: int, heads: int, rows: int, columns: int) -> np.ndarray:
    distance = np.abs(np.arange(rows)[:, None] / rows - np.arange(columns) / columns) * columns
    weights = np.exp(-distance / 2 + draw.normal(0, 0.7, (layers, heads, rows, columns)))
    return weights / weights.sum(-1, keepdims=True)


def _tree(target: list[str]) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    parents, score = [-1], 0.0
    for step, piece in enumerate(target):
        score -= 0.3
        last = step == len(target) - 1
        best = len(nodes)
        nodes.append(_node(parents[0], piece, 0.74, score, step, "best"))
        for rank, other in enumerate(["▁und", "▁eine", "er"]):
            state = "finished" if last and rank == 0 else "kept" if rank < 2 else "dropped"
            nodes.append(_node(parents[rank % len(parents)], other, 0.1 / (rank + 1), score - 0.8 - rank, step, state))
        parents = [best, best + 1, best + 2]
    return nodes


def _node(parent: int, piece: str, probability: float, score: float, step: int, state: str) -> dict[str, Any]:
    return {
        "parent": parent,
        "id": 7,
        "piece": piece,
        "probability": probability,
        "score": score,
        "step": step,
        "state": state,
    }


def _map(
    identity: str, values: np.ndarray, axes: tuple[str, ...], name: str | None = None, measured: Any = None
) -> dict[str, Any]:
    return {"id": identity, "class": name, "array": packed(values, axes), "measured": measured}


def _blob(grid: int, down: float, across: float) -> np.ndarray:
    rows, columns = np.mgrid[0:grid, 0:grid] / grid
    return np.exp(-((rows - down) ** 2 + (columns - across) ** 2) * 12)


def _similarity(grid: int) -> np.ndarray:
    place = np.arange(grid)
    near = np.cos(math.pi * (place[:, None] - place) / grid)
    return 0.5 * near[:, None, :, None] + 0.5 * near[None, :, None, :]


def _picture(width: int, height: int) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    hills = 128 + 60 * np.sin(columns / 37) * np.cos(rows / 23) + rows / 6
    inside = ((columns - width * 0.55) ** 2 + (rows - height * 0.5) ** 2) < (height * 0.27) ** 2
    pixels = np.stack([hills, hills * 0.9, hills * 0.6], -1)
    pixels[inside] = np.stack([210 - rows / 4, 120 + columns / 9, 60 + rows / 9], -1)[inside]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _data_url(image: Image.Image, form: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=form)
    return f"data:image/{form.lower()};base64," + base64.b64encode(buffer.getvalue()).decode()
