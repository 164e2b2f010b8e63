"""Random Marian checkpoints, made and saved by transformers itself."""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from torch import Tensor

from patchword import api
from patchword.text.batches import pad
from patchword.text.hypothesis import Hypothesis
from patchword.text.search import SearchOptions, search
from patchword.text.translator import Translator
from tests.converters.reference import reference

EOS = 0

# At every tokenizer that is opened; the package that it names is not used in tokenising.
THEIR_WARNING = "ignore:Recommended. pip install sacremoses"

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


def stretched(tokenizer: Any, vocab_size: int) -> Any:
    """The tokenizer with as many pieces as a published one has, most of which no text gives."""
    ids = {piece: i for piece, i in tokenizer.encoder.items() if piece != "<pad>"}
    ids |= {f"▁unused{i}": i for i in range(len(ids), vocab_size - 1)}
    files = [Path(file) for file in tokenizer.spm_files]
    path = files[0].with_name("stretched.json")
    path.write_text(json.dumps({**ids, "<pad>": vocab_size - 1}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return reference("transformers").MarianTokenizer(str(files[0]), str(files[1]), str(path))


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


def build(tokenizers: dict[bool, Any], *, separate: bool = False, **changes: Any) -> Any:
    """A model for one of the tokenizers, of whose translations a good share ends before the limit."""
    vocab_size = len(tokenizers[separate].encoder)
    return make_model(vocab_size, shared=not separate, end_bias=11.0 if separate else 26.0, **changes)


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
        torch.save(model.state_dict(), folder / "pytorch_model.bin")


def load(folder: Path) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformers = reference("transformers")
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
        return model, transformers.AutoTokenizer.from_pretrained(folder)


@dataclass(frozen=True)
class Generated:
    """A sentence's tokens up to the end token, without the start; its score, if from a beam; its text."""

    tokens: list[int]
    score: float | None
    text: str


@torch.inference_mode()
def generate(model: Any, tokenizer: Any, texts: list[str], **options: Any) -> list[Generated]:
    result = []
    eos = model.config.eos_token_id
    for start in range(0, len(texts), 50):
        batch = tokenizer(texts[start : start + 50], return_tensors="pt", padding=True)
        found = model.generate(**batch, return_dict_in_generate=True, output_scores=True, **options)
        rows = [row[1:] for row in found.sequences.tolist()]
        scores = found.sequences_scores.tolist() if "sequences_scores" in found else [None] * len(rows)
        decoded = tokenizer.batch_decode(found.sequences, skip_special_tokens=True)
        result += [
            Generated(row[: row.index(eos) + 1] if eos in row else row, score, text)
            for row, score, text in zip(rows, scores, decoded, strict=True)
        ]
    return result


@torch.inference_mode()
def translate(translator: Translator, texts: list[str], options: SearchOptions) -> list[Hypothesis]:
    """Our best hypothesis of each sentence, in batches like theirs."""
    ids = translator.vocabulary.encode_source(texts)
    pad_id = translator.vocabulary.pad_id
    batches = (pad(ids[start : start + 50], pad_id) for start in range(0, len(ids), 50))
    return [found[0] for batch in batches for found in search(translator.model, batch, options)]


def assert_equal_tokens(
    ours: list[Hypothesis], theirs: list[Generated], model: Any, tokenizer: Any, texts: list[str]
) -> None:
    """Equal token for token. A tie is no difference: greedily, two tokens whose logits are within 1e-4 where the
    sentences part; of a beam, two hypotheses that compared equal on the way, which cost one of them its place, so that
    what was found instead is nearly as likely. One sentence, or one in a hundred, may be one."""
    ties = 0
    for mine, other, text in zip(ours, theirs, texts, strict=True):
        same = list(mine.tokens) == other.tokens
        if other.score is not None:
            assert abs(mine.score - other.score) < (1e-4 if same else 0.005 * abs(other.score)), text
        if not same:
            ties += 1
            assert other.score is not None or _parts_at_a_tie(list(mine.tokens), other.tokens, model, tokenizer, text)
    assert ties <= max(1, len(texts) / 100)


@torch.inference_mode()
def _parts_at_a_tie(mine: list[int], other: list[int], model: Any, tokenizer: Any, text: str) -> bool:
    place = next(i for i, (a, b) in enumerate(zip(mine, other, strict=False)) if a != b)
    prefix = torch.tensor([[model.config.decoder_start_token_id, *mine[:place]]])
    logits = model(**tokenizer([text], return_tensors="pt"), decoder_input_ids=prefix).logits[0, -1]
    return bool((logits[mine[place]] - logits[other[place]]).abs() < 1e-4)


def opened(source: Path, out: Path) -> Translator:
    """What `patchword import` makes of a checkpoint."""
    api.import_checkpoint(source, out)
    return Translator.load(out)


@torch.inference_mode()
def assert_equal_logits(translator: Translator, model: Any, tokenizer: Any, texts: list[str]) -> None:
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    ours = pad(translator.vocabulary.encode_source(texts), translator.vocabulary.pad_id)
    assert torch.equal(ours, batch["input_ids"])
    target = torch.randint(2, translator.model.config.target_vocab_size - 1, (len(texts), 20))
    target[:, 0] = model.config.decoder_start_token_id
    wanted = model(**batch, decoder_input_ids=target).logits
    torch.testing.assert_close(translator.model(ours, target), wanted, atol=1e-4, rtol=0)
    assert wanted.std() > 0.5
