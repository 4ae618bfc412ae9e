"""Inputs that nobody thought of: mutated at random, kept where they reach new code.

The way of AFL and Atheris, in the standard library alone: the watched modules are traced, an input
that takes a new branch joins the corpus, and the next mutants are made from that. The same seed
makes the same inputs.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType, ModuleType
from typing import Any, Final, TypeAlias

Target: TypeAlias = Callable[[bytes], None]
"""Takes any input; raises where something is wrong with what the code makes of it."""

MOST_LINES: Final = 200_000
"""Who takes so many lines for a few hundred bytes hangs."""

LONGEST: Final = 400
"""Bytes of an input."""

_NUMBERS: Final = (b"0", b"-1", b"1e999", b"9" * 30, b"4300", b"0.1", b"1" + b"0" * 40)


class HangError(AssertionError):
    """An input keeps the code busy without end."""


@dataclass(frozen=True)
class Subject:
    """What is fuzzed: the target, the modules whose branches count, inputs and words to begin
    with."""

    target: Target
    watched: tuple[ModuleType, ...]
    corpus: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()


@dataclass
class Report:
    """How far the fuzzer came."""

    executions: int = 0
    branches: int = 0
    corpus: list[bytes] = field(default_factory=list)


def fuzz(subject: Subject, *, executions: int, seed: int = 0) -> Report:
    """Runs so many inputs. What the target raises comes with the input that made it raise."""
    chance = random.Random(seed)
    watch = _Watch(subject.watched)
    report = Report(corpus=list(subject.corpus))
    for data in subject.corpus:
        _execute(subject.target, data, watch)
    while report.executions < executions:
        data = _mutant(report.corpus, subject.words, chance)
        if _execute(subject.target, data, watch):
            report.corpus.append(data)
        report.executions += 1
    report.branches = len(watch.seen)
    return report


def _execute(target: Target, data: bytes, watch: _Watch) -> bool:
    """Whether the input has taken a branch that none before has."""
    known = len(watch.seen)
    try:
        with watch.watching():
            target(data)
    except Exception as error:
        error.add_note(f"input: {data!r}")
        raise
    return len(watch.seen) > known


class _Watch:
    """Sees which line follows which, in the watched modules."""

    def __init__(self, modules: tuple[ModuleType, ...]) -> None:
        self._files = {module.__file__ for module in modules}
        self.seen: set[tuple[CodeType, int, int]] = set()
        self._lines = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Traces what is called meanwhile."""
        before = sys.gettrace()
        self._lines = 0
        sys.settrace(self._enters)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enters(self, frame: FrameType, _: str, __: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        if code.co_filename not in self._files:
            return None
        last = 0

        def line(frame: FrameType, _: str, __: Any) -> Callable[..., Any]:
            nonlocal last
            self.seen.add((code, last, frame.f_lineno))
            last = frame.f_lineno
            self._lines += 1
            if self._lines > MOST_LINES:
                raise HangError(f"in {code.co_name}, after {MOST_LINES} lines")
            return line

        return line


# Mutants ------------------------------------------------------------------------------------------


def _mutant(corpus: list[bytes], words: tuple[bytes, ...], chance: random.Random) -> bytes:
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        _mutate(data, corpus, words, chance)
    return bytes(data[:LONGEST])


def _mutate(
    data: bytearray, corpus: list[bytes], words: tuple[bytes, ...], chance: random.Random
) -> None:
    at, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    way = chance.randrange(8)
    if way == 0 and data:
        data[at % len(data)] ^= 1 << chance.randrange(8)
    elif way == 1:
        data[at:at] = bytes([chance.randrange(256)])
    elif way == 2:
        del data[at : min(end, at + chance.choice((1, 2, 8)))]
    elif way == 3:
        data[at:at] = data[at:end] * chance.choice((1, 1, 3))
    elif way == 4:
        other = chance.choice(corpus)
        data[at:end] = other[chance.randrange(len(other) + 1) :]
    elif way == 5 and words:
        data[at:at] = chance.choice(words)
    elif way == 6 and words:
        data[at:end] = chance.choice(words)
    else:
        data[at : at + 1] = chance.choice(_NUMBERS)
