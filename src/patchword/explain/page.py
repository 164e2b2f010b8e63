"""An explanation as one HTML file that needs nothing else: the page's modules, its style and the document inside."""

import base64
import hashlib
import html
import json
import math
import re
from functools import cache
from importlib.resources import files
from typing import Any

ENTRY = "main.js"
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|const) (\w+)", re.MULTILINE)


def page(document: dict[str, Any]) -> str:
    """The document's page.

    Args:
        document: of `explanation.explained`.

    Returns:
        HTML that asks for nothing from elsewhere, and says so to the browser by its content security policy.
    """
    return (
        empty_page()
        .replace("{{title}}", html.escape(str(document.get("title", ""))))
        .replace("{{document}}", embedded(document))
    )


@cache
def empty_page() -> str:
    """The page with {{title}} and {{document}} still to be filled in; share.js fills them too."""
    style, script = _read("style.css"), bundled()
    policy = (
        f"default-src 'none'; img-src data: blob:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    frame = _read("frame.html")
    return frame.replace("{{policy}}", policy).replace("{{style}}", style).replace("{{script}}", script)


def embedded(document: dict[str, Any]) -> str:
    """JSON that may stand inside of a script element: it has no < and no line separator; what is not finite is null."""
    text = json.dumps(_finite(document), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def bundled() -> str:
    """The modules that main.js needs as one script, each in a function of its own, after those that it imports.

    Browsers load no modules from files beside a file, so that they cannot stay apart.
    """
    order: list[str] = []
    _visit(ENTRY, order, ())
    return "const modules = {};\n" + "".join(_enclosed(name) for name in order)


def _visit(name: str, order: list[str], importers: tuple[str, ...]) -> None:
    if name in order:
        return
    assert name not in importers, f"{name} imports itself: {' -> '.join((*importers, name))}"
    for match in IMPORT.finditer(_read(name)):
        _visit(match[2], order, (*importers, name))
    order.append(name)


def _enclosed(name: str) -> str:
    source = _read(name)
    exports = EXPORT.findall(source)
    body = IMPORT.sub(lambda m: f'const {{{m[1].replace(" as ", ": ")}}} = modules["{m[2]}"];\n', source)
    body = re.sub(r"^export ", "", body, flags=re.MULTILINE)
    assert not re.search(r"^import\b", body, re.MULTILINE), f"{name} has an import of another form"
    assert not re.search(r"</script|<!--", source, re.IGNORECASE), f"{name} would end the script that it stands in"
    return f'modules["{name}"] = (() => {{\n{body}return {{{", ".join(exports)}}};\n}})();\n'


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


def _read(name: str) -> str:
    return files("patchword.explain").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
