import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patchword.errors import RecipeError
from patchword.models.transformer import Transformer
from patchword.models.transformer_config import SIZES, TransformerConfig
from patchword.nn.trace import AttentionTrace

VOCAB, PAD, BOS = 19, 0, 2
SOURCE = torch.tensor([[5, 9, 4, 11, 6, 3], [7, 8, 3, 0, 0, 0], [13, 3, 0, 0, 0, 0]])
TARGET = torch.tensor([[2, 14, 6, 5, 10], [2, 9, 12, 0, 0], [2, 4, 4, 8, 7]])


def transformer(**changes: object) -> Transformer:
    fields = {"source_vocab_size": VOCAB, "target_vocab_size": VOCAB, "d_model": 32, "num_heads": 4, "d_ff": 48}
    fields |= {"encoder_layers": 2, "decoder_layers": 2}
    return Transformer(TransformerConfig.model_validate(fields | changes)).eval()


def assert_near(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=0)


def untied(**changes: object) -> Transformer:
    return transformer(share_embeddings=False, tie_output=False, **changes)


KINDS = {
    "paper": {},
    "pre_ln": {"norm_first": True, "activation": "gelu"},
    "learned": {"positions": "learned", "output_bias": True},
    "marian": {"positions": "sinusoidal_halves", "activation": "silu"},
    "no_positions": {"positions": "none", "scale_embeddings": False},
}
every_kind = pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)


@every_kind
def test_logits_of_a_position_ignore_later_target_tokens_to_the_bit(changes):
    model = transformer(**changes)
    before = model(SOURCE, TARGET)
    for position in range(1, TARGET.size(1)):
        changed = TARGET.clone()
        changed[:, position:] = torch.randint(4, VOCAB, changed[:, position:].shape)
        assert torch.equal(model(SOURCE, changed)[:, :position], before[:, :position])


def test_logits_of_a_position_follow_its_own_and_earlier_tokens():
    model, changed = transformer(), TARGET.clone()
    changed[:, 1] = 15
    assert (model(SOURCE, changed) != model(SOURCE, TARGET))[:, 1:].any(dim=-1).all()


@given(seed=st.integers(0, 2**32 - 1), padding=st.integers(1, 9))
@settings(max_examples=10)
def test_any_amount_of_source_padding_has_no_effect(seed, padding):
    torch.manual_seed(seed)
    model, length = transformer(), SOURCE.size(1)
    longer = torch.cat([SOURCE, torch.full((3, padding), PAD)], dim=1)
    assert_near(model(longer, TARGET), model(SOURCE, TARGET))
    real = SOURCE != PAD
    assert_near(model.encode(longer)[:, :length][real], model.encode(SOURCE)[real])


def test_a_sentence_in_a_padded_batch_has_the_logits_that_it_has_alone():
    model = transformer()
    together = model(SOURCE, TARGET)
    for row, (source, target) in enumerate(zip(SOURCE, TARGET, strict=True)):
        source, target = source[source != PAD][None], target[target != PAD][None]
        assert_near(together[row : row + 1, : target.size(1)], model(source, target))


def test_the_vector_of_padding_reaches_no_real_position():
    model, real = untied(), SOURCE != PAD
    memory, logits = model.encode(SOURCE), model(SOURCE, TARGET)
    model.source_embedding.weight.data[PAD] = 100.0
    assert torch.equal(model.encode(SOURCE)[real], memory[real])
    assert torch.equal(model(SOURCE, TARGET), logits)


@every_kind
def test_step_by_step_decoding_equals_the_whole_target_at_once(changes):
    model = transformer(**changes)
    state = model.start(model.encode(SOURCE), SOURCE)
    steps = []
    for tokens in TARGET.unbind(1):
        logits, state = model.decode_step(tokens, state)
        steps.append(logits)
    assert_near(torch.stack(steps, dim=1), model(SOURCE, TARGET))
    assert state.length == TARGET.size(1)


@torch.inference_mode()
def test_step_by_step_decoding_continues_past_the_caches_first_capacity():
    model, target = transformer(), torch.randint(4, VOCAB, (3, 40))
    state = model.start(model.encode(SOURCE), SOURCE)
    expected = model(SOURCE, target)
    for position in range(40):
        logits, state = model.decode_step(target[:, position], state)
        assert_near(logits, expected[:, position])


@given(data=st.data(), beam=st.integers(1, 3))
@settings(max_examples=8)
@torch.inference_mode()
def test_hypotheses_keep_their_logits_through_any_reordering_and_removal(data, beam):
    model = transformer(max_positions=64)
    state = model.start(model.encode(SOURCE), SOURCE)
    alive, prefixes = [0, 1, 2], [[BOS] for _ in range(3)]
    for step in range(8):
        logits, state = model.decode_step(torch.tensor([prefix[-1] for prefix in prefixes]), state)
        rows = len(prefixes) // len(alive)
        sources = SOURCE[alive].repeat_interleave(rows, dim=0)
        assert_near(logits, model(sources, torch.tensor(prefixes))[:, -1])
        removed = data.draw(st.booleans()) and len(alive) > 1
        kept = data.draw(st.permutations(range(len(alive))))[: len(alive) - removed] if removed else range(len(alive))
        parents = [
            sentence * rows + data.draw(st.integers(0, rows - 1), label=f"parent in step {step}")
            for sentence in kept
            for _ in range(beam)
        ]
        state.select(torch.tensor(kept) if removed else None, torch.tensor(parents))
        alive = [alive[sentence] for sentence in kept]
        prefixes = [[*prefixes[parent], data.draw(st.integers(4, VOCAB - 1))] for parent in parents]
        assert state.sentences == len(alive)


def test_a_trace_has_every_map_and_changes_no_logit():
    model, trace = transformer(), AttentionTrace()
    assert_near(model(SOURCE, TARGET, trace), model(SOURCE, TARGET))
    shapes = {"encoder": (3, 4, 6, 6), "decoder": (3, 4, 5, 5), "cross": (3, 4, 5, 6)}
    assert trace.maps.keys() == shapes.keys()
    for name, shape in shapes.items():
        assert [tuple(weights.shape) for weights in trace[name]] == [shape, shape]
        assert_near(torch.stack(trace[name]).sum(-1), torch.ones(2, *shape[:-1]))
    hidden = (SOURCE == PAD)[:, None, None, :]
    for name in ("encoder", "cross"):
        assert all(weights.masked_select(hidden).eq(0).all() for weights in trace[name])
    assert all(weights.triu(1).eq(0).all() for weights in trace["decoder"])


def test_sharing_and_tying_are_one_tensor_or_three():
    shared, separate = transformer(), untied()
    assert shared.source_embedding.weight is shared.target_embedding.weight is shared.output.weight
    weights = [separate.source_embedding.weight, separate.target_embedding.weight, separate.output.weight]
    assert len({id(weight) for weight in weights}) == 3
    tied = transformer(share_embeddings=False, source_vocab_size=7)
    assert tied.output.weight is tied.target_embedding.weight
    assert tied.source_embedding.weight.shape == (7, 32)


def test_every_weight_gets_a_gradient():
    model = untied(output_bias=True, positions="learned").train()
    model(SOURCE, TARGET).square().sum().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()] == []


def test_two_sentences_without_positions_differ_only_by_order():
    model = transformer(positions="none")
    source = torch.tensor([[5, 9, 4, 3]])
    order = torch.tensor([2, 0, 3, 1])
    assert_near(model.encode(source[:, order]), model.encode(source)[:, order])
    assert not torch.allclose(transformer().encode(source[:, order]), transformer().encode(source)[:, order], atol=1e-2)


def test_a_named_size_is_the_tables():
    config = TransformerConfig.named("base", 100, 100, dropout=0.3)
    assert (config.d_model, config.num_heads, config.encoder_layers, config.d_ff) == (512, 8, 6, 2048)
    assert config.dropout == 0.3
    for size in SIZES:
        assert TransformerConfig.named(size, 100, 100).d_model == SIZES[size]["d_model"]


def test_an_unknown_size_is_refused_with_the_nearest():
    with pytest.raises(RecipeError, match=r"^unknown Transformer size 'basse'; did you mean 'base'\?$"):
        TransformerConfig.named("basse", 100, 100)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"d_model": 30}, "d_model 30 is not a multiple of num_heads 4"),
        ({"d_model": 33, "num_heads": 3}, "sinusoidal positions need an even d_model, not 33"),
        ({"source_vocab_size": 20}, "share_embeddings needs source and target vocabularies of one size"),
        ({"eos_id": VOCAB}, "pad_id, bos_id and eos_id must be smaller than both vocabularies"),
        ({"share_embeddings": False, "source_vocab_size": 3}, "must be smaller than both vocabularies"),
        ({"dropout": 1.0}, "dropout = 1.0: input should be less than 1"),
        ({"positions": "rotary"}, "positions = 'rotary': input should be 'sinusoidal'"),
    ],
)
def test_choices_that_contradict_each_other_are_refused(changes, problem):
    fields = {"source_vocab_size": VOCAB, "target_vocab_size": VOCAB, "d_model": 32, "num_heads": 4}
    with pytest.raises(RecipeError) as caught:
        TransformerConfig.parse(fields | changes, "config.json")
    assert str(caught.value).startswith("config.json: ")
    assert problem in str(caught.value)
