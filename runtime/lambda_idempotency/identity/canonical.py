"""One text per value: equal JSON values, however they were written, have equal bytes.

Objects are sorted by name and numbers compared by value (1, 1.0 and 1e0 are equal; integers and
decimals of any size are exact). Text is not normalised. What JSON cannot express is refused with
a `ValueError` that says why and quotes nothing.

Almost every payload takes the fast way, one pass of the C encoder, and loses the `.0` of its whole
floats afterwards. Values whose text is ambiguous all the same (`1e22`, `-0.0`, a Decimal, a number
too long for the encoder) are rewritten before they are encoded.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

_MARK: Final = "\x00"
"""Begins the texts that stand for numbers JSON's encoder can't carry; a user's text that begins
with it is given a second one, so that the two never meet."""

_WHOLE_FLOAT: Final = re.compile(r"\.0(?![0-9])")

_NUMBER_AS_NAME: Final = re.compile(r'"-?[0-9][0-9.e+-]*":')

_MAX_DIGITS: Final = 4300
"""Integers longer than this are refused by int-to-text conversion (sys.int_info)."""


class NotJSONError(ValueError):
    """The text is not JSON at all."""


def canonical(value: Any, *, parsed: bool = False) -> bytes:
    """The canonical JSON of `value`. Raises ValueError where there is none.

    `parsed` promises that it came from a JSON parser: every name is text, and a scan is saved.
    """
    try:
        try:
            text = _ENCODE(value)
        except (TypeError, ValueError):
            text = None  # the slow way works, or says exactly what is wrong
        if text is None or _ambiguous(text) or not (parsed or _sorted_as_text(text)):
            text = _ENCODE(_plain(value))
        elif ".0" in text and _WHOLE_FLOAT.search(text) is not None:
            text = _without_points(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return text.encode("utf-8", "surrogatepass")


def parse(text: str | bytes) -> Any:
    """Parses JSON without losing anything: exact decimals, and no name twice in one object.

    Raises ValueError (NotJSONError where it is no JSON at all), saying why and quoting nothing.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_whole,
            parse_float=_decimal,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError:
        raise NotJSONError("it is not JSON") from None
    except UnicodeDecodeError:
        raise NotJSONError("it is not UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _ambiguous(text: str) -> bool:
    # False alarms (inside strings) only cost time: both ways give the same text. A search for one
    # character is several times as fast as one for two.
    return (
        ("+" in text and "e+" in text)
        or ("\\" in text and ('"\\u0000' in text or ".0" in text))
        or "-0.0" in text
    )


def _without_points(text: str) -> str:
    """JSON without backslashes, its whole floats written as integers."""
    parts = text.split('"')  # every other one is a string
    parts[::2] = [_WHOLE_FLOAT.sub("", part) if ".0" in part else part for part in parts[::2]]
    return '"'.join(parts)


def _sorted_as_text(text: str) -> bool:
    # The encoder sorts names that are numbers as numbers, before it makes texts of them.
    return _NUMBER_AS_NAME.search(text) is None


def _plain(value: Any) -> Any:
    """`value` rewritten so that the encoder's text of it is unambiguous."""
    if isinstance(value, str):
        # An Enum may be a str as well: its value counts.
        text = str.__str__(value)
        return _MARK + text if text.startswith(_MARK) else text
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _integer(int(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("it holds NaN or an infinity, which JSON does not have")
        # Beyond 2**53 a whole float stands for the digits of its text, as in JSON.
        whole = value.is_integer()
        return _from_decimal(Decimal(float.__repr__(value))) if whole else float(value)
    if isinstance(value, Decimal):
        return _from_decimal(value)
    if isinstance(value, Mapping):
        plain = {_name(name): _plain(item) for name, item in value.items()}
        if len(plain) != len(value):
            raise ValueError("it has an object with the same name twice")
        return plain
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _plain(converted(value))


def _integer(value: int) -> int | float | str:
    if value.bit_length() <= 14_000:  # certainly fewer than _MAX_DIGITS digits
        return value
    return _from_decimal(Decimal(value))


def _from_decimal(value: Decimal) -> int | float | str:
    """The integer or float of the same value where there is one, else its digits, marked."""
    if not value.is_finite():
        raise ValueError("it holds NaN or an infinity, which JSON does not have")
    # As text: a tuple of the digits takes seventy bytes for each of them.
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


def _name(name: Any) -> str:
    """The text that the encoder gives a name."""
    if isinstance(name, str):
        return str.__str__(name)
    if name is None or isinstance(name, bool | int | float):
        return _ENCODE(name)
    raise ValueError(f"it has an object with a name of type {type(name).__name__}, not text")


def converted(value: Any) -> Any:
    """What stands for a value that is not JSON itself: a text, a number, or an object whose parts
    may need the same. Raises ValueError where there is none."""
    # Nothing is imported to recognise it.
    kind = type(value)
    if hasattr(kind, "model_dump") and hasattr(kind, "model_fields"):  # pydantic
        return value.model_dump(mode="python")
    if hasattr(kind, "__dataclass_fields__"):
        from dataclasses import fields  # not at the top: it costs 10 ms of a cold start

        return {field.name: getattr(value, field.name) for field in fields(value)}
    if hasattr(kind, "__members__"):  # Enum
        return value.value
    homes = {base.__module__ for base in kind.__mro__}
    if "uuid" in homes:
        return str(value)
    if "datetime" in homes and hasattr(value, "isoformat"):
        return value.isoformat()
    raise ValueError(f"it holds a {kind.__name__}, which JSON does not have")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it has an object with the same name twice")
    return found


def _whole(text: str) -> int | float | Decimal:
    return int(text) if len(text) <= _MAX_DIGITS else _decimal(text)


def _decimal(text: str) -> float | Decimal:
    """A float wherever it says the same: JMESPath and callables know what to do with it."""
    try:
        exact, number = Decimal(text), float(text)
        return number if Decimal(repr(number)) == exact else exact
    except ArithmeticError:
        raise ValueError("it has a number whose exponent is out of range") from None


def _refuse_constant(_: str) -> Any:
    raise ValueError("it holds NaN or an infinity, which JSON does not have")


def _refuse(_: Any) -> Any:
    raise TypeError


_ENCODE: Final = json.JSONEncoder(
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,  # a circle ends as a RecursionError, which says as much
    sort_keys=True,
    separators=(",", ":"),
    default=_refuse,
).encode
