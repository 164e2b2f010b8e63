"""Which language a text is in: by what is said, by a file's name, or else by its script; and what BLEU asks of it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

SAMPLE = 2000  # texts that a script is recognised by
SHARE = 0.3  # of the letters, that is a script's text: names, numbers and formulas stand in others

# Of these letters no other language's text is full, or a text is scored alike whatever language they are.
_SCRIPTS = {
    "kana": ("ja", "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"),
    "hangul": ("ko", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff"),
    "Chinese": ("zh", "\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"),
    "Thai": ("th", "\u0e00-\u0e7f"),
    "Lao": ("lo", "\u0e80-\u0eff"),
    "Khmer": ("km", "\u1780-\u17ff"),
    "Burmese": ("my", "\u1000-\u109f"),
}
_LETTERS = {name: re.compile(f"[{letters}]") for name, (_, letters) in _SCRIPTS.items()}

# sacreBLEU's tokenisers for languages that put no spaces between words; ja's own needs MeCab.
_TOKENIZERS = {
    **dict.fromkeys(("zh", "yue", "wuu", "nan", "hak", "gan", "lzh"), "zh"),
    **dict.fromkeys(("ja", "th", "lo", "km", "my"), "char"),
}
DEFAULT_TOKENIZER = "13a"

# Names of sides, of splits and of what was done, that are also codes of some language.
_NO_CODES = frozenset(
    {"src", "tok", "new", "cat", "man", "raw", "dev", "out", "all", "old", "ref", "sys", "tgt", "txt"}
)
_KINDS = frozenset({"txt", "text", "gz", "tsv", "csv", "tab", "json", "jsonl", "ndjson", "zip", "tok", "bpe", "clean"})


def said(language: str) -> str | None:
    """A language as it was said, or None for what stands where nothing was."""
    return None if language in ("", "?", "source", "target") else language


@cache
def _names() -> tuple[dict[str, str], dict[str, str]]:
    """CLDR's aliases (cmn is zh), and the codes that it knows, by themselves and by their English names."""
    from babel import Locale
    from babel.core import get_global

    aliases = {name.lower(): str(code).split("_")[0] for name, code in get_global("language_aliases").items()}
    known = {code: str(name) for code, name in Locale("en").languages.items()}
    return aliases, {**{code.lower(): code for code in known}, **{name.lower(): code for code, name in known.items()}}


def language_code(name: str) -> str | None:
    """The shortest code of a language: "zh" for zho, cmn, zh_CN, zh-Hans and Chinese; None if it is no language's."""
    aliases, known = _names()
    found = name.strip().lower()
    for form in (found, re.split("[-_@]", found)[0]):
        if form in _NO_CODES or len(form) < 2:
            continue
        if form in aliases:
            return aliases[form]
        if form in known:
            return known[form].split("_")[0]
    return None


def named_language(path: Path) -> str | None:
    """The code in a file's name, as it stands there: the last part that is one, as in train.en.gz or train_cmn.txt."""
    *stem, kind = path.name.split(".")
    while stem and kind.lower() in _KINDS:
        *stem, kind = *stem[:-1], stem[-1]
    if stem and len(kind) <= 8 and language_code(kind) is not None and re.fullmatch("[A-Za-z]{2,3}([-_].+)?", kind):
        return kind
    last = re.split("[-_ ]", kind)[-1]
    return last if re.fullmatch("[A-Za-z]{2,3}", last) and language_code(last) is not None else None


@dataclass(frozen=True)
class Script:
    """What a text is written in.

    Attributes:
        name: such as "Chinese"; empty for those that put spaces between words.
        share: of its letters; 0 if there are none.
        language: that is written so.
    """

    name: str
    share: float
    language: str


def script_of(texts: Iterable[str]) -> Script:
    """The script that some texts are in, by their letters."""
    joined = "".join(c for c in "".join(islice(texts, SAMPLE)) if c.isalpha())
    # Marks of Thai and its like are no letters to Python.
    counts = Counter({name: len(letters.findall(joined)) for name, letters in _LETTERS.items()})
    whole = len(joined)
    if not whole:
        return Script("", 0.0, "")
    if counts["kana"] / whole > SHARE / 3:  # Japanese is written with Chinese letters too
        return Script("Japanese", (counts["kana"] + counts["Chinese"]) / whole, "ja")
    name, count = counts.most_common(1)[0]
    if count / whole > SHARE:
        return Script(name if name != "hangul" else "Korean", count / whole, _SCRIPTS[name][0])
    return Script("", 1.0, "")


@dataclass(frozen=True)
class Tokenisation:
    """How BLEU cuts references into words.

    Attributes:
        name: sacreBLEU's name of the tokeniser.
        assumption: which language was assumed and why, a clause.
        warning: why it does not suit the text; empty if it does.
    """

    name: str
    assumption: str
    warning: str = ""


def tokenisation(language: str, references: Sequence[str]) -> Tokenisation:
    """The tokeniser of a language, or of the text's script if the language is not known.

    Args:
        language: of the references, as it was said; such as "zh", "cmn" or "Chinese", or what is no language.
        references: the text.
    """
    script = script_of(references)
    code = language_code(language)
    if code is None:
        why = "nothing is said" if said(language) is None else f"{language!r} is no language that is known"
        name = _TOKENIZERS.get(script.language, DEFAULT_TOKENIZER)
        if script.language:
            seen = (
                f"{script.language}, by the text's script ({100 * script.share:.0f} % of the letters are {script.name})"
            )
        else:
            seen = "one with spaces between words, by the text's script"
        return Tokenisation(name, f"{seen}; {why}")
    name = _TOKENIZERS.get(code, DEFAULT_TOKENIZER)
    assumption = f"{code}, as said" if code == language else f"{code}, as said by {language!r}"
    if not script.share or name == _TOKENIZERS.get(script.language, DEFAULT_TOKENIZER):
        return Tokenisation(name, assumption)
    written = f"{script.name} letters" if script.name else "words with spaces"
    other = script.language or "their language"
    problem = f"the references have {written}, which BLEU's tokeniser for {code} ({name}) does not suit"
    return Tokenisation(name, assumption, f"{problem}; --target-language {other} would")
