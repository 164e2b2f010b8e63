import random

import pytest
import torch
from torch import nn

from patchword.checkpoints.model_folder import read_description, read_model, write_model_folder
from patchword.errors import RecipeError
from patchword.models.recurrent import SIZES, Recurrent, RecurrentConfig
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.training.freezing import freeze, train_mode

VOCAB, PAD, BOS = 19, 0, 2
SOURCE = torch.tensor([[5, 9, 4, 11, 6, 3], [7, 8, 3, 0, 0, 0], [13, 3, 0, 0, 0, 0]])
TARGET = torch.tensor([[2, 14, 6, 5, 10], [2, 9, 12, 0, 0], [2, 4, 4, 8, 7]])


@pytest.fixture(autouse=True)
def _one_thread(_repeatable: None) -> None:
    """Products as small as these are slower with two, which wait for each other at every step."""
    torch.set_num_threads(1)


def recurrent(**changes: object) -> Recurrent:
    fields: dict[str, object] = {"source_vocab_size": VOCAB, "target_vocab_size": VOCAB, "hidden_size": 12}
    fields |= {"embedding_size": 8, "encoder_layers": 2, "decoder_layers": 2}
    return Recurrent(RecurrentConfig.model_validate(fields | changes)).eval()


def untied(**changes: object) -> Recurrent:
    return recurrent(share_embeddings=False, tie_output=False, **changes)


def assert_near(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=0)


KINDS = {
    f"{cell} {attention}{' feeding' * feeding}": {"cell": cell, "attention": attention, "input_feeding": feeding}
    for cell in ("lstm", "gru")
    for attention in ("additive", "dot", "general")
    for feeding in (False, True)
}
every_kind = pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)


@every_kind
def test_step_by_step_decoding_equals_the_whole_target_at_once(changes: dict[str, object]) -> None:
    model = recurrent(**changes)
    state = model.start(model.encode(SOURCE), SOURCE)
    steps = []
    for tokens in TARGET.unbind(1):
        logits, state = model.decode_step(tokens, state)
        steps.append(logits)
    assert_near(torch.stack(steps, dim=1), model(SOURCE, TARGET))
    assert state.length == TARGET.size(1)


@every_kind
@torch.inference_mode()
def test_hypotheses_keep_their_logits_through_reordering_and_removal(changes: dict[str, object]) -> None:
    model, generator = recurrent(**changes), random.Random(0)
    for beam in (1, 3):
        state = model.start(model.encode(SOURCE), SOURCE)
        alive, prefixes = [0, 1, 2], [[BOS] for _ in range(3 * beam)]
        for step in range(5):
            logits, state = model.decode_step(torch.tensor([prefix[-1] for prefix in prefixes]), state)
            sources = SOURCE[alive].repeat_interleave(beam, dim=0)
            assert_near(logits, model(sources, torch.tensor(prefixes))[:, -1])
            # The longest sentence leaves first, and the others change places.
            kept = {1: [2, 1], 3: [1]}.get(step, list(range(len(alive))))
            parents = [row * beam + generator.randrange(beam) for row in kept for _ in range(beam)]
            state.select(torch.tensor(kept) if len(kept) < len(alive) else None, torch.tensor(parents))
            alive = [alive[sentence] for sentence in kept]
            prefixes = [[*prefixes[parent], generator.randrange(4, VOCAB)] for parent in parents]
            assert state.sentences == len(alive)


@every_kind
def test_logits_ignore_later_target_tokens_and_follow_earlier_ones(changes: dict[str, object]) -> None:
    model = recurrent(**changes)
    before = model(SOURCE, TARGET)
    changed = TARGET.clone()
    changed[:, 2] = 15
    after = model(SOURCE, changed)
    assert_near(after[:, :2], before[:, :2])
    assert (after[:, 2:] != before[:, 2:]).any(-1).all()


@every_kind
@pytest.mark.parametrize("pad_id", [0, 18])
def test_any_amount_of_source_padding_has_no_effect(changes: dict[str, object], pad_id: int) -> None:
    model = recurrent(**changes, pad_id=pad_id)
    model.source_embedding.weight.data[pad_id] = 3.0
    source = SOURCE.masked_fill(SOURCE == PAD, pad_id)
    together = model(torch.cat([source, torch.full((3, 4), pad_id)], dim=1), TARGET)
    assert_near(together, model(source, TARGET))
    for row, tokens in enumerate(source):
        assert_near(together[row : row + 1], model(tokens[tokens != pad_id][None], TARGET[row : row + 1]))


@every_kind
def test_every_parameter_has_a_gradient(changes: dict[str, object]) -> None:
    model = untied(**changes, output_bias=True).train()
    model(SOURCE, TARGET).log_softmax(-1)[..., 5].sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@every_kind
def test_evidence_is_where_each_produced_token_looked(changes: dict[str, object]) -> None:
    model = recurrent(**changes)
    cross = model.evidence(SOURCE, TARGET)["cross"]
    assert cross.axes == ("layer", "batch", "head", "target", "source")
    assert cross.values.shape == (1, 3, 1, 5, 6)
    assert_near(cross.values.sum(-1), torch.ones(1, 3, 1, 5))
    assert cross.values.masked_select((SOURCE == PAD)[None, :, None, None]).eq(0).all()
    assert not cross.values.requires_grad
    state = model.start(model.encode(SOURCE), SOURCE)
    for position in range(2):
        _, weights = model.decoder.step(model.target_embedding(TARGET[:, position]), state)
        assert_near(cross.values[0, :, 0, position], weights)


@every_kind
def test_a_model_folder_and_a_state_dict_keep_it(tmp_path, changes: dict[str, object]) -> None:
    model = recurrent(**changes)
    write_model_folder(tmp_path / "m", model, task="translation", details={}, facts={}, card="")
    description = read_description(tmp_path / "m")
    assert description.architecture == "recurrent"
    read = read_model(tmp_path / "m", description)
    other = recurrent(**changes)
    assert not torch.equal(other(SOURCE, TARGET), model(SOURCE, TARGET))
    other.load_state_dict(model.state_dict())
    for again in (read, other):
        assert torch.equal(again(SOURCE, TARGET), model(SOURCE, TARGET))


def test_a_frozen_encoder_is_all_that_the_memory_is_computed_from_and_drops_nothing() -> None:
    model = recurrent(share_embeddings=False, dropout=0.5)
    frozen = model.frozen("encoder")
    freeze(model, frozen)
    train_mode(model, frozen)
    memory = model.encode(SOURCE)
    assert not memory.requires_grad
    assert torch.equal(model.encode(SOURCE), memory)
    assert not torch.equal(model.decode(TARGET, memory, SOURCE), model.decode(TARGET, memory, SOURCE))
    trained = {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == {"target_embedding", "decoder"}


def test_training_drops_on_both_sides_and_evaluation_on_none() -> None:
    model = recurrent(dropout=0.5)
    assert torch.equal(model(SOURCE, TARGET), model(SOURCE, TARGET))
    model.train()
    assert not torch.equal(model.encode(SOURCE), model.encode(SOURCE))
    torch.manual_seed(3)
    first = model(SOURCE, TARGET)
    torch.manual_seed(3)
    assert torch.equal(model(SOURCE, TARGET), first)


def test_other_dropouts_keep_the_weights() -> None:
    model = recurrent()
    assert {"dropout"} == RecurrentConfig.REGULARISATION
    adapted = model.adapted(model.config.model_copy(update={"dropout": 0.7})).eval()
    assert adapted.encoder.dropout.probability == adapted.decoder.dropout.probability == 0.7
    assert torch.equal(adapted(SOURCE, TARGET), model(SOURCE, TARGET))


def test_depth_counts_layers_from_the_output() -> None:
    model = untied(encoder_layers=3, decoder_layers=2, output_bias=True, attention="additive")
    depths: dict[str, set[int]] = {}
    for name, _ in model.named_parameters():
        depths.setdefault(".".join(name.split(".")[:3]), set()).add(model.depth(name))
    of = {name: depth for name, found in depths.items() for depth in found}
    assert all(len(found) == 1 for found in depths.values())
    assert of["output.weight"] == of["output.bias"] == 0
    assert of["decoder.alignment.vector"] == of["decoder.combination.weight"] == of["decoder.layers.1"] == 1
    assert of["decoder.layers.0"] == of["decoder.bridge.weight"] == of["encoder.layers.2"] == 2
    assert of["encoder.layers.0"] == 4
    assert of["source_embedding.weight"] == of["target_embedding.weight"] == max(of.values()) == 5


def test_sharing_and_tying_are_one_tensor_or_three() -> None:
    shared, separate = recurrent(), untied()
    assert shared.source_embedding.weight is shared.target_embedding.weight is shared.output.weight
    weights = [separate.source_embedding.weight, separate.target_embedding.weight, separate.output.weight]
    assert len({id(weight) for weight in weights}) == 3
    tied = recurrent(share_embeddings=False, source_vocab_size=7)
    assert tied.output.weight is tied.target_embedding.weight
    assert tied.source_embedding.weight.shape == (7, 8)


def test_construction_on_the_meta_device_draws_nothing() -> None:
    before = torch.get_rng_state()
    with torch.device("meta"):
        model = untied(attention="additive")
    assert all(parameter.is_meta for parameter in model.parameters())
    assert not list(model.buffers())
    assert torch.equal(torch.get_rng_state(), before)


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("input_feeding", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_size_has_about_the_parameters_of_the_transformer_of_its_name(size: str, input_feeding: bool) -> None:
    vocabulary = {"source_vocab_size": 8000, "target_vocab_size": 8000}
    config = RecurrentConfig.chosen({"size": size, "input_feeding": input_feeding}, vocabulary)
    with torch.device("meta"):
        assert count(Recurrent(config)) == pytest.approx(
            count(Transformer(TransformerConfig.named(size, 8000, 8000))), rel=0.1
        )


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"size": "smal"}, "unknown RNN size 'smal'; did you mean 'small'?"),
        ({"cell": "rnn"}, "model.cell = 'rnn': input should be 'lstm' or 'gru'"),
        ({"attention": "concat"}, "model.attention = 'concat': input should be 'additive', 'dot' or 'general'"),
        ({"hidden_size": 7}, "hidden_size 7 is odd, and its two halves are the encoder's two directions"),
        ({"encoder_layers": 5}, "model.encoder_layers = 5: input should be less than or equal to 4"),
        ({"decoder_layers": 0}, "model.decoder_layers = 0: input should be greater than or equal to 1"),
        ({"dropout": 1.0}, "model.dropout = 1.0: input should be less than 1"),
        ({"d_model": 8}, "unknown key 'model.d_model'"),
        ({"num_heads": 8}, "unknown key 'model.num_heads'"),
    ],
)
def test_choices_that_make_no_sense_are_one_sentence(choice: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        RecurrentConfig.chosen(choice, {"source_vocab_size": 9, "target_vocab_size": 9})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_vocabularies_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(RecipeError, match="share_embeddings needs source and target vocabularies of one size"):
        RecurrentConfig.chosen({}, {"source_vocab_size": 9, "target_vocab_size": 10})
