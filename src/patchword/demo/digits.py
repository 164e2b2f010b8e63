"""scikit-learn's handwritten digits as an ordinary image folder."""

from pathlib import Path

import numpy as np
from PIL import Image

from patchword.files import replacing


def write_digits(folder: Path, seed: int = 1) -> tuple[Path, Path]:
    """Write the 1,797 digits of 8 x 8 pixels as PNG files, a folder a class.

    Args:
        folder: gets `train/` and `held_out/`.
        seed: of the split.

    Returns:
        the folder of three quarters to train on, and that of the held-out quarter; every digit has the same share in
        both.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    indices = np.arange(len(digits.target))
    parts = train_test_split(indices, test_size=0.25, random_state=seed, stratify=digits.target)
    for name, part in zip(("train", "held_out"), parts, strict=True):
        for index in part:
            grey = (digits.images[index] * (255 / 16)).astype(np.uint8)  # the data has levels 0 to 16
            with replacing(folder / name / str(digits.target[index]) / f"{index:04d}.png") as path:
                Image.fromarray(grey).save(path, format="PNG")
    return folder / "train", folder / "held_out"
