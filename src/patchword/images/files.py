"""Opening image files safely, whatever their mode."""

import io
import struct
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from patchword.errors import DataError

MAX_PIXELS = 100_000_000  # checked before decoding, so that a small file cannot fill the memory

# Pillow would hand others, such as PostScript, to programs outside it, whatever the file's name says.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".jfif"})


def open_image(source: Path | bytes, name: str | None = None) -> Image.Image:
    """Decode an image as people see it: 8-bit RGB, upright.

    The first frame of an animation; EXIF rotation applied; palettes resolved; transparency over white; CMYK converted;
    16-bit and floating-point greys scaled to 8 bits instead of cut off.

    Args:
        source: a path, or the file's content.
        name: what to call it in errors; by default the path.

    Returns:
        an RGB image.

    Raises:
        DataError: naming the file, if it is missing, no image, damaged, or has more than `MAX_PIXELS` pixels.
    """
    label = name or (str(source) if isinstance(source, Path) else "image")
    try:
        with warnings.catch_warnings():
            # Pillow warns of what is an error here or does not matter: large sizes, odd EXIF, palette transparency.
            warnings.simplefilter("ignore")
            file = io.BytesIO(source) if isinstance(source, bytes) else source
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise DataError(
                        label,
                        f"has {image.width} x {image.height} pixels, more than the {MAX_PIXELS:,} that are allowed",
                    )
                return as_rgb(image)
    except FileNotFoundError:
        raise DataError(label, "no such file") from None
    except IsADirectoryError:
        raise DataError(label, "is a folder; expected an image file") from None
    except PermissionError:
        raise DataError(label, "cannot be read: permission denied") from None
    except UnidentifiedImageError:
        raise DataError(label, "not an image, or of an unknown format") from None
    except Image.DecompressionBombError:
        raise DataError(label, f"has more than the {MAX_PIXELS:,} pixels that are allowed") from None
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, IndexError, KeyError) as error:
        raise DataError(label, f"the image is damaged: {error}") from None


def as_rgb(image: Image.Image) -> Image.Image:
    """A decoded image of any mode as `open_image` would give it: upright 8-bit RGB, transparency over white."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _scaled_grey(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _scaled_grey(image: Image.Image) -> Image.Image:
    """Greys of more than 8 bits, which Pillow's own conversion would cut off at 255."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    if image.mode == "F":
        # Floating-point images have no agreed range; those within 0 to 1 are taken as fractions.
        highest = 1.0 if values.size == 0 or values.max() <= 1.0 else max(255.0, float(values.max()))
    else:
        highest = max(65535.0, float(values.max(initial=0.0)))
    return Image.fromarray(np.clip(values * (255.0 / highest) + 0.5, 0, 255).astype(np.uint8))
