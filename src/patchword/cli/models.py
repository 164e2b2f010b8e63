"""`patchword models`."""

from typing import Annotated

import typer

from patchword.cli.json_text import json_text
from patchword.cli.options import flag, option
from patchword.errors import one_line

EXAMPLES = """
patchword models
patchword models --remove hf:google/vit-base-patch16-224
"""


def models(
    remove: Annotated[list[str] | None, option("Remove this one, such as hf:OWNER/NAME.", metavar="NAME")] = None,
    as_json: Annotated[bool, flag("An object a model.", "--json")] = False,
) -> None:
    """List the published models that were fetched by their hf: names, or remove some.

    They are kept in the folder that PATCHWORD_CACHE names, or else in ~/.cache/patchword.
    """
    from patchword import api

    for name in remove or ():
        gone = api.forget(name)
        typer.echo(f"removed {gone.name}, {gone.bytes / 2**20:.1f} MiB", err=True)
    if remove:
        return
    found = api.published_models()
    for model in found:
        if as_json:
            row = {"name": model.name, "folder": str(model.folder), "bytes": model.bytes, "revision": model.revision}
            typer.echo(json_text(row))
        else:
            typer.echo(one_line(f"{model.name}  {model.bytes / 2**20:.1f} MiB  {model.revision[:12]}  {model.folder}"))
    if not found and not as_json:
        typer.echo(f"no published models in {api.cache_folder()}", err=True)
