"""JSON that people see."""

import json
from typing import Any

from patchword.errors import one_line


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON in any script, in which what a terminal would obey is escaped in JSON's own way.

    Args:
        value: what JSON has a form of.
        indent: spaces a level; None for one line.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(c if c == "\n" or one_line(c) == c else f"\\u{ord(c):04x}" for c in text)
