"""The walk: what it tells of each step, what it shows of the numbers, and how much room and time that takes."""

import json
import math
import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import patchword.explain.page
from patchword.explain.packing import unpacked
from patchword.explain.walk import walk_of_image, walk_of_text
from patchword.explain.walk_texts import TEXTS, group_of, heading, told
from patchword.explain.walk_windows import Windows, statistics
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer, VisionTransformerConfig
from patchword.nn.trace import Step
from patchword.text.attended import read_pairs
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig

Walk = list[dict[str, Any]]
CLASSES = ("ant", "bee", "cat")


@cache
def vocabulary() -> Vocabulary:
    words = ["one two three four", "five six seven", "eight nine ten"]
    return Vocabulary.train(words, words, VocabularyConfig(size=300, shrink=True))


def translator(kind: Any, config: Any, **fields: Any) -> Translator:
    size = vocabulary().source_size
    return Translator(
        kind(config.parse({"source_vocab_size": size, "target_vocab_size": size, **fields}, "test")).eval(),
        vocabulary(),
    )


def transformer(**changes: Any) -> Translator:
    sizes = {"d_model": 16, "num_heads": 2, "encoder_layers": 2, "decoder_layers": 1, "d_ff": 64}
    return translator(Transformer, TransformerConfig, **{**sizes, **changes})


def recurrent(**changes: Any) -> Translator:
    return translator(Recurrent, RecurrentConfig, **{"embedding_size": 8, "hidden_size": 12, **changes})


def classifier(kind: Any, config: Any, size: tuple[int, int], **fields: Any) -> ImageClassifier:
    model = kind(config.parse({"num_classes": len(CLASSES), **fields}, "test")).eval()
    mean, deviation = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    return ImageClassifier(model, Preprocessing(image_size=size, mean=mean, std=deviation), CLASSES)


def vision(**changes: Any) -> ImageClassifier:
    sizes = {"d_model": 16, "num_heads": 2, "num_layers": 2, "d_ff": 32, "image_size": (16, 24), "patch_size": 4}
    return classifier(VisionTransformer, VisionTransformerConfig, (16, 24), **{**sizes, **changes})


def residual(**changes: Any) -> ImageClassifier:
    sizes = {"stem": "cifar", "stem_width": 4, "depths": [1, 2], "widths": [8, 32]}
    return classifier(ResidualNetwork, ResidualNetworkConfig, (16, 24), **{**sizes, **changes})


def text_walk(system: Translator, source: str = "one two three", target: str = "five six") -> Walk:
    words = system.vocabulary
    (ids,), (written,) = words.encode_source([source]), words.encode_target([target])
    written = [token for token in written if token != words.bos_id]
    return walk_of_text(system, ids, written, words.source_pieces(ids), words.target_pieces(written))


def pixels() -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(24), indexing="ij")
    return torch.stack([rows * 16, columns * 10, rows * 5 + columns * 5]).to(torch.uint8)


WALKS = {
    "Post-LN, sinusoids": lambda: text_walk(transformer()),
    "Pre-LN": lambda: text_walk(transformer(norm_first=True, activation="gelu_tanh", positions="sinusoidal_halves")),
    "no positions": lambda: text_walk(transformer(positions="none", activation="silu")),
    "learned positions": lambda: text_walk(transformer(positions="learned", max_positions=50)),
    "LSTM": lambda: text_walk(recurrent()),
    "GRU": lambda: text_walk(recurrent(cell="gru", attention="additive", input_feeding=False, encoder_layers=2)),
    "dot": lambda: text_walk(recurrent(attention="dot")),
    "patches": lambda: walk_of_image(vision(), pixels()),
    "mean": lambda: walk_of_image(
        vision(pool="mean", class_token=False, norm_after_pool=True, head_hidden=8), pixels()
    ),
    "all tokens": lambda: walk_of_image(
        vision(
            register_tokens=2,
            distillation_token=True,
            distillation_head=True,
            layer_scale=0.1,
            activation="swiglu",
            pool="class_token_and_mean",
        ),
        pixels(),
    ),
    "unscaled": lambda: text_walk(transformer(scale_embeddings=False)),
    "Post-LN image": lambda: walk_of_image(vision(norm_first=False, layer_scale=0.1), pixels()),
    "mean, normed": lambda: walk_of_image(vision(pool="mean", class_token=False, activation="gelu_tanh"), pixels()),
    "both, norm after": lambda: walk_of_image(vision(pool="class_token_and_mean", norm_after_pool=True), pixels()),
    "class token, norm after": lambda: walk_of_image(
        vision(norm_after_pool=True, activation="swiglu", d_ff=16), pixels()
    ),
    "ResNet-D": lambda: walk_of_image(
        residual(block="bottleneck", stem="imagenet", shortcut="average", downsampling="blur"), pixels()
    ),
    "zeros": lambda: walk_of_image(residual(shortcut="padded"), pixels()),
    "feature maps": lambda: walk_of_image(residual(), pixels()),
    "bottleneck": lambda: walk_of_image(residual(block="bottleneck", stem="imagenet"), pixels()),
}


@cache
def walk(name: str) -> Walk:
    torch.manual_seed(0)
    return WALKS[name]()


def step(steps: Walk, name: str) -> dict[str, Any]:
    (found,) = [found for found in steps if found["id"] == name]
    return found


@pytest.mark.parametrize("name", WALKS)
def test_every_step_is_told_in_both_languages(name: str) -> None:
    steps = walk(name)
    assert len({found["id"] for found in steps}) == len(steps)
    for found in steps:
        for part in ("title", "text", "heading", "shown"):
            assert set(found[part]) == {"en", "zh"}, found["id"]
            assert all(found[part].values()), (found["id"], part)
        assert found["title"]["en"] != found["id"], "nothing is told of it"
        assert re.search("[\u4e00-\u9fff]", found["text"]["zh"]), found["id"]
        assert not re.search("[\u4e00-\u9fff]", "".join(found[p]["en"] for p in ("title", "text", "heading", "shown")))
        assert found["heading"]["en"] != found["group"], found["id"]
        assert found["paper"], found["id"]
        assert re.search(r" \d{4}", found["paper"]), found["id"]


@pytest.mark.parametrize("name", WALKS)
def test_every_step_is_json_with_a_window_of_its_numbers(name: str) -> None:
    for found in json.loads(json.dumps(walk(name), allow_nan=False)):
        assert len(found["axes"]) == len(found["shape"])
        assert "batch" not in found["axes"]
        if found["kind"] in ("tokens", "words"):
            assert found["array"] is None
            assert len(found["items"]) == found["shape"][0]
            continue
        values, array = unpacked(found["array"]), found["array"]
        if found["kind"] == "matrix":
            assert values.ndim == 2
            assert values.shape[0] <= 24
            assert values.shape[1] <= 48
        elif found["kind"] == "bars":
            assert values.ndim == 1
        else:
            assert found["kind"] == "pictures"
            assert [axis for axis in array["axes"] if axis in ("row", "column")] == ["row", "column"]
        for axis, labels in found["labels"].items():
            assert len(labels) == max(n for a, n in zip(array["axes"], array["shape"], strict=True) if a == axis)
        kept = found["statistics"]
        assert kept["least"] <= kept["mean"] <= kept["most"]
        assert kept["deviation"] >= 0
        if not {"colour", "row"} & set(found["axes"]):
            assert kept["least"] - 1e-4 <= values.min()
            assert values.max() <= kept["most"] + 1e-4


def test_nothing_is_told_of_a_step_that_no_network_has() -> None:
    seen = [found["id"] for name in WALKS for found in walk(name)]
    unseen = {name for name in TEXTS if not any(f".{step}".endswith(f".{name}") for step in seen)}
    assert not unseen


EQUATIONS = [
    ("Post-LN, sinusoids", r"Vaswani et al\. 2017.*equation 1\b", "encoder.0.self_attention.weighted_values"),
    ("Post-LN, sinusoids", r"Vaswani et al\. 2017.*equation 2\b", "decoder.0.feed_forward.relu"),
    ("Post-LN, sinusoids", r"Vaswani et al\. 2017, 3\.2\.2", "encoder.0.self_attention.output"),
    ("Post-LN, sinusoids", r"Vaswani et al\. 2017, 3\.2\.2 and 3\.2\.3", "decoder.0.cross_attention.query"),
    ("Post-LN, sinusoids", r"Vaswani et al\. 2017, 3\.2\.3", "decoder.0.self_attention.mask"),
    ("Post-LN, sinusoids", r"Vaswani et al\. 2017, 3\.4", "source.scaled_embedding"),
    ("Post-LN, sinusoids", r"Vaswani et al\. 2017, 3\.4", "output.probabilities"),
    ("Post-LN, sinusoids", r"Vaswani et al\. 2017, 3\.5", "source.sinusoids"),
    ("Post-LN, sinusoids", r"Vaswani et al\. 2017, 3\.1", "encoder.1.feed_forward.norm"),
    ("patches", r"Dosovitskiy et al\. 2021.*equation 1\b", "input.embedded_patches"),
    ("patches", r"Dosovitskiy et al\. 2021.*equation 2\b", "encoder.1.self_attention.sum_of_norm_before"),
    ("patches", r"Dosovitskiy et al\. 2021.*equation 3\b", "encoder.1.feed_forward.sum_of_norm_before"),
    ("patches", r"Dosovitskiy et al\. 2021.*equation 4\b", "head.pooled_class_token"),
    ("patches", r"Dosovitskiy et al\. 2021, A, equation 5\b", "encoder.0.self_attention.query"),
    ("patches", r"Dosovitskiy et al\. 2021, A, equation 6\b", "encoder.0.self_attention.weights"),
    ("patches", r"Dosovitskiy et al\. 2021, A, equation 7\b", "encoder.0.self_attention.weighted_values"),
    ("patches", r"Dosovitskiy et al\. 2021, A, equation 8\b", "encoder.0.self_attention.output"),
    ("GRU", r"Bahdanau et al\. 2015, 3\.1, equation 5\b", "decoder.attention.context"),
    ("GRU", r"Bahdanau et al\. 2015, 3\.1, equation 6\b", "decoder.attention.alignment"),
    ("GRU", r"Bahdanau et al\. 2015.*equation 7\b", "encoder.0.annotations"),
    ("LSTM", r"Luong et al\. 2015.*equation 5\b", "decoder.attention.attentional_state"),
    ("LSTM", r"Luong et al\. 2015.*equation 6\b", "output.probabilities"),
    ("LSTM", r"Luong et al\. 2015.*equation 7\b", "decoder.attention.alignment"),
    ("LSTM", r"Luong et al\. 2015.*equation 8 \(general\)", "decoder.attention.general_scores"),
    ("dot", r"Luong et al\. 2015.*equation 8 \(dot\)", "decoder.attention.dot_scores"),
    ("GRU", r"Luong et al\. 2015.*equation 8 \(concat\)", "decoder.attention.additive_scores"),
    ("LSTM", r"Hochreiter & Schmidhuber 1997, 4", "encoder.0.forwards.lstm.input_gate"),
    ("GRU", r"Cho et al\. 2014.*equation 5\b", "encoder.1.backwards.gru.reset_gate"),
    ("GRU", r"Cho et al\. 2014.*equation 6\b", "encoder.1.backwards.gru.update_gate"),
    ("GRU", r"Cho et al\. 2014.*equation 7\b", "decoder.0.gru.hidden"),
    ("GRU", r"Cho et al\. 2014.*equation 8\b", "decoder.0.gru.candidate"),
    ("feature maps", r"He et al\. 2016.*equation 1\b", "stages.1.0.branch"),
    ("feature maps", r"He et al\. 2016.*equation 2\b", "stages.1.0.shortcut"),
    ("zeros", r"He et al\. 2016, 3\.3 and 4\.2", "stages.1.0.padded_shortcut"),
    ("all tokens", r"\(DeiT\), 4", "input.distillation_token"),
    ("LSTM", r"Luong et al\. 2015, 3\.3", "decoder.0.input_feeding"),
    ("LSTM", r"Luong et al\. 2015, 3, equation 5", "decoder.attention.attentional_state"),
]


@pytest.mark.parametrize(("name", "paper", "at"), EQUATIONS)
def test_a_reader_of_the_papers_finds_each_equation_beside_its_step(name: str, paper: str, at: str) -> None:
    found = step(walk(name), at)
    assert re.search(paper, found["paper"]), found["paper"]
    assert found["formula"]


def test_pieces_come_first_on_each_side_and_the_decoder_reads_what_was_written_before() -> None:
    steps = walk("Post-LN, sinusoids")
    assert steps[0]["id"] == "source.pieces"
    ids = [found["id"] for found in steps]
    assert ids.index("target.pieces") == ids.index("target.embedding") - 1
    words = vocabulary()
    (source,) = words.encode_source(["one two three"])
    assert [item["id"] for item in steps[0]["items"]] == source
    assert [item["piece"] for item in steps[0]["items"]] == words.source_pieces(source)
    read = step(steps, "target.pieces")["items"]
    assert read[0]["id"] == words.bos_id
    written = [item["id"] for item in step(steps, "output.probabilities")["items"]]
    assert [item["id"] for item in read[1:]] == written[:-1]
    assert written[-1] == words.eos_id


@pytest.mark.parametrize("renormalise", [False, True])
@pytest.mark.parametrize("system", [transformer, recurrent])
@torch.no_grad()
def test_words_are_the_likeliest_five_of_forced_decoding_and_the_one_written(system: Any, renormalise: bool) -> None:
    torch.manual_seed(0)
    model = system()
    model.options = model.options.changed({"renormalise": renormalise}, "test")
    words = model.vocabulary
    ids, written = [5, 6, words.eos_id], [7, 8, 9, words.eos_id]
    steps = walk_of_text(model, ids, written, words.source_pieces(ids), words.target_pieces(written))
    found = step(steps, "output.probabilities")
    (pair,) = read_pairs(model.model, words, [ids], [written], 5, renormalise)
    for place, (item, best) in enumerate(zip(found["items"], pair.likeliest, strict=True)):
        items = item["weighed"]
        assert [item["id"] for item in items] == [token for token, _ in best]
        assert [item["piece"] for item in items] == words.target_pieces([token for token, _ in best])
        assert [item["probability"] for item in items] == pytest.approx([math.exp(p) for _, p in best], rel=1e-3)
        assert (item["id"], item["piece"]) == (written[place], words.target_pieces(written)[place])
        assert item["probability"] == pytest.approx(math.exp(pair.log_probabilities[place]), rel=1e-3)
    assert found["shape"] == [4, words.target_size]


@pytest.mark.parametrize("written", [[], [9]])
def test_a_translation_of_nothing_or_of_one_piece_has_a_walk(written: list[int]) -> None:
    model = transformer()
    words = model.vocabulary
    ids = [words.eos_id]
    steps = walk_of_text(model, ids, written, words.source_pieces(ids), words.target_pieces(written))
    (item,) = step(steps, "output.probabilities")["items"]
    assert item["piece"] == (words.target_pieces(written)[0] if written else item["weighed"][0]["piece"])


def test_the_mask_of_the_decoder_hides_what_comes_later() -> None:
    mask = unpacked(step(walk("Post-LN, sinusoids"), "decoder.0.self_attention.mask")["array"])
    assert np.array_equal(mask, np.tril(np.ones_like(mask)))


def test_axes_of_attention_are_labelled_with_the_pieces() -> None:
    steps = walk("Post-LN, sinusoids")
    source = [item["piece"] for item in step(steps, "source.pieces")["items"]]
    read = [item["piece"] for item in step(steps, "target.pieces")["items"]]
    found = step(steps, "decoder.0.cross_attention.weights")
    assert found["axes"] == ["head", "target", "source"]
    assert found["labels"] == {"target": read[:24], "source": source[:48]}
    assert found["shown"]["en"].startswith("head 1 of 2")


def test_a_reader_can_compute_a_step_again_from_the_numbers_shown() -> None:
    query, key, scores, weights, value, found = (
        unpacked(step(walk("Post-LN, sinusoids"), f"encoder.0.self_attention.{name}")["array"])
        for name in ("query", "key", "scores", "weights", "value", "weighted_values")
    )
    assert np.allclose(scores, query @ key.T / math.sqrt(8), atol=1e-3)
    assert np.allclose(weights, np.exp(scores) / np.exp(scores).sum(1, keepdims=True), atol=1e-3)
    assert np.allclose(found, weights @ value, atol=1e-3)


def values_of(name: str, at: str) -> np.ndarray:
    return unpacked(step(walk(name), at)["array"])


# What each formula that may stand beside an activation makes of the inner layer.
ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "max(0, xW₁ + b₁)": F.relu,
    "GELU(x) = x Φ(x)": F.gelu,
    "0.5x (1 + tanh(√(2/π) (x + 0.044715x³)))": lambda x: F.gelu(x, approximate="tanh"),
    "x σ(x)": F.silu,
    "silu(xW + b) ⊙ (xV + c)": lambda x: F.silu(x.chunk(2, 1)[0]) * x.chunk(2, 1)[1],
}


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("Post-LN, sinusoids", "relu"),
        ("Pre-LN", "gelu_tanh"),
        ("no positions", "silu"),
        ("patches", "gelu"),
        ("class token, norm after", "swiglu"),
    ],
)
def test_the_formula_beside_the_feed_forward_network_is_that_of_its_activation(name: str, activation: str) -> None:
    at = "encoder.0.feed_forward"
    inner = values_of(name, f"{at}.{'gated_inner' if activation == 'swiglu' else 'inner'}")
    found = step(walk(name), f"{at}.{activation}")
    assert np.allclose(ACTIVATIONS[found["formula"]](torch.from_numpy(inner)), unpacked(found["array"]), atol=1e-3)
    # Whatever the activation is, the output is told by what the step before it shows.
    assert step(walk(name), f"{at}.output")["formula"].removeprefix("MLP(x) = ") == "a W₂ + b₂"


@pytest.mark.parametrize("name", ["Post-LN, sinusoids", "unscaled", "learned positions"])
def test_positions_are_added_to_the_embeddings_as_they_are(name: str) -> None:
    ids = [found["id"] for found in walk(name)]
    assert ("source.scaled_embedding" in ids) == (name != "unscaled")
    embedding = values_of(name, "source.embedding" if name == "unscaled" else "source.scaled_embedding")
    learned = name == "learned positions"
    positions = values_of(name, "source.learned_positions" if learned else "source.sinusoids")
    found = step(walk(name), "source.learned_positions_added" if learned else "source.positions_added")
    assert np.allclose(unpacked(found["array"]), embedding + positions, atol=1e-3)
    assert found["formula"] == ("e + p" if learned else "e + PE")


@pytest.mark.parametrize(
    ("name", "at", "before"),
    [
        ("patches", "pooled_class_token", "encoder.norm"),
        ("class token, norm after", "pooled_class_token_unnormed", "encoder.1.feed_forward.sum_of_norm_before"),
        ("Post-LN image", "pooled_class_token_unnormed", "encoder.1.feed_forward.norm_of_scaled_sum"),
        ("mean, normed", "pooled_mean", "encoder.norm"),
        ("mean", "pooled_mean_unnormed", "encoder.1.feed_forward.sum_of_norm_before"),
        ("all tokens", "pooled_class_token_and_mean", "encoder.norm"),
        ("both, norm after", "pooled_class_token_and_mean_unnormed", "encoder.1.feed_forward.sum_of_norm_before"),
    ],
)
def test_a_norm_stands_in_the_representations_formula_where_there_is_one(name: str, at: str, before: str) -> None:
    found = step(walk(name), f"head.{at}")
    tokens = values_of(name, before)
    expected = tokens.mean(0) if "pooled_mean" in at else tokens[0]
    assert np.allclose(unpacked(found["array"])[:16], expected, atol=1e-3)
    assert ("LN(" in found["formula"]) == (before == "encoder.norm")
    assert ("norm" in found["text"]["en"]) == (before == "encoder.norm")


@pytest.mark.parametrize(
    ("name", "at", "formula"),
    [
        ("patches", "input.embedded_patches", "z₀ = [x_class; e₁;"),
        ("mean", "input.embedded_patches_alone", "z₀ = [e₁;"),
        ("all tokens", "input.embedded_patches_and_distillation_token", "z₀ = [x_class; x_distill; e₁;"),
        ("patches", "encoder.0.feed_forward.sum_of_norm_before", "z_ℓ = MLP("),
        ("all tokens", "encoder.0.feed_forward.scaled_sum_of_norm_before", "z_ℓ = λ ⊙ MLP("),
        ("all tokens", "head.both.probabilities", "softmax((yW + b + y′W′ + b′) / 2)"),
        ("feature maps", "stages.1.0.shortcut", "BN(W_s x)"),
        ("zeros", "stages.1.0.padded_shortcut", "[x; 0]"),
        ("ResNet-D", "stages.1.0.average_shortcut", "BN(W_s mean(x))"),
        ("LSTM", "encoder.0.forwards.lstm.forget_gate", "f_t = σ(W_f x_t + U_f h_t₋₁ + b_f)"),
        ("LSTM", "encoder.0.backwards.lstm.forget_gate", "f_t = σ(W_f x_t + U_f h_t₊₁ + b_f)"),
        ("LSTM", "encoder.0.backwards.lstm.cell", "c_t = f_t ⊙ c_t₊₁ + i_t ⊙ g_t"),
        ("GRU", "encoder.0.backwards.gru.candidate", "h̃_t = tanh(W x_t + b + r_t ⊙ (U h_t₊₁ + b′))"),
        ("LSTM", "decoder.0.input_feeding", "x_t = [E[y_t₋₁]; h̃_t₋₁]"),
        ("Post-LN, sinusoids", "encoder.0.self_attention.query", "QW_i^Q + b_i^Q"),
        ("patches", "encoder.0.self_attention.query", "[q, k, v] = z U_qkv + b"),
    ],
)
def test_a_formula_is_that_of_the_models_own_variant(name: str, at: str, formula: str) -> None:
    assert step(walk(name), at)["formula"].startswith(formula)


def test_who_reads_backwards_is_told_what_comes_before() -> None:
    for system, cell in (("LSTM", "lstm"), ("GRU", "gru")):
        assert "read from its end" in step(walk(system), f"encoder.0.backwards.{cell}.hidden")["text"]["en"]
        assert "read from its end" not in step(walk(system), f"encoder.0.forwards.{cell}.hidden")["text"]["en"]


def test_a_decoder_that_is_fed_reads_the_embedding_and_then_the_last_attentional_state() -> None:
    fed, embedding = values_of("LSTM", "decoder.0.input_feeding"), values_of("LSTM", "target.embedding")
    states = values_of("LSTM", "decoder.attention.attentional_state")
    assert np.allclose(fed[:, :8], embedding, atol=1e-3)
    assert np.allclose(fed[:, 8:], np.vstack([np.zeros(8), states[:-1]]), atol=1e-3)
    assert "decoder.0.input_feeding" not in [found["id"] for found in walk("GRU")]


def test_a_small_stem_is_that_of_the_papers_small_networks() -> None:
    assert step(walk("zeros"), "stem.small_convolution")["paper"].endswith(", 4.2")
    assert "table 1" in step(walk("bottleneck"), "stem.convolution")["paper"]


def test_a_thing_has_one_name_in_chinese_in_the_walk_and_on_the_page() -> None:
    page = Path(patchword.explain.page.__file__).parent / "page" / "chinese.js"
    said = [page.read_text(encoding="utf-8").replace("axis-token", "")]
    said += ["".join((*one.title[1:], *one.text[1:])) for one in TEXTS.values()]
    said += [found[part]["zh"] for name in WALKS for found in walk(name) for part in ("heading", "shown")]
    others = ("源句", "目标句", "源词", "目标词", "分类词元", " token", "输出头", "网络的开头", "子词")
    assert not [(word, text) for text in said for word in others if word in text]


def test_tokens_of_an_image_are_labelled_in_their_order() -> None:
    steps = walk("all tokens")
    assert step(steps, "input.distillation_token")["labels"]["token"][:2] == ["[DIST]", "1"]
    assert step(steps, "input.class_token")["labels"]["token"][:3] == ["[CLS]", "[DIST]", "1"]
    weights = step(steps, "encoder.0.self_attention.weights")["labels"]["token"]
    assert weights == ["[CLS]", "[DIST]", "[REG 1]", "[REG 2]", *(str(number) for number in range(1, 25))]
    assert step(walk("mean"), "encoder.0.self_attention.weights")["labels"]["token"][0] == "1"


def test_pictures_have_the_colours_of_the_image() -> None:
    image = pixels().permute(1, 2, 0).numpy() / 255
    found = step(walk("patches"), "input.image")
    assert found["array"]["axes"] == ["picture", "row", "column", "channel"]
    assert np.allclose(unpacked(found["array"])[0], image, atol=3e-3)
    patches = unpacked(step(walk("patches"), "input.patches")["array"])
    assert patches.shape == (4, 6, 4, 4, 3)
    assert np.allclose(patches[1, 1], image[4:8, 4:8], atol=3e-3)  # the second row's second


def test_feature_maps_are_the_first_sixteen_and_reduced() -> None:
    steps = walk("feature maps")
    found = step(steps, "stages.1.0.block_output")
    assert (found["shape"], found["array"]["shape"]) == ([32, 8, 12], [16, 8, 12])
    large = Windows()(Step("maps", ("batch", "channel", "row", "column"), torch.ones(1, 4, 100, 50)))
    assert large.values.shape == (4, 24, 12)
    assert "24 × 12 means of 100 × 50 pixels" in large.shown[0]


def test_classes_are_bars_with_their_names_likeliest_first() -> None:
    found = step(walk("feature maps"), "head.probabilities")
    values = unpacked(found["array"])
    assert found["kind"] == "bars"
    assert sorted(item["class"] for item in found["items"]) == list(CLASSES)
    assert [item["probability"] for item in found["items"]] == pytest.approx(list(values), abs=1e-3)
    assert values.sum() == pytest.approx(1, abs=1e-3)
    assert list(values) == sorted(values, reverse=True)


def test_a_window_keeps_no_more_memory_than_it_shows() -> None:
    window = Windows()(Step("scores", ("batch", "head", "query", "key"), torch.rand(1, 8, 200, 300)))
    assert window.values.untyped_storage().nbytes() == 24 * 48 * 4
    assert (window.axes, window.shape) == (("head", "query", "key"), (8, 200, 300))
    assert window.shown[0] == "head 1 of 8; query 1–24 of 200; key 1–48 of 300"


def test_statistics_are_of_all_finite_numbers() -> None:
    values = torch.tensor([1.0, 2.0, 3.0, 6.0, -math.inf, math.nan])
    assert statistics(values) == {"mean": 3.0, "deviation": 1.87083, "least": 1.0, "most": 6.0}
    assert statistics(torch.tensor([])) == {"mean": 0.0, "deviation": 0.0, "least": 0.0, "most": 0.0}


def test_what_a_broken_network_computes_is_still_json() -> None:
    window = Windows()(Step("sum", ("batch", "channel"), torch.tensor([[1.0, math.nan, math.inf, -math.inf, 5.0]])))
    assert window.values.tolist() == [1, 3, 5, 1, 5]


def test_an_unknown_step_and_an_unknown_section_are_called_what_they_are_called() -> None:
    assert told("warp.3.flux").title == ("warp.3.flux", "warp.3.flux")
    assert heading(group_of("warp.3.flux")) == ("warp.3", "warp.3")
    assert (group_of("stages.1.2.branch"), group_of("encoder.norm")) == ("stages.1", "encoder")


def test_a_walk_leaves_the_network_as_it_was() -> None:
    model = vision()
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    mode = model.model.training
    walk_of_image(model, pixels())
    assert model.model.training == mode
    assert all(torch.equal(value, before[name]) for name, value in model.model.state_dict().items())


def seconds(work: Callable[[], Any]) -> float:
    """Of the processor, whatever else it does."""
    start = time.process_time()
    work()
    return time.process_time() - start


def test_the_walk_of_a_vit_b_16_takes_little_room_and_little_time() -> None:
    model = VisionTransformer(VisionTransformerConfig.named("B/16", len(CLASSES))).eval()
    system = ImageClassifier(model, Preprocessing(image_size=(224, 224)), CLASSES)
    noise = torch.randint(0, 256, (3, 224, 224), dtype=torch.uint8)  # which cannot be compressed
    with torch.inference_mode():
        plain = min(seconds(lambda: model(torch.zeros(1, 3, 224, 224))) for _ in range(2))
    steps: Walk = []
    assert seconds(lambda: steps.extend(walk_of_image(system, noise))) < 4 * plain  # 1.5 times, alone on a core
    assert len(json.dumps(steps)) < 1_500_000
    assert step(steps, "input.patches")["shape"] == [14, 14, 3, 16, 16]
    assert step(steps, "input.patch_embedding")["shape"] == [196, 768]
    assert step(steps, "input.class_token")["shape"] == [197, 768]


def test_the_walk_of_a_base_transformer_with_200_pieces_takes_little_room() -> None:
    size = vocabulary().source_size
    system = Translator(Transformer(TransformerConfig.named("base", size, size)).eval(), vocabulary())
    ids = [4 + place % 20 for place in range(199)] + [vocabulary().eos_id]
    pieces = vocabulary().source_pieces(ids)
    assert len(json.dumps(walk_of_text(system, ids, ids, pieces, pieces))) < 2_000_000
