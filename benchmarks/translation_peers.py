"""Translation speed beside CTranslate2 and transformers: one shape of model, alternating in one process.

usage: translation_peers.py SENTENCES [--threads N] [--rounds N] [--columns "greedy 1,beam 64"] [--peers ct2,hf]

A Marian-base model (d_model 512, 6 + 6 layers, d_ff 2048, 32,000 tokens) with random weights translates the first
64 lines of SENTENCES (16 of them one by one, 8 for transformers) into exactly 32 tokens each. Every round runs each
system once, so that a machine that slows down slows all of them; medians and their ratios are printed. At batch 1 one
sentence is given at a time, to all systems with all threads.
"""

import torchvision_operators  # isort: skip  # noqa: F401

import argparse
import json
import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import ctranslate2
import sentencepiece
import torch
from ctranslate2.converters import TransformersConverter
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

from patchword.engine.products import Precision
from patchword.engine.transformer import PackedTransformer
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.batches import pad
from patchword.text.replicas import cut, in_parallel
from patchword.text.search import SearchOptions, search

TOKENS = 32
VOCABULARY = 32000
END, PADDING = 0, VOCABULARY - 1


def marian(folder: Path, sentences: Path) -> tuple[MarianMTModel, MarianTokenizer]:
    """A random Marian-base model with a vocabulary of the sentences' pieces and made-up words."""
    sentencepiece.SentencePieceTrainer.train(
        input=str(sentences), model_prefix=str(folder / "source"), vocab_size=2000, hard_vocab_limit=False,
        character_coverage=1.0, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    shutil.move(folder / "source.model", folder / "source.spm")
    shutil.copy(folder / "source.spm", folder / "target.spm")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    names = ["</s>", "<unk>"] + [pieces.id_to_piece(i) for i in range(pieces.get_piece_size())]
    vocabulary = {name: i for i, name in enumerate(dict.fromkeys(names))}
    vocabulary |= {f"made_up_{i}": i for i in range(len(vocabulary), PADDING)} | {"<pad>": PADDING}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    spm = str(folder / "source.spm")
    tokenizer = MarianTokenizer(spm, str(folder / "target.spm"), str(folder / "vocab.json"), model_max_length=512)
    tokenizer.save_pretrained(folder)
    config = MarianConfig(
        vocab_size=VOCABULARY, d_model=512, encoder_layers=6, decoder_layers=6, encoder_attention_heads=8,
        decoder_attention_heads=8, encoder_ffn_dim=2048, decoder_ffn_dim=2048, activation_function="swish",
        static_position_embeddings=True, scale_embedding=True, pad_token_id=PADDING, eos_token_id=END,
        forced_eos_token_id=END, decoder_start_token_id=PADDING, max_position_embeddings=512, max_length=512,
    )  # fmt: skip
    model = MarianMTModel(config).eval()
    model.save_pretrained(folder)
    return model, tokenizer


def ours(precision: Precision) -> PackedTransformer:
    """The same shape of model; its end token is so unlikely that every sentence takes all its tokens."""
    config = TransformerConfig(
        source_vocab_size=VOCABULARY, target_vocab_size=VOCABULARY, activation="silu", positions="sinusoidal_halves",
        output_bias=True, pad_id=PADDING, bos_id=PADDING, eos_id=END,
    )  # fmt: skip
    model = Transformer(config).eval()
    assert model.output.bias is not None
    model.output.bias.data[END] = -1e4
    with torch.inference_mode():
        return PackedTransformer(model, precision)


def decode(model: PackedTransformer, rows: list[list[int]], options: SearchOptions, size: int) -> None:
    """Translate in batches of at most `size`, as `Translator.translate` does."""
    rows = sorted(rows, key=len, reverse=True)
    if size == 1:
        for row in rows:
            search(model, torch.tensor([row]), options)
        return
    work = [part for start in range(0, len(rows), size) for part in _parts(rows[start : start + size], options)]
    for found in in_parallel(lambda part: search(model, pad(part, PADDING), options), work, torch.device("cpu")):
        assert all(len(hypotheses[0].tokens) == TOKENS for hypotheses in found)


def _parts(rows: list[list[int]], options: SearchOptions) -> list[list[list[int]]]:
    return [rows[part] for part in cut([len(row) for row in rows], options)]


def seconds(work: Callable[[], object]) -> float:
    """One run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print a line a column."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", type=Path)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--columns", default="greedy 1,greedy 16,greedy 64,beam 1,beam 16,beam 64")
    parser.add_argument("--peers", default="ct2,hf")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    lines = arguments.sentences.read_text(encoding="utf-8").splitlines()[:64]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, tokenizer = marian(folder, arguments.sentences)
        TransformersConverter(str(folder)).convert(str(folder / "ct2"), force=True)
        ids = [tokenizer(line)["input_ids"] for line in lines]
        pieces = [tokenizer.convert_ids_to_tokens(row) for row in ids]
        print(f"{arguments.threads} threads, sentences/s (medians of {arguments.rounds} rounds)")
        for precision in ("float32", "int8"):
            engine = ours(precision)
            ct2 = ctranslate2.Translator(
                str(folder / "ct2"), compute_type=precision, inter_threads=1, intra_threads=arguments.threads
            )
            for column in arguments.columns.split(","):
                method, size = column.split()[0], int(column.split()[1])
                beam, count = (1 if method == "greedy" else 4), (16 if size == 1 else 64)
                options = SearchOptions(method=method, beam=beam, max_length=TOKENS, max_extra=TOKENS)
                limits = {"min_decoding_length": TOKENS, "max_decoding_length": TOKENS}
                systems: dict[str, tuple[int, Callable[[], object]]] = {
                    "patchword": (count, lambda o=options, n=count, s=size: decode(engine, ids[:n], o, s)),
                }
                if "ct2" in arguments.peers:
                    systems["CTranslate2"] = (
                        count,
                        lambda b=beam, n=count, s=size: ct2.translate_batch(
                            pieces[:n], beam_size=b, max_batch_size=s, **limits
                        ),
                    )
                if "hf" in arguments.peers and precision == "float32":
                    some = 8 if size == 1 else 64
                    systems["transformers"] = (
                        some,
                        lambda b=beam, n=some, s=size: generate(plain, tokenizer, lines[:n], b, s),
                    )
                times: dict[str, list[float]] = {name: [] for name in systems}
                for turn in range(arguments.rounds + 1):
                    for name, (_, work) in systems.items():
                        taken = seconds(work)
                        if turn:
                            times[name].append(taken)
                speeds = {name: systems[name][0] / median(taken) for name, taken in times.items()}
                text = "  ".join(
                    f"{name} {speed:7.2f} (x{speeds['patchword'] / speed:.2f})" for name, speed in speeds.items()
                )
                print(f"{precision:8s} {column:10s} {text}", flush=True)


@torch.inference_mode()
def generate(model: MarianMTModel, tokenizer: MarianTokenizer, lines: list[str], beam: int, size: int) -> None:
    """What a user of transformers writes."""
    for start in range(0, len(lines), size):
        inputs = tokenizer(lines[start : start + size], return_tensors="pt", padding=True)
        model.generate(**inputs, num_beams=beam, min_new_tokens=TOKENS, max_new_tokens=TOKENS, do_sample=False)


if __name__ == "__main__":
    main()
