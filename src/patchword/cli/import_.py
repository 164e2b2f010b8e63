"""`patchword import`."""

from pathlib import Path
from typing import Annotated

import typer

from patchword.errors import RecipeError, one_line, shown


def import_(
    source: Annotated[str, typer.Argument(help="A checkpoint's folder or file, or hf:OWNER/NAME.", show_default=False)],
    out: Annotated[Path, typer.Argument(help="The model folder to write.", show_default=False)],
    image_size: Annotated[
        str | None,
        typer.Option(help="384 or 224x320 (height x width); a ViT's positions are resized.", show_default=False),
    ] = None,
    heads: Annotated[
        int | None, typer.Option(min=1, help="Attention heads, where the file cannot tell.", show_default=False)
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(help="A file of class names: one a line, in order, or JSON.", show_default=False),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Which of several sets of weights in a file, such as model_ema.", show_default=False),
    ] = None,
    source_language: Annotated[
        str | None, typer.Option(help="Of a translator, such as en; else what the checkpoint says.", show_default=False)
    ] = None,
    target_language: Annotated[
        str | None, typer.Option(help="Of a translator, such as de; else what the checkpoint says.", show_default=False)
    ] = None,
) -> None:
    """Make a model folder from a published checkpoint; its format is recognised.

    Known: Marian / OPUS-MT, ViT, DeiT, DINOv2 and ResNet of transformers; ViT and
    ResNet of timm and of torchvision; .npz of Google's vision_transformer and big_vision.
    """
    from patchword import api

    names = None if classes is None else api.read_class_names(classes)
    size = _size(image_size) if image_size else None
    options = api.ImportOptions(size, heads, names, weights, source_language, target_language)
    imported = api.import_checkpoint(source, out, options)
    for note in imported.notes:
        typer.echo(one_line(note), err=True)
    typer.echo(one_line(f"{out}: {imported.kind}, {imported.parameters:,} parameters"), err=True)


def _size(text: str) -> tuple[int, int]:
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(
        part.isascii() and part.isdecimal() and len(part) < 10 and int(part) for part in parts
    ):
        raise RecipeError(
            f"--image-size {shown(text)[1:-1]}: expected a side such as 384, or HEIGHTxWIDTH such as 224x320"
        )
    return int(parts[0]), int(parts[-1])
