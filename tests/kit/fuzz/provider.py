"""Values out of bytes, for targets that take more than a text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

Choice = TypeVar("Choice")


class Provider:
    """Consumes bytes; where they end, everything is small and empty."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """The next byte, or 0."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def choice(self, choices: Sequence[Choice]) -> Choice:
        """One of these."""
        return choices[self.byte() % len(choices)]

    def text(self) -> str:
        """Some characters, any Unicode has."""
        length = self.byte() % 12
        part = self._data[self._at : self._at + length]
        self._at += length
        return text(part)

    def value(self, names: Sequence[str], *, depth: int = 3) -> Any:
        """What a JSON parser, boto3 or a handler's author might hand over; `names` occur in it."""
        kind = self.byte() % (12 if depth else 8)
        if kind < 2:
            return self.choice(names)
        if kind < 4:
            return self.choice((None, True, False, "", 0, 1, 1.0, -0.0, "1"))
        if kind == 4:
            return self.text()
        if kind == 5:
            return self.byte() - 128
        if kind == 6:
            return (self.byte() - 128) / self.choice((1, 2, 10, 3))
        if kind == 7:
            return Decimal(self.byte() - 128).scaleb(self.choice((0, 1, -1, 3, -30)))
        length = self.byte() % 4
        if kind < 10:
            return [self.value(names, depth=depth - 1) for _ in range(length)]
        return {
            self.choice(names) if self.byte() % 8 else self.text(): self.value(
                names, depth=depth - 1
            )
            for _ in range(length)
        }

    def respelled(self, value: Any) -> Any:
        """The same value, written differently."""
        if isinstance(value, bool) or value is None or isinstance(value, str):
            return value
        if isinstance(value, dict):
            return {name: self.respelled(value[name]) for name in reversed(value)}
        if isinstance(value, list):
            return self.choice((list, tuple))(map(self.respelled, value))
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        spellings: list[Any] = [value, exact, exact.normalize(), exact.scaleb(2).scaleb(-2)]
        if exact == int(exact):
            spellings.append(int(exact))
        if Decimal(repr(float(exact))) == exact:
            spellings.append(float(exact))
        return self.choice(spellings)


def text(data: bytes) -> str:
    """Any bytes as a text: UTF-8, lone surrogates included, and Latin 1 where it is neither."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")
