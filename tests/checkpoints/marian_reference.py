"""Random Marian checkpoints, made and saved by transformers itself."""

import json
import warnings
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from torch import Tensor, nn

from tests.checkpoints.reference import reference

EOS, UNKNOWN = 0, 1

# Found by trying: with these, random networks neither repeat one token nor say the same of every source.
GAINS = {"encoder_attn": 0.5, "q_proj": 4.0, "k_proj": 4.0, ".fc": 3.0}


def train_pieces(lines: list[str], path: Path, size: int) -> None:
    """A SentencePiece model as Marian's: unigram, nmt_nfkc, unknown characters and all."""
    with path.open("wb") as out:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=out, vocab_size=size, character_coverage=0.995, minloglevel=2
        )


def piece_ids(models: list[Path], extra: list[str]) -> dict[str, int]:
    """vocab.json as OPUS-MT's: end, unknown, every piece, padding last; the order is not SentencePiece's."""
    pieces: dict[str, None] = {}
    for model in models:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
        pieces |= dict.fromkeys(processor.id_to_piece(i) for i in range(3, processor.get_piece_size()))
    ordered = ["</s>", "<unk>", *extra, *sorted(pieces), "<pad>"]
    return {piece: i for i, piece in enumerate(ordered)}


def make_tokenizer(folder: Path, english: list[str], german: list[str], size: int, separate: bool) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    source, target = folder / "source.spm", folder / "target.spm"
    train_pieces(english, source, size)
    train_pieces(german, target, size - 50)
    codes = [] if separate else [">>deu<<", ">>fra<<"]
    ids = piece_ids([source], []) if separate else piece_ids([source, target], codes)
    (folder / "vocab.json").write_text(json.dumps(ids))
    target_file = None
    if separate:
        # The two have the same size, for padding is the last of both and one id.
        target_ids = piece_ids([target], [f"unused{i}" for i in range(50)])
        (folder / "target_vocab.json").write_text(json.dumps(target_ids))
        target_file = str(folder / "target_vocab.json")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return reference("transformers").MarianTokenizer(
            str(source),
            str(target),
            str(folder / "vocab.json"),
            target_vocab_file=target_file,
            separate_vocabs=separate,
            source_lang="en",
            target_lang="de",
        )


def make_model(vocab_size: int, *, shared: bool = True, end_bias: float = 26.0, **changes: Any) -> Any:
    """Random weights without a zero or a one among them, and logits that have opinions."""
    pad = vocab_size - 1
    sizes = {"d_model": 64, "encoder_layers": 2, "decoder_layers": 3, "max_position_embeddings": 128}
    sizes |= {f"{side}_attention_heads": 4 for side in ("encoder", "decoder")}
    sizes |= {f"{side}_ffn_dim": 96 for side in ("encoder", "decoder")}
    config = reference("transformers").MarianConfig(
        vocab_size=vocab_size,
        pad_token_id=pad,
        decoder_start_token_id=pad,
        eos_token_id=EOS,
        **{
            "activation_function": "swish",
            "scale_embedding": True,
            "share_encoder_decoder_embeddings": shared,
            **sizes,
            **changes,
        },
    )
    model = reference("transformers").MarianMTModel(config).eval()
    generator = torch.Generator().manual_seed(7)

    def drawn(shape: torch.Size, std: float) -> Tensor:
        return torch.randn(shape, generator=generator) * std

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.copy_(drawn(weight.shape, 0.3) + (1.0 if "layer_norm.weight" in name else 0.0))
            elif "embed_positions" not in name:
                gain = next((gain for part, gain in GAINS.items() if part in name), 1.0)
                weight.copy_(drawn(weight.shape, gain * weight.size(1) ** -0.5))
        model.model.decoder.layers[-1].final_layer_norm.weight.copy_(drawn(torch.Size([config.d_model]), 6.0))
        model.final_logits_bias.copy_(drawn(model.final_logits_bias.shape, 0.5))
        model.final_logits_bias[0, EOS] += end_bias
    return model


def save(model: Any, tokenizer: Any, folder: Path, *, pickled: bool = False, **search: Any) -> None:
    """As transformers saves a checkpoint; pickled as in its earlier versions."""
    pad = model.config.pad_token_id
    settings = {"bad_words_ids": [[pad]], "forced_eos_token_id": EOS, "num_beams": 4, "max_length": 24, **search}
    model.generation_config = reference("transformers").GenerationConfig(
        pad_token_id=pad, eos_token_id=EOS, decoder_start_token_id=pad, **settings
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if pickled:
        (folder / "model.safetensors").unlink()
        state = {name: tensor for name, tensor in model.state_dict().items()}
        torch.save(state, folder / "pytorch_model.bin")


def load(folder: Path) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformers = reference("transformers")
        model = transformers.MarianMTModel.from_pretrained(folder).eval()
        return model, transformers.MarianTokenizer.from_pretrained(folder)


@torch.inference_mode()
def generate(
    model: nn.Module, tokenizer: Any, texts: list[str], **options: Any
) -> tuple[list[list[int]], list[float], list[str]]:
    """Tokens of each sentence up to the end token, without the start; scores of a beam; texts."""
    tokens: list[list[int]] = []
    scores: list[float] = []
    decoded: list[str] = []
    for start in range(0, len(texts), 50):
        batch = tokenizer(texts[start : start + 50], return_tensors="pt", padding=True)
        found = model.generate(**batch, return_dict_in_generate=True, output_scores=True, **options)
        for row in found.sequences.tolist():
            row = row[1:]
            tokens.append(row[: row.index(EOS) + 1] if EOS in row else row)
        if "sequences_scores" in found:
            scores += found.sequences_scores.tolist()
        decoded += tokenizer.batch_decode(found.sequences, skip_special_tokens=True)
    return tokens, scores, decoded
