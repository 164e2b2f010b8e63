"""A Marian-base model with random weights, as transformers, CTranslate2 and Patchword read it."""

import torchvision_operators  # isort: skip  # noqa: F401

import json
import logging
import shutil
from pathlib import Path

import sentencepiece
from ctranslate2.converters import TransformersConverter
from safetensors.numpy import load_file, save_file
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

import patchword

VOCABULARY = 32000
END, PADDING = 0, VOCABULARY - 1


def write(folder: Path, sentences: Path, lines: list[str]) -> None:
    """Write the model in `hf`, `ct2` and `patchword`, and the lines' ids and pieces in `lines.json`.

    d_model 512, 6 + 6 layers, d_ff 2048, 32,000 tokens: pieces of the sentences, and made-up words.
    """
    logging.disable(logging.WARNING)
    original = folder / "hf"
    original.mkdir(parents=True)
    tokenizer = _tokenizer(original, sentences)
    config = MarianConfig(
        vocab_size=VOCABULARY, d_model=512, encoder_layers=6, decoder_layers=6, encoder_attention_heads=8,
        decoder_attention_heads=8, encoder_ffn_dim=2048, decoder_ffn_dim=2048, activation_function="swish",
        static_position_embeddings=True, scale_embedding=True, pad_token_id=PADDING, eos_token_id=END,
        forced_eos_token_id=END, decoder_start_token_id=PADDING, max_position_embeddings=512, max_length=512,
    )  # fmt: skip
    MarianMTModel(config).save_pretrained(original)
    TransformersConverter(str(original)).convert(str(folder / "ct2"))
    patchword.import_checkpoint(original, folder / "patchword")
    _never_end(folder / "patchword" / "model.safetensors")
    ids = [tokenizer(line)["input_ids"] for line in lines]
    pieces = [tokenizer.convert_ids_to_tokens(row) for row in ids]
    (folder / "lines.json").write_text(json.dumps({"lines": lines, "ids": ids, "pieces": pieces}))


def _never_end(path: Path) -> None:
    """Make the end token of ours so unlikely that it comes where it is forced alone."""
    weights = load_file(path)
    weights["output.bias"][END] = -1e4
    save_file(weights, path)


def _tokenizer(folder: Path, sentences: Path) -> MarianTokenizer:
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
    return tokenizer
