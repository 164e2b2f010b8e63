"""What people can try at once: sentences in the models' source languages, and a few small pictures."""

import base64
import io
from collections.abc import Sequence
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

MOST = 10  # samples of a kind for a model
SIDE = 384  # pixels of a picture's longer side; larger ones are made smaller, since all of them travel with the page
LONGEST = 2000  # characters of a sentence from a file
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
DIGITS = tuple("0123456789")

SENTENCES = {
    "de": ("Ein Mann fährt mit dem Fahrrad.", "Zwei Hunde spielen im Schnee."),
    "en": ("A man rides a bike.", "Two dogs are playing in the snow."),
    "es": ("Un hombre va en bicicleta.", "Dos perros juegan en la nieve."),
    "fr": ("Un homme fait du vélo.", "Deux chiens jouent dans la neige."),
    "it": ("Un uomo va in bicicletta.", "Due cani giocano nella neve."),
    "ja": ("男の人が自転車に乗っています。", "二匹の犬が雪の中で遊んでいます。"),
    "nl": ("Een man rijdt op een fiets.", "Twee honden spelen in de sneeuw."),
    "pt": ("Um homem anda de bicicleta.", "Dois cães brincam na neve."),
    "ru": ("Мужчина едет на велосипеде.", "Две собаки играют в снегу."),
    "zh": ("一个男人骑着自行车。", "两只狗在雪地里玩耍。"),
}


def samples_of(system: Any, folder: Path) -> dict[str, Any]:
    """What people can try with a system.

    Args:
        system: a translator, for which there are sentences in the language that it reads, or a classifier, for which
            there are digits if that is what it knows.
        folder: what was given to be served. If it has a folder `samples`, they come from there instead: pictures,
            which are called what their files are, or `.txt` files of a sentence a line.

    Returns:
        "texts", each with "text" and "language", and "images", each with "name" and "url", a data URL.
    """
    texts: list[dict[str, str]] = []
    images: list[dict[str, str]] = []
    if languages := getattr(system, "languages", None):
        found = _lines(folder) or sentences(languages[0])
        texts = [{"text": text, "language": languages[0]} for text in found]
    elif classes := getattr(system, "classes", None):
        pictures = _pictures(folder) or (digits() if tuple(sorted(classes)) == DIGITS else ())
        images = [{"name": name, "url": url} for name, url in pictures]
    return {"texts": texts, "images": images}


def sentences(language: str) -> list[str]:
    """Sentences and phrases in a language; none in one that is unknown here."""
    return [*SENTENCES.get(language.replace("-", "_").split("_")[0], ()), *_phrases(language)]


def _phrases(language: str) -> list[str]:
    """A date and countries as the Unicode CLDR says them in any of its languages: what the demo learns."""
    from babel import Locale, UnknownLocaleError
    from babel.dates import format_date
    from babel.lists import format_list

    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return []
    names = [locale.territories.get(code, "") for code in ("CH", "JP", "PE")]
    found = [format_date(date(2017, 6, 12), "full", locale=locale)]  # the day that "Attention Is All You Need" came out
    if all(names):
        found.append(format_list(names, locale=locale))
    return [" ".join(text.split()) for text in found]


@cache
def digits() -> tuple[tuple[str, str], ...]:
    """A digit of each class from scikit-learn's, of those that the demo holds out."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    # The split that demo.digits makes unless it is told otherwise.
    held_out = train_test_split(np.arange(len(data.target)), test_size=0.25, random_state=1, stratify=data.target)[1]
    found = []
    for label in range(10):
        index = next(i for i in held_out if data.target[i] == label)
        found.append((str(label), _url(Image.fromarray((data.images[index] * (255 / 16)).astype(np.uint8)))))
    return tuple(found)


def _lines(folder: Path) -> list[str]:
    lines: list[str] = []
    for file in _files(folder, (".txt",)):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # A sample that cannot be read is none.
        lines += [line.strip() for line in text.splitlines() if 0 < len(line.strip()) <= LONGEST]
    return lines[:MOST]


def _pictures(folder: Path) -> Sequence[tuple[str, str]]:
    from PIL import Image, ImageOps

    found = []
    for file in islice(_files(folder, PICTURES), MOST):
        try:
            with Image.open(file) as opened:
                opened.draft("RGB", (2 * SIDE, 2 * SIDE))
                picture = ImageOps.exif_transpose(opened).convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
        picture.thumbnail((SIDE, SIDE))
        found.append((file.stem, _url(picture)))
    return found


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    try:
        return sorted(file for file in (folder / "samples").iterdir() if file.suffix.lower() in suffixes)
    except OSError:
        return []


def _url(picture: Any) -> str:
    buffer = io.BytesIO()
    kind = "PNG" if max(picture.size) <= 64 else "JPEG"
    picture.save(buffer, format=kind, **({"quality": 88} if kind == "JPEG" else {}))
    return f"data:image/{kind.lower()};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
