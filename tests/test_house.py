"""Nobody asks which task or which architecture it is but those whose business it is."""

import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[1] / "src" / "patchword"

# Where a task or an architecture is known by name: its model, its converter, the engine's packed form of it.
# A claim names the two sides that it compares, `sides.py` makes them; the rest of compare/ is handed those names.
AT_HOME = ("models/", "converters/", "engine/", "nn/", "compare/claims/", "compare/sides.py")
# A wing's recipes that suit some data are chosen by architecture; everything else in a wing asks the contract.
PRESETS = ("text/presets.py", "images/presets.py")

TASKS = r"['\"](translation|classification)['\"]"
ARCHITECTURES = r"['\"](transformer|vision_transformer|recurrent|residual_network|vit|rnn|cnn)['\"]"
CLASSES = r"\b(Transformer|VisionTransformer|Recurrent|ResidualNetwork)(Config)?\b"
# Doors say their names in help, look them up, or ask for a system of one task by the verb that they are.
ASKED_FOR = [
    ("__init__.py", CLASSES),
    ("cli/translate.py", r"api\.load\(.*task=\"translation\""),
    ("cli/translate.py", r"opened\(model, \"translation\""),
    ("cli/classify.py", r"(api\.load\(.*task=|opened\(model, )\"classification\""),
    ("catalogs.py", r"runtime\.suited\(model, \"translation\"\)"),
    ("runtime/loading.py", r"^    \"classification\": _classifier,$"),
    ("wings.py", r"^    \"(translation|classification)\": \"patchword\.\w+\.wing\",$"),
    ("demo/run.py", r"\"task\": \"(translation|classification)\","),
    # A document's field of that name, which is a text.
    ("explain/sentence.py", r"^ +\"translation\": text,$"),
    ("explain/summary.py", r"text\[\"translation\"\]"),
]


def questions(source: Path) -> list[str]:
    """Lines of code that know a task or an architecture by name; docstrings and comments may tell of them."""
    name = source.relative_to(SOURCES).as_posix()
    code = re.sub(r'"""(?:.|\n)*?"""', lambda m: "\n" * m[0].count("\n"), source.read_text(encoding="utf-8"))
    found = []
    for number, line in enumerate(code.splitlines(), 1):
        line = line.split("  # ")[0]
        if re.search(r"^\s*#|help=|console\.rule\(", line) or any(
            name == at and re.search(form, line) for at, form in ASKED_FOR
        ):
            continue
        wing = name.startswith(("text/", "images/"))
        patterns = [ARCHITECTURES, CLASSES] if wing else [TASKS, ARCHITECTURES, CLASSES]
        if any(re.search(pattern, line) for pattern in patterns):
            found.append(f"{name}:{number}: {line.strip()}")
    return found


def test_a_task_is_known_to_its_wing_and_an_architecture_to_its_model() -> None:
    asking = [
        question
        for source in sorted(SOURCES.rglob("*.py"))
        if not (name := source.relative_to(SOURCES).as_posix()).startswith(AT_HOME) and name not in PRESETS
        for question in questions(source)
    ]
    assert not asking, "\n".join(asking)


@pytest.mark.parametrize(
    "line",
    [
        'if system.task == "translation":',
        "if isinstance(model, Transformer):",
        'if description.architecture != "vision_transformer":',
        "from patchword.models.residual_network import ResidualNetworkConfig",
    ],
)
def test_a_new_question_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setattr("tests.test_house.SOURCES", tmp_path)
    (tmp_path / "new.py").write_text(f'"""What a "translation" by a Transformer is."""\n\n{line}\n    pass\n')
    assert questions(tmp_path / "new.py") == [f"new.py:3: {line}"]


def test_no_file_is_longer_than_a_noun_can_be() -> None:
    long = {str(path): lines for path in SOURCES.rglob("*.py") if (lines := len(path.read_text().splitlines())) > 300}
    assert not long
