"""Everything that `patchword serve` can be told, with its range."""

from pathlib import Path

from pydantic import Field

from patchword.config import Config

MEGABYTE = 1_000_000


class Settings(Config):
    """How a server serves; sizes are in bytes, times in seconds unless the name says otherwise."""

    models: tuple[str, ...] = Field(min_length=1)
    """Model or run folders, or published names."""
    host: str = Field("127.0.0.1", min_length=1, max_length=255)
    """Address to listen at."""
    allow_host: tuple[str, ...] = ()
    """Names, without ports, by which it may be asked besides this machine's own; "*" for any. Without one a server that
    listens to other machines may be asked by any."""
    port: int = Field(8000, ge=0, le=65535)
    """Port to listen at; 0 for any that is free."""
    precision: str = "float32"
    """Of the matrix products: float32, bfloat16, int8, or auto, which is bfloat16 where the processor multiplies it."""
    device: str = "auto"
    """Where the models run."""
    threads: int | None = Field(None, ge=1, le=1024)
    """Threads that compute; by default as many as there are cores."""
    batching: bool = True
    """Whether requests of different people are computed together."""
    wait_ms: float = Field(3.0, ge=0, le=1000)
    """How long the first of a batch waits for others, in milliseconds."""
    batch_tokens: int = Field(2048, ge=1, le=1_000_000)
    """Source tokens of a batch."""
    batch_images: int = Field(32, ge=1, le=4096)
    """Images of a batch."""
    queue: int = Field(256, ge=1, le=100_000)
    """Requests that may wait."""
    timeout: float = Field(60.0, gt=0, le=86_400)
    """How long a request may take, waiting included."""
    grace: float = Field(10.0, gt=0, le=3600)
    """How much longer than `timeout` the worker may compute without a sign before it is started anew."""
    max_body: int = Field(16 * MEGABYTE, ge=1000, le=2_000 * MEGABYTE)
    """Bytes of a request's body."""
    max_text_body: int = Field(8 * MEGABYTE, ge=1000, le=2_000 * MEGABYTE)
    """Bytes of a body of texts alone, if these are fewer."""
    max_held: int = Field(512 * MEGABYTE, ge=1000, le=1_000_000 * MEGABYTE)
    """Bytes of the bodies of all requests that are read, wait or run."""
    max_text: int = Field(20_000, ge=1, le=10_000_000)
    """Characters of a text."""
    max_texts: int = Field(128, ge=1, le=100_000)
    """Texts of a request."""
    max_alternatives: int = Field(16, ge=1, le=1000)
    """Alternatives that may be asked for, and hypotheses of a beam."""
    max_images: int = Field(32, ge=1, le=10_000)
    """Images of a request."""
    max_image_bytes: int = Field(10 * MEGABYTE, ge=1, le=500 * MEGABYTE)
    """Bytes of an image file."""
    max_pixels: int = Field(25_000_000, ge=65_536, le=2_000_000_000)
    """Pixels that may be decoded of an image."""
    reload_models: bool = False
    """Whether SIGHUP loads the models anew; without it SIGHUP ends the server as SIGTERM does."""
    api_keys: Path | None = None
    """A file of the SHA-256 hashes of keys; without it nobody needs one."""
    cors: tuple[str, ...] = ()
    """Origins whose pages may call the server."""
