"""Kinds of values: what is accepted, in words for errors too, and the form in the environment."""

from __future__ import annotations

import re
from typing import Any, Final, TypeGuard

from ..errors import ConfigurationError

CENTURY_S: Final = 100 * 365 * 24 * 3600
"""A hundred years, in seconds."""

UNRESOLVED: Final = "${Token["
"""The beginning of a CDK string whose value is not known at synth."""

_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


class Kind:
    """A kind of value: what a setting may be."""

    def expected(self, value: object) -> str | None:
        """Return what is expected in place of `value`, and never the value; None: it is fine."""
        raise NotImplementedError

    def shown(self, value: object) -> str:
        """Return the value as it appears in errors."""
        return repr(value)

    def check(self, name: str, value: object) -> None:
        """Raise `ConfigurationError`, with name, value and what is expected, unless it is fine."""
        if (expected := self.expected(value)) is not None:
            raise ConfigurationError(f"{name} is {self.shown(value)}; expected {expected}")

    def read(self, text: str) -> object:
        """Return the value that a text stands for; the text, where `check` is to refuse it."""
        return text

    def write(self, value: Any) -> str:
        """Return the text that stands for a value."""
        return str(value)


class Choice(Kind):
    """One of a few texts."""

    def __init__(self, *choices: str) -> None:
        self._choices = choices

    def expected(self, value: object) -> str | None:
        if value in self._choices:
            return None
        *others, last = map(repr, self._choices)
        return f"{', '.join(others)} or {last}" if others else last


class Seconds(Kind):
    """A duration; the text of a whole one has no fraction."""

    def __init__(self, *, least: float) -> None:
        self._least = least

    def expected(self, value: object) -> str | None:
        if not is_number(value):
            return "a number of seconds"
        # NaN is refused too.
        if not self._least <= value <= CENTURY_S:
            return f"at least {self._least} and at most 100 years"
        return None

    def shown(self, value: object) -> str:
        return f"{value!r} seconds" if is_number(value) else repr(value)

    def read(self, text: str) -> object:
        try:
            return float(text)
        except ValueError:
            return text

    def write(self, value: Any) -> str:
        return str(int(value) if value == int(value) else value)


class Whole(Kind):
    """A whole number in bounds."""

    def __init__(self, *, least: int, most: int | None = None) -> None:
        self._least, self._most = least, most

    def expected(self, value: object) -> str | None:
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self._least <= value
            and (self._most is None or value <= self._most)
        ):
            return None
        most = "" if self._most is None else f" to {self._most}"
        return f"a whole number from {self._least}{most}"

    def read(self, text: str) -> object:
        try:
            return int(text)
        except ValueError:
            return text


class Flag(Kind):
    """True or false; a text may be `1` or `0` too, in capitals or not."""

    def expected(self, value: object) -> str | None:
        return None if isinstance(value, bool) else "true or false"

    def read(self, text: str) -> object:
        return _FLAGS.get(text.strip().lower(), text)

    def write(self, value: Any) -> str:
        return "true" if value else "false"


class Text(Kind):
    """A text that is more than white space. It may be a token of the CDK."""

    def __init__(self, what: str = "a text that is not empty") -> None:
        self._what = what

    def expected(self, value: object) -> str | None:
        return None if isinstance(value, str) and value.strip() else self._what


class Matching(Kind):
    """A text of a form: `pattern` is the regular expression for all of it, `what` its name."""

    def __init__(self, pattern: str, what: str) -> None:
        self._pattern, self._what = pattern, what  # compiled where a value is there

    def expected(self, value: object) -> str | None:
        fits = isinstance(value, str) and re.fullmatch(self._pattern, value)
        return None if fits else self._what


class Each(Kind):
    """A tuple of values of one kind."""

    def __init__(self, kind: Kind, *, least: int = 0) -> None:
        self._kind, self._least = kind, least

    def expected(self, value: object) -> str | None:
        if not isinstance(value, tuple) or len(value) < self._least:
            how_many = "at least one" if self._least else "none or more"
            return f"a tuple of {how_many}: {self._kind.expected(None)}"
        return next((wrong for item in value if (wrong := self._kind.expected(item))), None)


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether it is a number; a bool is not, although it is an int in Python."""
    return isinstance(value, int | float) and not isinstance(value, bool)
