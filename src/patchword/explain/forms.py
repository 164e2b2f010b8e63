"""The forms that an explanation is written in."""

import json
from pathlib import Path
from typing import Any

from patchword.errors import RecipeError, nearest, shown
from patchword.explain.summary import summary

FORMS = ("html", "json", "png", "pharaoh", "text")


def form_of(path: Path) -> str:
    """The form that a file's name means.

    Raises:
        RecipeError: if it means none.
    """
    ending = {"htm": "html", "txt": "text"}.get(path.suffix[1:].lower(), path.suffix[1:].lower())
    if ending not in FORMS:
        raise RecipeError(f"{path}: what form is that? name it .html, .json or .png, or say --format")
    return ending


def written(document: dict[str, Any], form: str) -> bytes:
    """A document as a file's content.

    Args:
        document: see `explanation`.
        form: "html", a page of its own; "json"; "png", a picture; "pharaoh", word links as "0-0 1-2", a line a model;
            "text", what is worth a few lines.

    Raises:
        RecipeError: if there is no such form, or the document has no such thing.
    """
    if form == "html":
        from patchword.explain.page import page

        return page(document).encode()
    if form == "png":
        from patchword.explain.png import png

        return png(document)
    if form == "json":
        return (json.dumps(document, ensure_ascii=False) + "\n").encode()
    if form == "text":
        return summary(document).encode()
    if form != "pharaoh":
        raise RecipeError(f"no form {shown(form)}; {nearest(form, FORMS)}")
    lines = [
        one["text"]["alignment"]["pharaoh"] for one in (document, document.get("against")) if one and "text" in one
    ]
    if not lines:
        raise RecipeError("pharaoh is a form of word links, which an image does not have; choose html, json or png")
    return "".join(f"{line}\n" for line in lines).encode()
