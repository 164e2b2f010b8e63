"""The walk: what it tells of each step, what it shows of the numbers, and how much room and time that takes."""

import json
import math
import re
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from patchword.explain.packing import unpacked
from patchword.explain.walk import walk_of_image, walk_of_text
from patchword.explain.walk_texts import TEXTS, group_of, heading, told
from patchword.explain.walk_windows import Windows, statistics
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.residual_network import ResidualNetwork, ResidualNetworkConfig
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer, VisionTransformerConfig
from patchword.nn.trace import Step
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


@pytest.mark.parametrize("system", [transformer, recurrent])
@torch.no_grad()
def test_words_are_the_likeliest_five_at_each_position_and_the_one_written(system: Any) -> None:
    torch.manual_seed(0)
    model = system()
    words = model.vocabulary
    ids, written = [5, 6, words.eos_id], [7, 8, 9, words.eos_id]
    steps = walk_of_text(model, ids, written, words.source_pieces(ids), words.target_pieces(written))
    found = step(steps, "output.probabilities")
    read = torch.tensor([[words.bos_id, *written[:-1]]])
    shares = model.model(torch.tensor([ids]), read).softmax(-1)[0]
    for place, (item, row) in enumerate(zip(found["items"], shares, strict=True)):
        best, items = row.topk(5), item["weighed"]
        assert [item["id"] for item in items] == best.indices.tolist()
        assert [item["piece"] for item in items] == words.target_pieces(best.indices.tolist())
        assert [item["probability"] for item in items] == pytest.approx(best.values.tolist(), rel=1e-2)
        assert (item["id"], item["piece"]) == (written[place], words.target_pieces(written)[place])
        assert item["probability"] == pytest.approx(row[written[place]].item(), rel=1e-2)
    assert found["shape"] == [4, words.target_size]


@pytest.mark.parametrize("written", [[], [9]])
def test_a_translation_of_nothing_or_of_one_piece_has_a_walk(written: list[int]) -> None:
    model = transformer()
    words = model.vocabulary
    ids = [words.eos_id]
    steps = walk_of_text(model, ids, written, words.source_pieces(ids), words.target_pieces(written))
    (item,) = step(steps, "output.probabilities")["items"]
    assert item["piece"] == (words.target_pieces(written)[0] if written else item["weighed"][0]["piece"])


def test_a_start_token_in_front_of_what_was_written_is_not_written() -> None:
    torch.manual_seed(0)
    model = transformer()
    words = model.vocabulary
    ids, written = [5, words.eos_id], [7, 8]
    plain = walk_of_text(model, ids, written, words.source_pieces(ids), words.target_pieces(written))
    given = [words.bos_id, *written]
    assert walk_of_text(model, ids, given, words.source_pieces(ids), words.target_pieces(given)) == plain


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
