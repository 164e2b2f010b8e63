"""Decoded training images: in memory, memory-mapped, or decoded again for every batch."""

import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from patchword.errors import DataError
from patchword.images.dataset import LabelledImages
from patchword.images.files import alone
from patchword.images.transforms import Preprocessing
from patchword.training.events import Listener, Note, ignore, told
from patchword.training.fingerprint import digest

MEMORY_BYTES = 2 * 2**30  # up to this size images are kept in memory
FREE_DISK_SHARE = 0.5  # a larger set is memory-mapped if it takes at most this share of the free disk


class ImageCache:
    """The pixels of a labelled set, without the images that cannot be read.

    Args:
        data: the images.
        preprocessing: what is applied to each before it is kept.
        folder: where a memory-mapped file may be written.
        listener: hears how far it is.

    Attributes:
        labels: (images,), of the readable ones.
        skipped: (name, reason) of each image that cannot be read.
        digest: of the pixels and classes of the readable ones, in order.

    Raises:
        DataError: if none can be read.
    """

    def __init__(
        self, data: LabelledImages, preprocessing: Preprocessing, folder: Path, listener: Listener = ignore
    ) -> None:
        self.data, self.preprocessing, self._tell = data, preprocessing, listener
        self._lost: set[int] = set()
        self.skipped: list[tuple[str, str]] = []
        height, width = preprocessing.image_size
        shape = (len(data), 3, height, width)
        self._pixels: Tensor | None = self._allocate(shape, folder)
        # Every image is decoded once at the start, kept or not, so that a broken one cannot stop a long run later.
        readable: list[int] = []
        contents: list[bytes] = []
        for index in told(range(len(data)), len(data), f"reading {data.origin.name}", listener):
            try:
                image = self._read(index)
            except DataError as error:
                self.skipped.append((data.name_of(index), str(error)))
                continue
            if self._pixels is not None:
                self._pixels[len(readable)] = image
            readable.append(index)
            contents.append(b"%d %d" % (data.labels[index], zlib.crc32(image.numpy().data)))
        if not readable:
            raise DataError(data.origin, f"none of its {len(data)} images can be read; the first: {self.skipped[0][1]}")
        self._indices = readable
        self.digest = digest([*(name.encode("utf-8", "surrogatepass") for name in data.classes), *contents])
        self.labels = torch.tensor([data.labels[i] for i in readable])

    def __len__(self) -> int:
        return len(self._indices)

    def pixels(self, indices: Sequence[int]) -> Tensor:
        """uint8 pixels of some images, (len(indices), 3, height, width)."""
        if self._pixels is not None:
            return self._pixels[torch.as_tensor(indices)]
        return torch.stack([self._again(i) for i in indices])

    def _read(self, index: int) -> Tensor:
        with alone(self.data.name_of(index)):
            return self.preprocessing.pixels(self.data.open(index))

    def _again(self, number: int) -> Tensor:
        """An image that could be read before; if it no longer can be, the next one of its class."""
        label = self.data.labels[self._indices[number]]
        for step in range(len(self._indices)):
            index = self._indices[(number + step) % len(self._indices)]
            if self.data.labels[index] != label:
                continue
            try:
                return self._read(index)
            except DataError as error:
                if index not in self._lost:
                    self._tell(Note(f"{error}; another image of its class takes its place"))
                self._lost.add(index)
        raise DataError(self.data.origin, f"class {self.data.classes[label]!r} has no image any more that can be read")

    def name_of(self, index: int) -> str:
        """What to call an image in messages."""
        return self.data.name_of(self._indices[index])

    @staticmethod
    def _allocate(shape: tuple[int, ...], folder: Path) -> Tensor | None:
        size = shape[0] * shape[1] * shape[2] * shape[3]
        if size <= MEMORY_BYTES:
            return torch.empty(shape, dtype=torch.uint8)
        folder.mkdir(parents=True, exist_ok=True)
        if size > FREE_DISK_SHARE * shutil.disk_usage(folder).free:
            return None
        path = folder / "pixels.bin"
        path.unlink(missing_ok=True)
        pixels = torch.from_file(str(path), shared=True, size=size, dtype=torch.uint8).view(shape)
        path.unlink()  # the mapping stays; the disk space goes when the process does
        return pixels
