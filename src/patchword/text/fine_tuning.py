"""Starting a translator from one that was trained before."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchword.errors import RecipeError
from patchword.files import write_bytes
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.recipe import TranslationRecipe
from patchword.text.search import SearchOptions
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary
from patchword.training.initial import keep_description, kept_description


@dataclass(frozen=True)
class InitModel:
    """The translator that a run starts from.

    Attributes:
        recipe: with the languages that are used.
        vocabulary: that its tokens are of.
        model: the network; on resuming, its weights are still to be filled from the run's state.
        options: how it searches.
        notes: sentences that say what was taken over.
    """

    recipe: TranslationRecipe
    vocabulary: Vocabulary
    model: Transformer
    options: SearchOptions
    notes: tuple[str, ...] = ()


def read_init(recipe: TranslationRecipe, run: Path) -> InitModel | None:
    """The recipe's init model with the recipe's dropouts, or what the run has kept of it; None without `init`.

    Args:
        recipe: what to do.
        run: the run folder. It keeps the description of the network and the vocabulary, so that a run goes on where
            its init model has moved.

    Raises:
        ModelFolderError: if the init model cannot be read.
        RecipeError: if the recipe asks of it what cannot be.
    """
    if recipe.init is None:
        return None
    kept = kept_description(run, Translator.task)
    if kept is not None:
        config = TransformerConfig.parse(kept.model, f"{run / 'state'}: config.json")
        languages = (kept.details["source_language"], kept.details["target_language"])
        vocabulary = Vocabulary.load(run / "vocabulary")
        options = SearchOptions.parse(kept.details.get("search", {}), f"{run / 'state'}: config.json")
        return InitModel(with_languages(recipe, languages), vocabulary, Transformer(config), options)
    init = Translator.load(Path(recipe.init).expanduser())
    recipe = with_languages(recipe, init.languages)
    dropouts = recipe.model.model_dump(exclude_unset=True)
    config = TransformerConfig.parse({**init.model.config.model_dump(), **dropouts}, f"init {recipe.init}")
    if config.positions == "learned" and recipe.data.max_tokens > config.max_positions:
        raise RecipeError(
            f"data.max_tokens = {recipe.data.max_tokens} is more than the {config.max_positions} positions that "
            f"{recipe.init} has learned"
        )
    model = Transformer(config)
    model.load_state_dict(init.model.state_dict())
    data = recipe.data
    named = {"source_language": data.source_language, "target_language": data.target_language}
    details = {**init.exportable().details, **named}
    keep_description(run, task=Translator.task, architecture="transformer", config=config, details=details)
    keep_vocabulary(run, init.vocabulary)
    trained = f"all but the {recipe.freeze}" if recipe.freeze else "all of it"
    note = (
        f"starting from {recipe.init}, {data.source_language} to {data.target_language}, "
        f"with its vocabulary of {config.source_vocab_size:,} tokens, training {trained}"
    )
    return InitModel(recipe, init.vocabulary, model, init.options, (note,))


def keep_vocabulary(run: Path, vocabulary: Vocabulary) -> None:
    """Write the vocabulary into the run folder, where resuming finds it."""
    for name, content in vocabulary.files().items():
        write_bytes(run / "vocabulary" / name, content)


def with_languages(recipe: TranslationRecipe, languages: Sequence[str]) -> TranslationRecipe:
    """The recipe with the languages that it does not name taken from a model's."""
    said = recipe.data.model_fields_set
    names = dict(zip(("source_language", "target_language"), languages, strict=True))
    missing = {key: name for key, name in names.items() if key not in said}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=missing)})


def frozen_parts(freeze: str | None) -> list[str]:
    """Names of the submodules that a recipe's `freeze` leaves as they are.

    The encoder's part is all that the memory is computed from; a shared embedding belongs to it.
    """
    if freeze == "embeddings":
        return ["source_embedding", "target_embedding"]
    if freeze == "encoder":
        return ["source_embedding", "source_positions", "encoder"]
    return []


def distance(name: str, config: TransformerConfig) -> int:
    """A parameter's distance from the output, in layers on the shortest way; see `Task.distance`.

    The last decoder layer reads the memory, so the last encoder layer is right below it. Embeddings are farther than
    every layer, and a tied output projection, which is one of them, with them.
    """
    first, *rest = name.split(".")
    if first == "decoder" and rest[0] == "layers":
        return config.decoder_layers - int(rest[1])
    if first == "encoder":
        layer = int(rest[1]) if rest[0] == "layers" else config.encoder_layers
        return config.encoder_layers - layer + 1
    if first.endswith(("embedding", "positions")):
        return max(config.decoder_layers, config.encoder_layers + 1) + 1
    return 0
