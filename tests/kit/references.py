"""Second readings of JSON and of the key header, by the letter of their RFCs: what a text means.

Slow, and written without a look at the code that they check.
"""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from typing import Any, Final, NamedTuple

_ESCAPES: Final = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_DIGITS: Final = "0123456789"


class UnreadableError(Exception):
    """The text is not what it should be, or says two things at once."""


class Number(NamedTuple):
    """`digits` times ten to the `exponent`; the digits neither begin nor end with a zero."""

    sign: str
    digits: str
    exponent: int


# Values -------------------------------------------------------------------------------------------


def meaning(value: Any) -> Hashable:
    """What a value means, in terms that have one form only; a float means what it prints as."""
    if value is None or isinstance(value, bool | str):
        return type(value).__name__, value
    if isinstance(value, dict):
        return "object", frozenset((name, meaning(item)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return "list", tuple(map(meaning, value))
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    sign, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    return _number("-" if sign else "", "".join(map(str, digits)), exponent)


def _number(sign: str, digits: str, exponent: int) -> Hashable:
    digits = digits.lstrip("0")
    stripped = digits.rstrip("0")
    if not stripped:
        return Number("", "", 0)
    return Number(sign, stripped, exponent + len(digits) - len(stripped))


# JSON: RFC 8259 -----------------------------------------------------------------------------------


def json_meaning(text: str) -> Hashable:
    """What a JSON text means. Raises `UnreadableError`: it is none, or has a name twice."""
    reader = _Reader(text)
    found = reader.value()
    reader.spaces()
    if reader.at != len(text):
        raise UnreadableError
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def peek(self) -> str:
        return self._text[self.at : self.at + 1]

    def take(self, expected: str) -> None:
        if not self._text.startswith(expected, self.at):
            raise UnreadableError
        self.at += len(expected)

    def spaces(self) -> None:
        while self.peek() and self.peek() in " \t\n\r":
            self.at += 1

    def value(self) -> Hashable:
        self.spaces()
        first = self.peek()
        if first == "{":
            return self._object()
        if first == "[":
            return self._list()
        if first == '"':
            return "str", self.string()
        for word, value in (("null", None), ("true", True), ("false", False)):
            if first == word[0]:
                self.take(word)
                return type(value).__name__, value
        return self._number()

    def _object(self) -> Hashable:
        members: dict[str, Hashable] = {}
        for _ in self._items("{", "}"):
            name = self.string()
            self.spaces()
            self.take(":")
            if name in members:
                raise UnreadableError
            members[name] = self.value()
        return "object", frozenset(members.items())

    def _list(self) -> Hashable:
        return "list", tuple(self.value() for _ in self._items("[", "]"))

    def _items(self, begin: str, end: str) -> Any:
        self.take(begin)
        self.spaces()
        if self.peek() == end:
            self.take(end)
            return
        while True:
            self.spaces()
            yield
            self.spaces()
            if self.peek() == end:
                self.take(end)
                return
            self.take(",")

    def string(self) -> str:
        self.take('"')
        units: list[str] = []
        while (character := self.peek()) != '"':
            if character == "" or character < " ":
                raise UnreadableError
            self.at += 1
            units.append(self._escaped() if character == "\\" else character)
        self.take('"')
        return _paired(units)

    def _escaped(self) -> str:
        character = self.peek()
        self.at += 1
        if character != "u":
            if character not in _ESCAPES:
                raise UnreadableError
            return _ESCAPES[character]
        digits = self._text[self.at : self.at + 4]
        if len(digits) != 4 or not set(digits) <= set("0123456789abcdefABCDEF"):
            raise UnreadableError
        self.at += 4
        return f"\\{digits}"

    def _number(self) -> Hashable:
        sign = "-" if self.peek() == "-" else ""
        self.at += len(sign)
        whole = self._run()
        if len(whole) > 1 and whole[0] == "0":
            raise UnreadableError
        fraction, exponent = "", "0"
        if self.peek() == ".":
            self.at += 1
            fraction = self._run()
        if self.peek() in ("e", "E"):
            self.at += 1
            negative = "-" if self.peek() == "-" else ""
            self.at += self.peek() in ("-", "+")
            exponent = negative + self._run()
        return _number(sign, whole + fraction, int(exponent) - len(fraction))

    def _run(self) -> str:
        start = self.at
        while self.peek() and self.peek() in _DIGITS:
            self.at += 1
        if start == self.at:
            raise UnreadableError
        return self._text[start : self.at]


def _paired(units: list[str]) -> str:
    """The text of characters and of escaped UTF-16 units; two escaped surrogates may be one
    character."""
    found: list[str] = []
    high: int | None = None
    for unit in units:
        code = int(unit[1:], 16) if len(unit) == 5 else None
        if code is not None and high is not None and 0xDC00 <= code < 0xE000:
            found[-1] = chr(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00))
            high = None
            continue
        high = code if code is not None and 0xD800 <= code < 0xDC00 else None
        found.append(unit if code is None else chr(code))
    return "".join(found)


# The key header: RFC 8941, 3.3.3, and RFC 9110, 5.3 -----------------------------------------------


def header_keys(values: list[str]) -> set[str]:
    """The keys in a header's values. Raises `UnreadableError`."""
    return {key for value in values for key in _members(value)}


def _members(value: str) -> list[str]:
    keys: list[str] = []
    rest = value
    while True:
        rest = rest.lstrip(" \t")
        if rest.startswith('"'):
            key, rest = _quoted(rest[1:])
            rest = _parameters(rest).lstrip(" \t")
            if rest and not rest.startswith(","):
                raise UnreadableError
        else:
            key, comma, rest = rest.partition(",")
            key, rest = key.rstrip(" \t"), comma + rest
        keys.append(key)
        if not rest:
            return keys
        rest = rest[1:]


def _quoted(rest: str) -> tuple[str, str]:
    key = ""
    while rest and rest[0] != '"':
        if rest[0] == "\\":
            rest = rest[1:]
            if rest[:1] not in ("\\", '"'):
                raise UnreadableError
        elif not " " <= rest[0] <= "~":
            raise UnreadableError
        key, rest = key + rest[0], rest[1:]
    if not rest:
        raise UnreadableError
    return key, rest[1:]


def _parameters(rest: str) -> str:
    """What follows the parameters; their own values are of no interest, and read generously."""
    while rest.lstrip(" ").startswith(";"):
        rest = rest.lstrip(" ")[1:].lstrip(" ")
        name = 0
        while name < len(rest) and (
            rest[name] in "abcdefghijklmnopqrstuvwxyz*"
            or (name > 0 and rest[name] in "0123456789_-.")
        ):
            name += 1
        if name == 0:
            raise UnreadableError
        rest = rest[name:]
        if rest.startswith('="'):
            rest = _after_quotes(rest[2:])
        elif rest.startswith("="):
            rest = rest[1:]
            while rest and rest[0] not in '",; ':
                rest = rest[1:]
    return rest


def _after_quotes(rest: str) -> str:
    while rest and rest[0] != '"':
        if rest[0] == "\\" and (len(rest) == 1 or rest[1] == "\n"):
            raise UnreadableError
        rest = rest[2 if rest[0] == "\\" else 1 :]
    if not rest:
        raise UnreadableError
    return rest[1:]
