"""`/docs`: the OpenAPI document as a page that loads nothing from anywhere."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2.5rem; } code, pre { font: 0.9em/1.5 ui-monospace, monospace; }
pre { padding: 0.75rem; overflow-x: auto; border: 1px solid; border-radius: 4px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; } td, th { padding: 0.2rem 0.8rem 0.2rem 0;
vertical-align: top; text-align: left; }
"""


def docs_page(document: Mapping[str, Any]) -> str:
    """HTML of an OpenAPI document: each call with what it takes and answers."""
    calls = [(path, method, call) for path, methods in document["paths"].items() for method, call in methods.items()]
    title = escape(document["info"]["title"])
    contents = "".join(
        f'<li><a href="#{_anchor(path, method)}"><code>{method.upper()} {escape(path)}</code></a> '
        f"{escape(call.get('summary', ''))}</li>"
        for path, method, call in calls
    )
    sections = "".join("".join(_section(document, path, method, call)) for path, method, call in calls)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: calls</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title} {escape(document['info']['version'])}</h1>"
        f"<p>{escape(document['info'].get('summary', ''))} The same for programs: "
        f'<a href="openapi.json">openapi.json</a>.</p><ul>{contents}</ul>{sections}</main></body></html>'
    )


def _anchor(path: str, method: str) -> str:
    return escape(f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""))


def _section(document: Mapping[str, Any], path: str, method: str, call: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="{_anchor(path, method)}"><h2><code>{method.upper()} {escape(path)}</code></h2>'
    yield f"<p>{escape(call.get('summary', ''))}</p>"
    for kind, content in call.get("requestBody", {}).get("content", {}).items():
        yield f"<h3>Body: <code>{escape(kind)}</code></h3>{_fields(document, content['schema'])}"
    yield "<h3>Answers</h3>"
    for status, answer in call.get("responses", {}).items():
        yield f"<p><b>{escape(status)}</b> {escape(answer.get('description', ''))}</p>"
        for kind, content in answer.get("content", {}).items():
            if status.startswith("2") and content.get("schema"):
                yield f"<p><code>{escape(kind)}</code></p>{_fields(document, content['schema'])}"
    yield "</section>"


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    schema = _resolved(document, schema)
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code>{'' if name in required else ' (optional)'}</td>"
        f"<td>{escape(_kind(document, field))}</td><td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    head = "<thead><tr><th>field</th><th>what</th><th>meaning</th></tr></thead>"
    return f'<div class="scroll" tabindex="0"><table>{head}<tbody>{rows}</tbody></table></div>' if rows else ""


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """A type in a few words: "list of string", "integer 1 to 1000"."""
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return " or ".join(_kind(document, each) for each in schema["anyOf"] if each.get("type") != "null")
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    if schema.get("type") == "object" and schema.get("properties"):
        return f"object of {', '.join(schema['properties'])}"
    least, most = schema.get("minimum"), schema.get("maximum")
    limits = f" {least} to {most}" if least is not None and most is not None else ""
    file = " (a file)" if schema.get("format") == "binary" else ""
    return f"{schema.get('type', 'anything')}{limits}{file}"
