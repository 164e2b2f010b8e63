"""What the worker does for each call, on plain values in and out."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from patchword import api
from patchword.errors import DataError
from patchword.server.loaded import Loaded
from patchword.server.samples import samples_of


class Watching(Protocol):
    """Who follows a batch: see `text.watch`."""

    def wanted(self, index: int) -> bool:
        """Whether anybody still waits for an item."""

    def told(self, index: int, text: str) -> None:
        """How far an item is."""


Call = Callable[[Loaded, str, Mapping[str, Any], Sequence[Any], Watching], list[dict[str, Any]]]


def translate(
    loaded: Loaded, model: str, options: Mapping[str, Any], items: Sequence[Any], watch: Watching
) -> list[dict[str, Any]]:
    """Items: {"text", "prefix", "alignment"}; options: of the search, and "split"."""
    translator = loaded.systems[model]
    search = {name: value for name, value in options.items() if name != "split"}
    texts = [item["text"] for item in items]
    if options["split"] and hasattr(translator, "translate_text"):
        answers = [_long(one) for one in translator.translate_text(texts, watch=watch, **search)]
    else:
        prefixes = [item["prefix"] for item in items]
        answers = [_one(one) for one in translator.translate(texts, watch=watch, prefixes=prefixes, **search)]
    _align(translator, items, answers)
    return answers


def _one(found: Any) -> dict[str, Any]:
    return {
        "source": found.source,
        "text": found.text,
        "score": found.score,
        "alternatives": [{"text": each.text, "score": each.score} for each in found.alternatives],
        "notes": [],
        "error": found.error,
    }


def _long(found: Any) -> dict[str, Any]:
    return _one(found)


def _align(translator: Any, items: Sequence[Any], answers: Sequence[dict[str, Any]]) -> None:
    """Add alignments where they are asked for."""
    wanted = [index for index, item in enumerate(items) if item["alignment"]]
    if not wanted:
        return
    from patchword.explain.aligner import align
    from patchword.explain.alignment import pharaoh

    known = [index for index in wanted if answers[index]["text"]]
    sources = [answers[index]["source"] for index in known]
    pairs = align(translator, sources, [answers[index]["text"] for index in known])
    found = dict(zip(known, [pharaoh(pair.links) for pair in pairs], strict=True))
    for index in wanted:
        answers[index]["alignment"] = found.get(index, "")


def classify(
    loaded: Loaded, model: str, options: Mapping[str, Any], items: Sequence[Any], watch: Watching
) -> list[dict[str, Any]]:
    """Items: see `picture`; options: "top" and "max_pixels"."""
    classifier = loaded.systems[model]
    answers: dict[int, dict[str, Any]] = {}
    pictures: dict[int, Any] = {}
    for index, item in enumerate(items):
        try:
            pictures[index] = picture(item, options["max_pixels"])
        except DataError as error:
            answers[index] = {"name": item["name"], "predictions": [], "error": str(error)}
    found = classifier.classify(list(pictures.values()), top=options["top"])
    for index, one in zip(pictures, found, strict=True):
        predictions = [{"class": label, "probability": probability} for label, probability in one.predictions]
        answers[index] = {"name": one.name, "predictions": predictions, "error": one.error}
    return [answers[index] for index in range(len(items))]


def explain(
    loaded: Loaded, model: str, options: Mapping[str, Any], items: Sequence[Any], watch: Watching
) -> list[dict[str, Any]]:
    """Items: a text, or what `picture` takes; options: "walk", "against", "max_pixels" and the task's own.

    Returns:
        for each the whole document as JSON, so that the serving process passes it on as it is.
    """
    from patchword.explain.explanation import explained

    more = {name: value for name, value in options.items() if name not in ("against", "max_pixels")}
    answers = []
    for item in items:
        names = [model, *([options["against"]] if options["against"] else [])]
        documents = []
        for name in names:
            given = item if isinstance(item, str) else picture(item, options["max_pixels"])
            documents.append(explained(loaded.systems[name], given, name=name, **more))
        if len(documents) > 1:
            documents[0]["against"] = documents[1]
        answers.append({"json": json.dumps(documents[0], ensure_ascii=False, allow_nan=False).encode()})
    return answers


def detect(
    loaded: Loaded, model: str, options: Mapping[str, Any], items: Sequence[Any], watch: Watching
) -> list[dict[str, Any]]:
    """Items: texts; options: "languages" that they may be in."""
    found = [api.detected(text, options["languages"]) for text in items]
    return [{"languages": [{"language": code, "confidence": share} for code, share in each]} for each in found]


def picture(item: Mapping[str, Any], max_pixels: int) -> Any:
    """An image of {"name", "content": bytes or base64, with or without a data-URL's head}.

    Raises:
        DataError: if it is no base64.
    """
    content = item["content"]
    if isinstance(content, str):
        head, comma, rest = content.partition(",")
        try:
            content = base64.b64decode((rest if comma and head.startswith("data:") else content).strip(), validate=True)
        except (binascii.Error, ValueError):
            raise DataError(item["name"], "is not base64") from None
    return api.picture(content, item["name"], max_pixels)


def samples(
    loaded: Loaded, model: str, options: Mapping[str, Any], items: Sequence[Any], watch: Watching
) -> list[dict[str, Any]]:
    """Items: the paths that the model was served by; answers are `samples_of` each."""
    return [samples_of(loaded.systems[model], Path(item)) for item in items]


CALLS: dict[str, Call] = {
    "translate": translate,
    "classify": classify,
    "explain": explain,
    "detect": detect,
    "samples": samples,
}


def costs(loaded: Loaded, call: str, model: str, items: Sequence[Any]) -> list[int]:
    """What each item takes of a batch's budget: its tokens, or one."""
    if call != "translate":
        return [1] * len(items)
    rows = loaded.systems[model].vocabulary.encode_source([item["text"] for item in items])
    return [len(row) for row in rows]
