"""Values that nothing shows: no `repr`, no log line, no pickle, no local variable in a traceback.

Error trackers send the local variables of every frame that an error passes. So a secret stays in
its `Secret` until the expression that needs the bare value, and is never given a name there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Generic, NoReturn, TypeVar

T = TypeVar("T", str, bytes)


class Secret(Generic[T]):
    """A text or bytes that only `reveal` shows."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value: T = value

    @staticmethod
    def of(value: str | Secret[str]) -> Secret[str]:
        """Return a text as a secret."""
        return value if isinstance(value, Secret) else Secret(value)

    def reveal(self) -> T:
        """Return the bare value. Use it within one expression."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and bool(self._value == other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled or copied")


class Environment(Mapping[str, str]):
    """The environment's variables, which hold secrets: as `os.environ`, but its `repr` is empty."""

    __slots__ = ("_variables",)

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    @classmethod
    def of(cls, variables: Mapping[str, str] | None) -> Environment:
        """Return these variables, or the process's own."""
        if isinstance(variables, Environment):
            return variables
        return cls(os.environ if variables is None else variables)

    def secret(self, name: str) -> Secret[str] | None:
        """Return a variable that must not be shown; None where it is not set, or empty."""
        return Secret(self._variables[name]) if self._variables.get(name) else None

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return "Environment(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an environment is not pickled or copied: it holds secrets")
