"""Ranges of the fields that every architecture's config has.

They are far beyond what was ever published, and far below what would only be found out by waiting for it, or by the
machine running out of memory before anything was compared.
"""

from patchword.errors import shown

WIDEST = 2**16
MOST_LAYERS = 1000
MOST_TOKENS = 2**24  # of a vocabulary, of a sequence
LARGEST_SIDE, MOST_PIXELS = 2**14, 2**24  # of an image
MOST_CLASSES = 2**20


def check_sides(size: tuple[int, int]) -> None:
    """See that an image of (height, width) pixels is one that a network can be asked to take.

    Raises:
        ValueError: if it is not.
    """
    height, width = size
    if not (0 < height <= LARGEST_SIDE and 0 < width <= LARGEST_SIDE and height * width <= MOST_PIXELS):
        found = " x ".join(shown(side) for side in size)
        raise ValueError(
            f"an image of {found} pixels; expected sides of 1 to {LARGEST_SIDE:,} and at most {MOST_PIXELS:,} pixels"
        )
