"""JSON as it is shown."""

import json

import pytest

from patchword.cli.json_text import json_text
from patchword.errors import one_line


@pytest.mark.parametrize("text", ["骑马", "می‌خواهم", "👩‍🚀", "1 234 €", "plain"])
def test_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert json_text({"a": text}) == f'{{"a": "{text}"}}'
    assert one_line(text) == text


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "\x9b31m", "\u2028", "\u202egnp.exe", "\ud800", "\x7f"])
@pytest.mark.parametrize("indent", [None, 2])
def test_what_a_terminal_obeys_is_escaped_and_read_back(text: str, indent: int | None) -> None:
    written = json_text({text: [text]}, indent)
    assert all(one_line(line) == line for line in written.split("\n"))
    assert json.loads(written) == {text: [text]}
    assert one_line(one_line(text)) == one_line(text) != text
