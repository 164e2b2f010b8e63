"""Looking for what is wrong with parallel text, one split after another, in streams."""

import math
from array import array
from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from patchword.errors import DataError
from patchword.findings import TEST, TRAIN, VALIDATION, Finding, Findings, clipped
from patchword.text.checks import kinds
from patchword.text.checks.encoding import wrong_encoding
from patchword.text.checks.leaks import Held, HeldOut, held
from patchword.text.checks.records import Record, Text
from patchword.text.checks.repeats import Repeats
from patchword.text.checks.shingles import ALIKE, folded, likeness, long_enough, signatures
from patchword.text.checks.sides import LEAST_WORDS, Side
from patchword.text.files import Damage
from patchword.text.normalisation import is_blank, normalised
from patchword.training.events import Listener, Progress, ignore

_SAMPLE = 2000  # pairs that tell what a side is like
_TOGETHER = 4096  # pairs that are looked at together
_RATIO = 3.0  # times as long as most pairs' sides are to each other
_DEVIATIONS = 4.0  # of the lengths of translations; see Gale & Church 1993, 3.1, whose variance a character follows
_VARIANCE = 6.8

_Sides = tuple[list[str], list[str]]
_Values = tuple[NDArray[np.uint32], NDArray[np.uint32]]


def look(texts: Mapping[str, Text], max_tokens: int, listener: Listener = ignore) -> Findings:
    """What is wrong with training text, and with validation and test text beside it.

    Args:
        texts: by split; a split must not have what those have that score it.
        max_tokens: the longest side that training takes.
        listener: hears how far it is.

    Raises:
        DataError: if a text cannot be read at all, or holds no pairs.
        RecipeError: if a library is missing.
    """
    return _Look(texts, max_tokens, listener).findings()


class _Look:
    def __init__(self, texts: Mapping[str, Text], max_tokens: int, listener: Listener) -> None:
        self._texts, self._max_tokens, self._listener = texts, max_tokens, listener
        self._fixed = wrong_encoding()
        train = texts[TRAIN]
        sample = [item for item in islice(train.records(), _SAMPLE) if isinstance(item, Record)]
        languages = train.named
        self._sides = Side(languages[0], [r.source for r in sample]), Side(languages[1], [r.target for r in sample])
        self._found: list[Finding] = [
            Finding(
                kinds.SIDE.name, TRAIN, files[0], None, f"the {name} is said to be {side.language}: {side.mistaken}?"
            )
            for name, side, files in zip(("source", "target"), self._sides, (train.files() * 2)[:2], strict=True)
            if side.mistaken
        ]
        self._counts: dict[str, int] = {}
        self._left_out: list[str] = []  # notes on units that are no pairs
        self._lengths: dict[str, tuple[array[int], array[int], array[int]]] = {}
        self._repeats = Repeats()
        self._held = HeldOut([], self._widths)

    @property
    def _widths(self) -> tuple[int, int]:
        return self._sides[0].width, self._sides[1].width

    def findings(self) -> Findings:
        pairs: list[Held] = []
        for split in (split for split in (TEST, VALIDATION) if split in self._texts):
            for chunk in self._chunks(split):
                self._leaks(split, chunk)
                pairs += [held(split, f"{r.file}:{r.line}", r.source, r.target) for r in chunk]
            self._held = HeldOut(pairs, self._widths)
        for chunk in self._chunks(TRAIN):
            self._keep(chunk, *self._leaks(TRAIN, chunk))
        self._ratios()
        self._again()
        order = {kind.name: number for number, kind in enumerate(kinds.KINDS)}
        splits = {split: number for number, split in enumerate((TRAIN, *self._texts))}
        self._found.sort(key=lambda f: (order[f.kind], splits[f.split] if f.split != TRAIN else 0, f.line or 0))
        return Findings("pairs", self._counts, kinds.KINDS, self._found, self._notes())

    def _notes(self) -> list[str]:
        said = [side.language or f"not known, in {side.script} script" for side in self._sides]
        notes = [f"languages: {said[0]} and {said[1]}"]
        if len(self._texts) == 1:
            notes.append("leaks were not looked for: no --validation and no --test was given")
        return notes + self._left_out

    def _add(self, kind: str, split: str, record: Record, text: str, other: str = "") -> None:
        self._found.append(Finding(kind, split, record.file, record.line, clipped(text), other))

    def _whole(self, split: str) -> Iterator[Record]:
        """The pairs of a split that can be used; what is wrong with a pair by itself is noted."""
        text, count, pairs = self._texts[split], 0, 0
        left_out: list[str] = []
        size = text.size()
        lengths = self._lengths[split] = (array("q"), array("q"), array("q"))
        blank: list[Finding] = []  # those at the end of a table are no lines at all
        for item in text.records():
            if isinstance(item, Damage) and item.unused:  # such as a fuzzy message, which is no pair and no harm
                left_out.append(item.problem)
                self._left_out.append(f"{item.file}: {item.problem}")
                continue
            count += 1
            if size and count % 2000 == 1:
                self._listener(Progress(f"reading {split} text", min(1.0, count / size), f"{count:,} of {size:,}"))
            if isinstance(item, Damage):
                kind = kinds.EMPTY if item.blank else kinds.DAMAGED
                blank.append(Finding(kind.name, split, item.file, item.line, item.problem))
                if item.blank:
                    continue
            self._found += blank
            blank.clear()
            if isinstance(item, Record) and self._usable(split, item):
                pairs += 1
                if item.source in item.target or item.target in item.source:  # whose lengths tell nothing
                    yield item
                    continue
                for numbers, number in zip(lengths, (item.line, len(item.source), len(item.target)), strict=True):
                    numbers.append(number)
                yield item
        if not pairs:
            raise DataError(text.paths[0], ": ".join(["holds no sentence pairs", *left_out[:1]]))
        self._counts[split] = count - len(blank)
        self._listener(Progress(f"reading {split} text", 1.0, f"{count:,}"))

    def _usable(self, split: str, record: Record) -> bool:
        empty = [is_blank(record.source), is_blank(record.target)]
        if any(empty):
            what = "both sides are empty" if all(empty) else f"the {'source' if empty[0] else 'target'} side is empty"
            self._add(kinds.EMPTY.name, split, record, what)
            return False
        bad = next((side for side in record[2:] if self._fixed(side) is not None), None)
        if bad is not None:
            fixed = self._fixed(bad)
            self._add(kinds.ENCODING.name, split, record, f"{bad[:60]} (meant: {fixed[:60]})" if fixed else bad)
        self._lone(split, record)
        return True

    def _lone(self, split: str, record: Record) -> None:
        """Note what is odd about a pair, whatever others are like."""
        source, target = record.source, record.target
        long = [side.words(text) > self._max_tokens for side, text in zip(self._sides, (source, target), strict=True)]
        if any(long):
            side = 0 if long[0] else 1
            words = self._sides[side].words((source, target)[side])
            said = f"more than {words:,} tokens, of which data.max_tokens = {self._max_tokens} are taken"
            self._add(kinds.LONG.name, split, record, said)
        strange = [side.stranger(text) for side, text in zip(self._sides, (source, target), strict=True)]
        near = source == target or source[:1].lower() == target[:1].lower()
        if near and folded(source) == folded(target):
            if strange[0] or strange[1] or self._is_sentence(source):
                self._add(kinds.COPIED.name, split, record, target)
            return
        if any(strange) and likeness(folded(source), folded(target), self._widths[0]) >= ALIKE:
            self._add(kinds.COPIED.name, split, record, target)
            return
        for side, (text, language) in enumerate(zip((source, target), strange, strict=True)):
            if language is not None:
                self._add(kinds.LANGUAGE.name, split, record, f"{('source', 'target')[side]} in {language}? {text}")
                break

    def _is_sentence(self, text: str) -> bool:
        """Whether a text that is its own translation is more than names."""
        words = text.split()
        return len(words) >= LEAST_WORDS and 2 * sum(word.isalpha() and word.islower() for word in words) > len(words)

    def _chunks(self, split: str) -> Iterator[list[Record]]:
        records = self._whole(split)
        while chunk := list(islice(records, _TOGETHER)):
            yield chunk

    def _leaks(self, split: str, chunk: list[Record]) -> tuple[_Sides, _Values]:
        """Note which pairs are held-out ones of the splits that score theirs.

        Returns:
            both sides of the pairs, folded, and their signatures.
        """
        folds = [folded(r.source) for r in chunk], [folded(r.target) for r in chunk]
        values = signatures(folds[0], self._widths[0]), signatures(folds[1], self._widths[1])
        for record, leak in zip(chunk, self._held.leaks(*folds, values), strict=True):
            if leak is not None:
                target = leak.sides == "target"
                kind = kinds.LEAK_NEAR if not leak.exact else kinds.LEAK_TARGET if target else kinds.LEAK
                text = f"{leak.sides}: {record.target if target else record.source}"
                self._add(kind.name, split, record, f"{leak.held.split}, {text}", leak.held.place)
        return folds, values

    def _keep(self, chunk: list[Record], folds: _Sides, values: _Values) -> None:
        """Keep what tells later training pairs from these."""
        for record in chunk:
            self._repeats.add(record.line, normalised(record.source), normalised(record.target))
        both = zip(*folds, strict=True)
        rows = [i for i, pair in enumerate(both) if all(map(long_enough, pair, self._widths))]
        self._repeats.add_near([chunk[i].line for i in rows], np.minimum(*values)[rows])

    def _ratios(self) -> None:
        """Note pairs of which one side is much longer than it is in most."""
        sources, targets = (np.frombuffer(self._lengths[TRAIN][side], np.int64) for side in (1, 2))
        if not len(sources):
            return
        usual = math.exp(float(np.median(np.log(targets / sources))))
        for split, (lines, *numbers) in self._lengths.items():
            one, two = (np.frombuffer(side, np.int64) for side in numbers)
            there = two / usual  # as long as their sources should be
            more = np.maximum(one, there)
            odd = (np.maximum(there / one, one / there) > _RATIO) & (
                np.abs(there - one) > _DEVIATIONS * np.sqrt(_VARIANCE * more)
            )
            for row in np.flatnonzero(odd):
                said = f"{one[row]:,} characters with {two[row]:,}; most have {usual:.2g} times as many"
                self._found.append(Finding(kinds.RATIO.name, split, self._file(split), lines[row], said))

    def _file(self, split: str) -> str:
        return self._texts[split].files()[0][0]

    def _again(self) -> None:
        """Note training pairs that came before, with their texts, for which the text is read again."""
        same, others = self._repeats.same(), self._repeats.other_targets()
        known = {repeat.line for repeat in same}
        near = list(self._repeats.maybe_near(known))
        wanted = {line for repeat in (*same, *others, *near) for line in (repeat.line, *repeat.before)}
        texts: dict[int, tuple[str, str]] = {}
        for item in self._texts[TRAIN].records() if wanted else ():
            if isinstance(item, Record) and item.line in wanted:
                texts[item.line] = item.source, item.target
        file = self._file(TRAIN)

        def add(kind: str, line: int, text: str, before: int) -> None:
            self._found.append(Finding(kind, TRAIN, file, line, text, f"{file}:{before}"))

        for repeat in same:
            add(kinds.DUPLICATE.name, repeat.line, _shown(texts[repeat.line]), repeat.before[0])
        for repeat in others:
            add(kinds.OTHER_TARGET.name, repeat.line, _shown(texts[repeat.line]), repeat.before[0])
        for repeat in near:
            for before in repeat.before:
                if _alike(texts[repeat.line], texts[before], self._widths):
                    add(kinds.NEAR.name, repeat.line, _shown(texts[repeat.line]), before)
                    break


def _shown(pair: tuple[str, str]) -> str:
    return " ||| ".join(text if len(text) <= 60 else f"{text[:57]}..." for text in pair)


def _alike(one: tuple[str, str], other: tuple[str, str], widths: tuple[int, int]) -> bool:
    """Whether both sides of two pairs are nearly the same."""
    sides = zip(one, other, widths, strict=True)
    return all(likeness(folded(text), folded(before), width) >= ALIKE for text, before, width in sides)
