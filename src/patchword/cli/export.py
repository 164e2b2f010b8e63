"""`patchword export`."""

from pathlib import Path
from typing import Annotated

import typer

from patchword.errors import one_line


def export(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", show_default=False)],
    out: Annotated[Path, typer.Argument(help="The folder to make; new or empty.", show_default=False)],
    to: Annotated[str, typer.Option(help="The format: hf or onnx.", show_default=False)],
) -> None:
    """Write a model for other programs; the folder appears whole or not at all.

    hf: what transformers loads with no code of ours, a MarianMTModel, a
    ViTForImageClassification or a ResNetForImageClassification; refused, with the reason, where the model has
    what that class cannot express.

    onnx: graphs for onnxruntime with a free batch size; config.json says what
    they take and give. An image model is one graph, a translation model two:
    an encoder, and a decoding step with a cache.
    """
    from patchword.api import export as write

    for note in write(model, out, to):
        typer.echo(one_line(note), err=True)
    typer.echo(one_line(f"{out}: {', '.join(sorted(file.name for file in out.iterdir()))}"))
