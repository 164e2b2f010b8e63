"""scikit-learn's handwritten digits as an ordinary image folder."""

from pathlib import Path

import numpy as np
from PIL import Image

PARTS = ("train", "held_out")


def write_digits(folder: Path, seed: int = 1) -> tuple[Path, Path]:
    """Write the 1,797 digits of 8 x 8 pixels as PNG files, a folder a class.

    Args:
        folder: gets `train/` and `held_out/`; digits that an earlier split left in the other one are removed.
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
    for name, other, part in zip(PARTS, reversed(PARTS), parts, strict=True):
        for label in digits.target_names:
            (folder / name / str(label)).mkdir(parents=True, exist_ok=True)
        for index in part:
            grey = (digits.images[index] * (255 / 16)).astype(np.uint8)  # the data has levels 0 to 16
            file = Path(str(digits.target[index])) / f"{index:04d}.png"
            # Not atomic: every run writes all files again, and waiting for the disk 1,797 times takes seconds.
            Image.fromarray(grey).save(folder / name / file)
            (folder / other / file).unlink(missing_ok=True)
    return folder / "train", folder / "held_out"
