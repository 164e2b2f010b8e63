"""Random bytes as texts, through every way that texts are read; and every number of a search at its extremes."""

import gzip
import json
import random
from pathlib import Path

import pytest
import torch

from patchword.errors import PatchwordError, one_line
from patchword.text.files import read_lines
from patchword.text.pairs import read_pairs, read_training_pairs
from patchword.text.search import SearchOptions
from patchword.text.translator import Translator
from tests.fuzz.share import cases
from tests.tiny import tiny_translator

CHARACTERS = [*range(0xD800), *range(0xE000, 0x110000, 97)]
GREEDY = SearchOptions(method="greedy", max_extra=3, max_length=12)


@pytest.fixture(scope="module")
def translator() -> Translator:
    return tiny_translator()


def random_text(generator: random.Random) -> bytes:
    """Bytes of some kind, whole or damaged."""
    length = generator.choice([0, 1, 3, 40, 400, 4000])
    kind = generator.randrange(7)
    if kind == 0:
        data = generator.randbytes(length)
    elif kind == 1:
        data = "".join(chr(generator.choice(CHARACTERS)) for _ in range(length)).encode()
    elif kind == 2:
        data = "".join(generator.choice('a\tb\n\r\x00\x1b,;"\u200b\u3000\ufeff') for _ in range(length)).encode()
    elif kind == 3:
        row = {generator.choice(["source", "en", "x"]): "a\ud800", "target": generator.choice(["b", 3, None, "", [[]]])}
        data = (json.dumps(row) + generator.choice(["", "\n", "}", "["])).encode() * (length // 40 + 1)
    elif kind == 4:
        data = generator.choice([b"[", b'{"a":', b"9", b'"', b"\\u"]) * length
    elif kind == 5:
        data = "a\tb\n".encode(generator.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])) * (length // 4 + 1)
    else:
        data = gzip.compress(generator.randbytes(length) + b"a\tb\n" * length, mtime=0)
    if data and generator.random() < 0.5:
        data = bytearray(data)
        data[generator.randrange(len(data))] = generator.randrange(256)
        data = bytes(data[: generator.randrange(1, len(data) + 1)])
    return data


def test_random_bytes_are_text_or_one_sentence(translator: Translator, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    read = 0
    for number, generator in enumerate(cases(5000)):
        path = tmp_path / f"{number}.{generator.choice(['txt', 'tsv', 'csv', 'jsonl', 'zip', 'gz', 'tsv.gz'])}"
        path.write_bytes(random_text(generator))
        columns = generator.choice([None, (1, 2), (2, "en")])
        problems: list[str] = []
        for attempt in (
            lambda path=path, columns=columns: read_pairs([path], columns=columns),
            lambda path=path: read_pairs([path, path], ("en", "de")),
            lambda path=path, columns=columns: read_training_pairs([path], ("en", None), columns)[0],
            lambda path=path: translator.translate(read_lines(path)[:4], GREEDY),
        ):
            try:
                read += bool(attempt())
            except PatchwordError as error:
                problems.append(str(error))
        for problem in problems:
            assert str(path) in problem
            assert problem == one_line(problem)
            assert len(problem) < 1000
        path.unlink()
    assert read > 0


EXTREMES: dict[str, list[object]] = {
    "method": ["greedy", "beam", "sample", "", None],
    "beam": [1, 1000, 0, -1, 10**9, 2**70, 10**4000, 1.5, float("nan")],
    "length_penalty": [0, 50, 1e-300, 1e300, -1, float("nan"), float("inf")],
    "max_extra": [0, 10**30, -1, None, 2**63],
    "max_length": [1, 10**30, 0, 2**63],
    "n_best": [1, 4, 1000, 10**9, 0],
    "temperature": [1e-300, 5e-324, 1e-40, 1e-6, 1e6, 1e300, 0, -1, float("nan"), float("inf")],
    "top_k": [0, 1, 10**30, -1],
    "top_p": [1e-300, 5e-324, 1e-9, 1, 0, 2, float("nan")],
    "seed": [0, -1, -(2**63), 2**63, 2**64 - 1, 2**64, 2**70, 10**4000],
    "early_stopping": [True, False],
    "renormalise": [True, False],
    "forced_end": [True, False],
    "length_normalisation": ["wu", "power", "x"],
}


def test_every_number_of_a_search_has_a_range_or_a_result(translator: Translator) -> None:
    torch.set_num_threads(1)
    fields = SearchOptions.model_fields.keys()
    assert EXTREMES.keys() == fields
    singles = [{name: value} for name, values in EXTREMES.items() for value in values]
    mixed = [
        {name: generator.choice(EXTREMES[name]) for name in generator.sample(sorted(fields), 4)}
        for generator in cases(2000)
    ]
    found, problems = 0, []
    for values in [*singles, *({"method": "sample", **single} for single in singles), *mixed]:
        try:
            options = SearchOptions.parse({"max_length": 6, **values}, "test")
        except PatchwordError as error:
            problems.append(str(error))
            continue
        if (options.max_length or 99) > 6:
            options = options.model_copy(update={"max_extra": min(options.max_extra or 0, 5)})
        for translation in translator.translate(["one two"], options):
            assert translation.alternatives
            found += 1
    assert found > 50
    assert all(len(problem) < 500 and problem == one_line(problem) for problem in problems)
