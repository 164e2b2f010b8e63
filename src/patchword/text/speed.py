"""How fast a translator is on this machine."""

from collections.abc import Callable, Iterator

import torch

from patchword.speed import Speed, timed
from patchword.text.batches import pad
from patchword.text.replicas import cut, in_parallel
from patchword.text.search import SearchOptions, search
from patchword.text.translator import Translator

SOURCE_TOKENS = 16  # of the sentences that are made up; Multi30k's have as many
TARGET_TOKENS = 32  # most that are generated


def translation_speeds(
    translator: Translator, sizes: tuple[int, ...] = (1, 16, 64), rounds: int = 3
) -> Iterator[Speed]:
    """Translate made-up sentences of 16 tokens into at most 32 tokens.

    Args:
        translator: what to measure.
        sizes: numbers of sentences given at once.
        rounds: timed repetitions, after one that is not timed.
    """
    config = translator.network.config
    generator = torch.Generator().manual_seed(1)
    for method, beam in (("greedy", 1), ("beam", 4)):
        options = SearchOptions(method=method, beam=beam, max_length=TARGET_TOKENS)
        for size in sizes:
            special = 1 + max(config.pad_id, config.bos_id, config.eos_id)
            low = special if special < config.source_vocab_size else 0
            shape = (size, SOURCE_TOKENS)
            drawn = torch.randint(low, config.source_vocab_size, shape, generator=generator)
            rows = drawn.masked_fill(drawn == config.pad_id, config.eos_id).tolist()
            batches = cut([SOURCE_TOKENS] * size, options)

            def decode(batch: slice, rows: list[list[int]] = rows, options: SearchOptions = options) -> int:
                source = pad(rows[batch], config.pad_id).to(translator.network.device)
                return sum(len(found[0].tokens) for found in search(translator.network.fast, source, options))

            def work(batches: list[slice] = batches, decode: Callable[[slice], int] = decode) -> int:
                return sum(in_parallel(decode, batches, translator.network.device))

            seconds, tokens = timed(work, rounds)
            name = "greedy" if beam == 1 else f"beam {beam}"
            values = {
                "method": name,
                "sentences": size,
                "sentences_a_second": size / seconds,
                "tokens_a_second": tokens / seconds,
            }
            yield Speed(f"{name}, {size} at once", "sentences", size / seconds, values)
