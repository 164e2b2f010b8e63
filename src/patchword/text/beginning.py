"""What a translator's training begins with: nothing, a model that was trained before, or what its run has kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchword.errors import ModelFolderError, RecipeError
from patchword.files import write_bytes
from patchword.models.contracts import SequenceToSequence
from patchword.models.registry import ARCHITECTURES, architecture_for, architecture_of
from patchword.text.details import TranslatorDetails
from patchword.text.recipe import TASK, TranslationRecipe
from patchword.text.search import SearchOptions
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary
from patchword.training.initial import check_changes, keep_description, kept_description


@dataclass(frozen=True)
class Beginning:
    """What is known before the training text is read.

    Attributes:
        recipe: with the languages that are used.
        vocabulary: None if it is still to be learned.
        architecture: of the network.
        config: of the network; None if that depends on the vocabulary.
        weights: the network that training starts from; None for a new one, or for one that the run's state will fill.
        options: how the model searches; None for the paper's way.
        notes: sentences that say what was taken over.
    """

    recipe: TranslationRecipe
    vocabulary: Vocabulary | None = None
    architecture: str = ""
    config: Any = None
    weights: SequenceToSequence | None = None
    options: SearchOptions | None = None
    notes: tuple[str, ...] = ()

    def model(self, vocabulary: Vocabulary) -> Any:
        """The network; the one place where a run's network is made."""
        if self.weights is not None:
            return self.weights.adapted(self.config)
        config = self.config or self.recipe.model.config(TASK, given_by(vocabulary))
        return ARCHITECTURES[self.architecture].model(config)


def beginning(recipe: TranslationRecipe, run: Path) -> Beginning:
    """What a run begins with.

    Args:
        recipe: what to do.
        run: the run folder. It keeps the vocabulary, and with `init` the description of the network, so that a run
            goes on where its init model has moved.

    Raises:
        ModelFolderError: if the init model, or what the run has kept, cannot be read.
        RecipeError: if the recipe asks of the init model what cannot be.
    """
    if recipe.init is None:
        learned = Vocabulary.load(run / "vocabulary") if (run / "recipe.toml").is_file() else None
        return Beginning(recipe, learned, architecture_for(TASK, recipe.model.architecture))
    kept = kept_description(run, TASK)
    if kept is None:
        return _from_init(recipe, run)
    try:
        details = TranslatorDetails.read(kept.details)
        config = ARCHITECTURES[kept.architecture].config.parse(kept.model, "config.json")
    except RecipeError as error:
        raise ModelFolderError(run / "state", str(error)) from None
    return Beginning(
        with_languages(recipe, details.languages),
        Vocabulary.load(run / "vocabulary"),
        kept.architecture,
        config,
        options=details.search,
    )


def _from_init(recipe: TranslationRecipe, run: Path) -> Beginning:
    init = Translator.load(Path(str(recipe.init)).expanduser(), device="cpu")
    recipe = with_languages(recipe, init.languages)
    architecture = architecture_of(init.model)
    changes = recipe.model.model_dump(exclude_unset=True)
    check_changes(recipe.init, init.model.config, changes)
    config: Any = type(init.model.config).parse({**init.model.config.model_dump(), **changes}, f"init {recipe.init}")
    check_longest(recipe, config.longest)
    data = recipe.data
    named = {"source_language": data.source_language, "target_language": data.target_language}
    keep_description(
        run, task=TASK, architecture=architecture, config=config, details={**init.details.as_dict(), **named}
    )
    keep_vocabulary(run, init.vocabulary)
    trained = f"all but the {recipe.freeze}" if recipe.freeze else "all of it"
    note = (
        f"starting from {recipe.init}, {data.source_language} to {data.target_language}, "
        f"with its vocabulary of {config.source_vocab_size:,} tokens, training {trained}"
    )
    return Beginning(recipe, init.vocabulary, architecture, config, init.model, init.options, (note,))


def check_longest(recipe: TranslationRecipe, longest: int | None) -> None:
    """See that no training pair can be longer than the positions that the network has.

    Raises:
        RecipeError: if one could.
    """
    if longest is None or recipe.data.max_tokens <= longest:
        return
    whose = f"that {recipe.init} has learned" if recipe.init else "of model.max_positions"
    raise RecipeError(f"data.max_tokens = {recipe.data.max_tokens} is more than the {longest} positions {whose}")


def given_by(vocabulary: Vocabulary) -> dict[str, Any]:
    """The fields of a network's config that a vocabulary decides."""
    return {
        "source_vocab_size": vocabulary.source_size,
        "target_vocab_size": vocabulary.target_size,
        "share_embeddings": vocabulary.joint,
        "pad_id": vocabulary.pad_id,
        "bos_id": vocabulary.bos_id,
        "eos_id": vocabulary.eos_id,
    }


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
