"""Patchword: one Transformer core, two systems, and the two that they displaced.

    import patchword
    translator = patchword.load("runs/en-de")
    translator.translate(["A man rides a bike."])[0].text

Nothing heavy is imported until a name is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patchword.api import check, dry_run, evaluate, export, import_checkpoint, load, save, train
    from patchword.catalogs import translate_file
    from patchword.images.classifier import ImageClassifier
    from patchword.inside import align, explained, write_explanation
    from patchword.models.recurrent import Recurrent, RecurrentConfig
    from patchword.models.residual_network import ResidualNetwork
    from patchword.models.residual_network_config import ResidualNetworkConfig
    from patchword.models.transformer import Transformer
    from patchword.models.transformer_config import TransformerConfig
    from patchword.models.vision_transformer import VisionTransformer
    from patchword.models.vision_transformer_config import VisionTransformerConfig
    from patchword.text.options import SearchOptions
    from patchword.text.translator import Translator

__version__ = "0.1.0"

__all__ = [
    "ImageClassifier",
    "Recurrent",
    "RecurrentConfig",
    "ResidualNetwork",
    "ResidualNetworkConfig",
    "SearchOptions",
    "Transformer",
    "TransformerConfig",
    "Translator",
    "VisionTransformer",
    "VisionTransformerConfig",
    "align",
    "check",
    "dry_run",
    "evaluate",
    "explained",
    "export",
    "import_checkpoint",
    "load",
    "save",
    "train",
    "translate_file",
    "write_explanation",
]

# Packages of the extra "train", as they are imported.
OF_TRAINING = ("torch", "kornia", "sklearn", "sacrebleu", "tomli_w", "matplotlib")

_HOMES = {
    "ImageClassifier": "patchword.images.classifier",
    "Recurrent": "patchword.models.recurrent",
    "RecurrentConfig": "patchword.models.recurrent",
    "ResidualNetwork": "patchword.models.residual_network",
    "ResidualNetworkConfig": "patchword.models.residual_network_config",
    "SearchOptions": "patchword.text.options",
    "Transformer": "patchword.models.transformer",
    "TransformerConfig": "patchword.models.transformer_config",
    "Translator": "patchword.text.translator",
    "VisionTransformer": "patchword.models.vision_transformer",
    "VisionTransformerConfig": "patchword.models.vision_transformer_config",
    "align": "patchword.inside",
    "check": "patchword.checking",
    "dry_run": "patchword.dry_runs",
    "evaluate": "patchword.api",
    "explained": "patchword.inside",
    "export": "patchword.api",
    "import_checkpoint": "patchword.api",
    "load": "patchword.api",
    "save": "patchword.api",
    "train": "patchword.api",
    "translate_file": "patchword.catalogs",
    "write_explanation": "patchword.inside",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'patchword' has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in OF_TRAINING:
            raise
        sentence = f"patchword.{name} needs the package {error.name}: pip install 'patchword[train]'"
        raise ModuleNotFoundError(f"{sentence}; patchword.runtime.load needs none", name=error.name) from None


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
