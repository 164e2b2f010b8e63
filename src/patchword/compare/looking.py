"""Where networks look, measured: word links beside known ones, image maps beside random orders."""

import math

import torch
from torch import Tensor

from patchword.compare.tasks.classes import Split
from patchword.compare.tasks.language import Linked, Links
from patchword.compare.tasks.pairs import PAD, Pairs
from patchword.explain.alignment import Reading, links_of, readings, word_weights
from patchword.explain.alignment_error import Counts, GoldPair, alignment_error_rate
from patchword.explain.deletion import CELLS, Areas, areas, on_cells, order_of
from patchword.explain.distance import attention_distance
from patchword.explain.image_maps import image_maps
from patchword.explain.receptive_field import field_distance
from patchword.explain.words import Word
from patchword.models.contracts import ImageModel, SequenceToSequence

ORDERS = 5  # at random, whose mean every map is compared with


def link_errors(model: SequenceToSequence, pairs: Pairs, gold: list[Links]) -> dict[Reading, float]:
    """Alignment error rate (Och & Ney 2003) of every way of reading a network's attention; a token is a word.

    Args:
        model: in evaluation mode.
        pairs: sources and targets.
        gold: the links of each.
    """
    device = next(model.parameters()).device
    found: dict[Reading, list[Counts]] = {}
    for source, target, links in zip(pairs.source, pairs.target, gold, strict=True):
        source, target = source[source != PAD][None].to(device), target[target != PAD][None].to(device)
        cross = model.evidence(source, target[:, :-1])["cross"].values[:, 0].cpu()
        # Without END of the source, and without START and END of the target.
        words = [
            [Word(place, place + 1, "") for place in range(size)] for size in (source.size(1) - 1, cross.size(2) - 1)
        ]
        for reading in readings(len(cross)):
            weights = word_weights(cross, reading, *words)
            found.setdefault(reading, []).append(_counts(links_of(weights, reading.both), links))
    return {reading: alignment_error_rate(counts) for reading, counts in found.items()}


def read_links(model: SequenceToSequence, data: Linked, generator: torch.Generator) -> dict[str, float]:
    """The `error` of the test's links, read in the way that does best in validation; `random` and `diagonal` links'
    errors; and by how much it is `below` random links'.
    """
    errors = link_errors(model, data.task.validation, data.validation)
    best = min(errors, key=lambda reading: errors[reading])
    error, blind = link_errors(model, data.task.test, data.test)[best], blind_errors(data.test, generator)
    return {"error": error, "below": blind["random"] - error, **blind}


def blind_errors(gold: list[Links], generator: torch.Generator) -> dict[str, float]:
    """The error of links that look at no word: `random` ones, and the `diagonal`."""
    found: dict[str, list[Counts]] = {"random": [], "diagonal": []}
    for links in gold:
        source, target = (max(link[side] for link in links) + 1 for side in (0, 1))
        drawn = torch.randint(source, (target,), generator=generator).tolist()
        ways = {"random": drawn, "diagonal": [place * source // target for place in range(target)]}
        for name, chosen in ways.items():
            found[name].append(_counts([(word, place) for place, word in enumerate(chosen)], links))
    return {name: alignment_error_rate(counts) for name, counts in found.items()}


def map_gains(model: ImageModel, split: Split, generator: torch.Generator) -> dict[str, float]:
    """How much better than a random order each of a network's maps is, by deletion and insertion (RISE).

    Args:
        model: in evaluation mode.
        split: images, a few dozen.
        generator: of random orders, and between equals.

    Returns:
        means over the images, positive where the map is better than random: `attention_deletion` and so on.
    """
    device = next(model.parameters()).device
    low, high = float(split.inputs.min()), float(split.inputs.max())
    pixels = ((split.inputs - low) / (high - low) * 255).round().to(torch.uint8)
    channels = pixels.size(1)
    # Three equal channels for what is grey, since images are blurred as people see them.
    pixels = pixels.expand(-1, 3, -1, -1)
    plain = torch.full((3,), round(-low / (high - low) * 255), dtype=torch.uint8)

    def inputs(images: Tensor) -> Tensor:
        return images[:, :channels].to(device).float() / 255 * (high - low) + low

    def probabilities(images: Tensor) -> Tensor:
        with torch.inference_mode():
            return model(inputs(images)).softmax(1)

    logits, evidence = model.answer_and_all_evidence(inputs(pixels))
    maps = {name: on_cells(each.detach().cpu(), (CELLS, CELLS)) for name, each in image_maps(evidence).items()}
    gains: dict[str, list[float]] = {}
    for number, (image, chosen) in enumerate(zip(pixels, logits.argmax(1).tolist(), strict=True)):
        orders = [torch.randperm(CELLS * CELLS, generator=generator) for _ in range(ORDERS)]
        orders += [order_of(each[number], generator) for each in maps.values()]
        curves = areas(probabilities, image, chosen, torch.stack(orders), plain, (CELLS, CELLS))
        random = Areas(*(each[:ORDERS].mean() for each in curves))
        for place, name in enumerate(maps, ORDERS):
            gains.setdefault(f"{name}_deletion", []).append(float(random.deletion - curves.deletion[place]))
            gains.setdefault(f"{name}_insertion", []).append(float(curves.insertion[place] - random.insertion))
    return {name: math.fsum(values) / len(values) for name, values in gains.items()}


def reaches(model: ImageModel, images: Tensor, state: str) -> dict[str, float]:
    """How far each layer reaches, in pixels, by figures that end with the layer's number.

    Args:
        model: in evaluation mode.
        images: normalised, (batch, channels, height, width).
        state: what the figures' names say of the network, such as "trained".

    Returns:
        `field_STATE1` on, the effective receptive field. Where the network attends to patches also `attention_STATE1`
        on, means over heads, and of the first layer's furthest head `pixels_STATE`, `far_STATE`, a multiple of what
        uniform attention has, and `focus_STATE`, its divergence from uniform attention in nats; and `uniform`.
    """
    found = {f"field_{state}{n}": float(each) for n, each in enumerate(field_distance(model, images), 1)}
    with torch.inference_mode():
        attention = model.evidence(images).get("encoder")
    if attention is None or attention.grid is None:
        return found
    size = (images.size(2), images.size(3))
    distances = attention_distance(attention, size).mean(1)
    found |= {f"attention_{state}{n}": float(each) for n, each in enumerate(distances.mean(1), 1)}
    patches = math.prod(attention.grid)
    weights = attention.values[0, :, int(distances[0].argmax()), -patches:, -patches:]
    weights = weights / weights.sum(-1, keepdim=True)
    flat = type(attention)(attention.axes, torch.full_like(attention.values[:1], 1 / patches), attention.grid)
    uniform = float(attention_distance(flat, size).mean())
    pixels, focus = (
        float(distances[0].max()),
        float((weights * (weights * patches).clamp(min=1e-12).log()).sum(-1).mean()),
    )
    return found | {
        f"pixels_{state}": pixels,
        f"far_{state}": pixels / uniform,
        f"focus_{state}": focus,
        "uniform": uniform,
    }


def _counts(links: list[tuple[int, int]], gold: Links) -> Counts:
    return Counts.of(links, GoldPair("", "", gold, gold))
