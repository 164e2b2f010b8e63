"""What a classifier says of an image."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

    from patchword.models.evidence import Evidence


@dataclass(frozen=True)
class Classification:
    """What is in an image.

    Attributes:
        name: the file, or "image N" for one given as pixels.
        predictions: (class, probability), likeliest first; empty if the file could not be read.
        error: why it could not be read, else None.
    """

    name: str
    predictions: tuple[tuple[str, float], ...]
    error: str | None = None

    def __str__(self) -> str:
        found = ", ".join(f"{label} {100 * probability:.1f} %" for label, probability in self.predictions)
        return f"{self.name}: {self.error or found}"

    def _repr_html_(self) -> str:
        bar = '<div style="background:#4477aa;height:0.8em;width:{:.1f}em"></div>'
        rows = [
            f"<td>{escape(label)}</td><td>{100 * probability:.1f} %</td><td>{bar.format(10 * probability)}</td>"
            for label, probability in self.predictions
        ]
        rows = rows or [f'<td colspan="3"><em>{escape(self.error or "")}</em></td>']
        found = "".join(f"<tr>{row}</tr>" for row in rows)
        return f'<table><tr><th colspan="3">{escape(self.name)}</th></tr>{found}</table>'


@dataclass(frozen=True)
class AttendedImage:
    """A classification with what the model looked at.

    Attributes:
        classification: the result.
        pixels: uint8, (3, height, width): what the model saw.
        evidence: what the model looked at, of one image; a ViT's "encoder" attention, for instance.
        picture: the whole image, RGB and upright; what the model saw of it, `Preprocessing.box` says.
        explained: the class that the evidence for a class is for.
        explained_index: its number, since two classes may share a name.
    """

    classification: Classification
    pixels: "Tensor"
    evidence: "Evidence"
    picture: Image.Image
    explained: str
    explained_index: int
