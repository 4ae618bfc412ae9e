"""One text per value: equal JSON values have equal bytes, however they were written.

Objects are sorted by name, and numbers compare by value: 1, 1.0 and 1e0 are equal; integers and
decimals of any size are exact. Text is not normalized. `values` says what Python's other values
are. One that has no form raises an `UnusableError` that says why and quotes nothing.

Almost every payload takes the fast path: one pass of the C encoder, after which whole floats lose
their `.0`. Some values still have an ambiguous text (`1e22`, `-0.0`, a Decimal, a number too long
for the encoder). They are rewritten before they are encoded.
"""

from __future__ import annotations

import json
import marshal
import math
import re
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from ..encoder import encoder
from .effort import check, checked, is_limited
from .refusals import UnusableError
from .values import SET, Form, form_of

_MARK: Final = "\x00"
"""The start of a text that stands for a number which JSON's encoder cannot write, or (then a colon
follows) for the class of the value after it. A user's text that starts with the mark gets a second
one, so these never collide."""

_WHOLE_FLOAT: Final = re.compile(r"\.0(?![0-9])")

_NUMBER_AS_NAME: Final = re.compile(r'"-?[0-9][0-9.e+-]*":')

_MAX_DIGITS: Final = 4300
"""The longest integer that Python converts to or from text (sys.int_info)."""

_EXACT_SIZE: Final = 16
"""The most characters of a number with a point, and without an exponent, that a float holds exactly
enough: the fifteen digits that any double keeps (DBL_DIG in C's <float.h>), and the point."""

_TWICE: Final = "it has an object with the same name twice"

_EXACT: Final = frozenset({str, int, float, bool, type(None), Decimal, dict, list, tuple})


class NotJSONError(ValueError):
    """The text is not JSON at all."""


def canonical(value: Any, *, parsed: bool = False) -> bytes:
    """Return the canonical JSON of `value`. Raises `UnusableError` if it has none.

    `parsed` promises that the value came from a JSON parser, so that every name is text, and no
    value has a class of its own. That saves two scans.
    """
    try:
        text = _ENCODE(value) if parsed or _has_only_exact_types(value) else None
    except (TypeError, ValueError, RecursionError):
        text = None
    usable = parsed or text is None or _sorted_as_text(text)
    return _finished(value, text if usable else None)


def canonical_json(text: str) -> bytes:
    """Return `canonical(parse(text))` in less time. Raises as these do.

    C code makes the objects, in which a name that comes twice is there once; such a loss shows in
    the number of colons.
    """
    if _may_escape_colons(text):
        return canonical(parse(text), parsed=True)
    value = _read(text, None)
    try:
        encoded = _ENCODE(value)
    except (TypeError, ValueError, RecursionError):
        return canonical(parse(text), parsed=True)  # it works, or says exactly what is wrong
    if _colons(encoded) != _colons(text):
        raise ValueError(_TWICE)
    return _finished(value, encoded)


def parse(text: str | bytes) -> Any:
    """Parse JSON without loss: decimals are exact, and no object has a name twice.

    Raises ValueError, which says why and quotes nothing; NotJSONError where it is not JSON at all.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text), "surrogatepass")
    except UnicodeDecodeError:
        raise NotJSONError("it is not UTF-8") from None
    return _read(text, _unique)


def _read(text: str, unique: Callable[[list[tuple[str, Any]]], Any] | None) -> Any:
    """Return what a JSON text says; objects are made by `unique`, or by C code."""
    try:
        if not is_limited() and sys.get_int_max_str_digits() == _MAX_DIGITS:
            try:
                # Integers in C: ValueError where one has more than _MAX_DIGITS.
                return _decoder(unique, int, _decimal, _refuse_constant)(text)
            except json.JSONDecodeError:
                raise
            except ValueError:
                pass  # an integer may be too long; the slow way works, or says what is wrong
        hooks = checked(_unique), checked(_whole), checked(_decimal), _refuse_constant
        return _decoder(*hooks)(text)
    except json.JSONDecodeError:
        raise NotJSONError("it is not JSON") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _colons(text: str) -> int:
    """Count the members of the objects in a JSON text, and the colons in its strings."""
    return text.count(":")


def _may_escape_colons(text: str) -> bool:
    return "\\" in text and "\\u003" in text


def _finished(value: Any, text: str | None) -> bytes:
    """Return the canonical form of a value. `text` is what the encoder wrote; None: it cannot."""
    points = text is not None and ".0" in text
    try:
        if text is None or _ambiguous(text, points=points):
            text = _ENCODE(_plain(value))  # it works, or says exactly what is wrong
        elif points and _WHOLE_FLOAT.search(text) is not None:
            text = _without_points(text)
    except RecursionError:
        raise UnusableError("it is nested too deeply") from None
    return text.encode("utf-8", "surrogatepass")


def _ambiguous(text: str, *, points: bool) -> bool:
    # False alarms (inside strings) only cost time: both paths give the same text. Searching for one
    # character is several times as fast as searching for two.
    return (
        ("+" in text and "e+" in text)
        or ("\\" in text and (points or '"\\u0000' in text))
        or (points and "-0.0" in text)
    )


def _without_points(text: str) -> str:
    """Return the JSON with its whole floats written as integers. It has no backslashes."""
    parts, taken, seen, in_string = [], 0, 0, 0
    for point in _WHOLE_FLOAT.finditer(text):
        start, end = point.span()
        in_string ^= text.count('"', seen, start) & 1
        seen = start
        if not in_string:
            parts.append(text[taken:start])
            taken = end
    return "".join((*parts, text[taken:]))


def _sorted_as_text(text: str) -> bool:
    # The encoder sorts names that are numbers as numbers, before it turns them into text.
    return _NUMBER_AS_NAME.search(text) is None


def _has_only_exact_types(value: Any) -> bool:
    # The encoder writes an Enum or a NamedTuple as text, number or list, without its class. marshal
    # refuses subclasses of the built-in types, at every depth, in an eighth of the encoder's time.
    try:
        marshal.dumps(value)
    except ValueError:
        return False
    return True


def _plain(value: Any) -> Any:
    """Rewrite `value` so that the encoder's text of it is unambiguous."""
    check()
    if type(value) not in _EXACT and (form := form_of(value)) is not None:
        return _formed(form)
    if isinstance(value, str):
        text = str.__str__(value)
        return _MARK + text if text.startswith(_MARK) else text
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _integer(int(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnusableError("it holds NaN or an infinity, which JSON does not have")
        # Beyond 2**53, a whole float stands for the digits of its text, as in JSON.
        whole = value.is_integer()
        return _from_decimal(Decimal(float.__repr__(value))) if whole else float(value)
    if isinstance(value, Decimal):
        return _from_decimal(value)
    if isinstance(value, Mapping):
        return _object(value)
    return [_plain(item) for item in value]  # a list or tuple


def _formed(form: Form) -> Any:
    content = _plain(form.content)
    if form.kind == SET:
        content = sorted(content, key=_ENCODE)
    return [f"{_MARK}:{form.kind}", content] if form.kind else content


def _object(value: Mapping[Any, Any]) -> Any:
    """Return an object, or pairs where a name has a class of its own."""
    names = [_name(name) for name in value]
    if None in names:
        pairs = [[_plain(name), _plain(item)] for name, item in value.items()]
        return [f"{_MARK}:pairs", sorted(pairs, key=_ENCODE)]
    plain = {name: _plain(item) for name, item in zip(names, value.values(), strict=True)}
    if len(plain) != len(value):
        raise UnusableError(_TWICE)
    return plain


def _integer(value: int) -> int | float | str:
    if value.bit_length() <= 14_000:  # certainly fewer than _MAX_DIGITS digits
        return value
    return _from_decimal(Decimal(value))


def _from_decimal(value: Decimal) -> int | float | str:
    """Return the integer or float of the same value if there is one, else its digits, marked."""
    if not value.is_finite():
        raise UnusableError("it holds NaN or an infinity, which JSON does not have")
    # Work on text: a tuple of digits takes seventy bytes for each digit.
    mantissa, _, power = f"{value:E}".partition("E")
    digits = mantissa.replace(".", "").rstrip("0")
    count = len(digits.lstrip("-"))
    if count == 0:
        return 0
    exponent = int(power) + 1 - count
    if exponent >= 0 and count + exponent <= _MAX_DIGITS:
        return int(digits + "0" * exponent)
    number = float(value)
    if exponent < 0 and Decimal(repr(number)) == value:
        return number
    return f"{_MARK}{digits}e{exponent}"


def _name(name: Any) -> str | None:
    """Return a name as JSON writes it; None if that would lose its class."""
    if type(name) is str:
        return name
    plain = _plain(name)
    if isinstance(plain, str) and isinstance(name, str):
        return str.__str__(name)
    if isinstance(plain, list | dict) or (isinstance(plain, str) and plain.startswith(_MARK)):
        return None
    return plain if isinstance(plain, str) else _ENCODE(plain)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(_TWICE)
    return found


def _whole(text: str) -> int | float | Decimal:
    return int(text) if len(text) <= _MAX_DIGITS else _decimal(text)


def _decimal(text: str) -> float | Decimal:
    """Return a float if it is exact, else a Decimal: JMESPath and callables handle floats best."""
    number = float(text)
    if len(text) <= _EXACT_SIZE and "e" not in text and "E" not in text:
        return number
    if repr(number) == text:  # most are written so, and a Decimal takes twice as long
        return number
    try:
        exact = Decimal(text)
        return number if Decimal(repr(number)) == exact else exact
    except ArithmeticError:
        raise ValueError("it has a number whose exponent is out of range") from None


@lru_cache(maxsize=4)
def _decoder(
    unique: Callable[[list[tuple[str, Any]]], Any] | None,
    whole: Callable[[str], Any],
    decimal: Callable[[str], Any],
    constant: Callable[[str], Any],
) -> Callable[[str], Any]:
    return json.JSONDecoder(
        object_pairs_hook=unique,
        parse_int=whole,
        parse_float=decimal,
        parse_constant=constant,
    ).decode


def _refuse_constant(_: str) -> Any:
    raise ValueError("it holds NaN or an infinity, which JSON does not have")


_ENCODE: Final = encoder(ensure_ascii=False, allow_nan=False, sort_keys=True)
