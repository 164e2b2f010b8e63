"""`patchword serve`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from patchword.cli.options import PRECISION, flag, option
from patchword.errors import RecipeError

EXAMPLES = """
patchword serve runs/en-de runs/photos --port 8000
patchword serve runs/en-de --precision int8 --api-keys keys.txt --cors https://example.org
patchword serve runs/en-de --reload-models
"""
_LIMITS = "Limits"
_DEMO = ("translator", "classifier")  # run folders that the demo writes


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Model or run folders, or hf:OWNER/NAME; without any, the demo's.", show_default=False),
    ] = None,
    host: Annotated[str | None, option("Address; 127.0.0.1, which is this machine alone.")] = None,
    port: Annotated[int | None, option("Port; 8000. 0 for any that is free.")] = None,
    allow_host: Annotated[
        list[str] | None, option("Name that a proxy passes on; may be repeated. Else this machine's alone.")
    ] = None,
    precision: Annotated[str | None, option(PRECISION)] = None,
    device: Annotated[str | None, option("cpu, cuda, mps or auto.")] = None,
    threads: Annotated[int | None, option("Threads that compute; as many as cores.")] = None,
    no_batching: Annotated[bool, flag("Compute one request at a time.", "--no-batching")] = False,
    wait_ms: Annotated[float | None, option("Milliseconds that a request waits for others to join it; 3.")] = None,
    batch_tokens: Annotated[int | None, option("Source tokens of a batch; 2048.")] = None,
    reload_models: Annotated[
        bool, flag("Let SIGHUP load the models anew, and lose no request.", "--reload-models")
    ] = False,
    api_keys: Annotated[Path | None, option("File of SHA-256 hashes of keys, one a line.")] = None,
    cors: Annotated[list[str] | None, option("Origin whose pages may call; may be repeated.")] = None,
    queue: Annotated[int | None, option("Requests that may wait; 256.", panel=_LIMITS)] = None,
    timeout: Annotated[float | None, option("Seconds a request may take; 60.", panel=_LIMITS)] = None,
    grace: Annotated[
        float | None, option("Seconds more, after which a worker that hangs is killed; 10.", panel=_LIMITS)
    ] = None,
    max_body: Annotated[int | None, option("Bytes of a body; 16,000,000.", panel=_LIMITS)] = None,
    max_text_body: Annotated[int | None, option("Bytes of a body of texts; 8,000,000.", panel=_LIMITS)] = None,
    max_held: Annotated[int | None, option("Bytes of all bodies at once; 512,000,000.", panel=_LIMITS)] = None,
    max_text: Annotated[int | None, option("Characters of a text; 20,000.", panel=_LIMITS)] = None,
    max_texts: Annotated[int | None, option("Texts of a request; 128.", panel=_LIMITS)] = None,
    max_alternatives: Annotated[
        int | None, option("Alternatives, and hypotheses of a beam; 16.", panel=_LIMITS)
    ] = None,
    max_images: Annotated[int | None, option("Images of a request; 32.", panel=_LIMITS)] = None,
    max_image_bytes: Annotated[int | None, option("Bytes of an image; 10,000,000.", panel=_LIMITS)] = None,
    max_pixels: Annotated[int | None, option("Pixels decoded of an image; 25,000,000.", panel=_LIMITS)] = None,
) -> None:
    """Serve models over HTTP, with a page at / to use them: texts, images, and what the models looked at.

    Any number of models of any kind; each is called by its folder's name. SIGTERM and Ctrl-C answer what was accepted,
    and end. docs/serving.md has the calls, and what to put before a server.
    """
    given: dict[str, Any] = {
        name: value
        for name, value in locals().items()
        if name not in ("models", "no_batching", "cors", "allow_host") and value is not None
    }
    from patchword.server.settings import Settings

    lists = {"models": tuple(models or demo_models()), "allow_host": tuple(allow_host or ()), "cors": tuple(cors or ())}
    settings = Settings.parse({**given, **lists, "batching": not no_batching}, "serve")
    try:
        from patchword.server.running import serve as run
    except ImportError as error:
        raise RecipeError(
            f"serving needs the package {error.name}; install Patchword with its extra: pip install '.[serve]'"
        ) from None
    run(settings)


def demo_models() -> list[str]:
    """What `patchword demo` made in this folder.

    Raises:
        RecipeError: if it made nothing.
    """
    found = [str(Path("demo") / name) for name in _DEMO if (Path("demo") / name / "best" / "config.json").is_file()]
    if not found:
        place = "demo/ has no finished model" if Path("demo").is_dir() else "there is no demo/ here"
        raise RecipeError(
            f"no model is given and {place}; name a model folder or hf:OWNER/NAME, or make two models with "
            "`patchword demo`"
        )
    return found
