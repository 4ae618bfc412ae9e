"""JSON as Lambda's own client sends it: a duplicate gets the bytes of the first answer.

The client (awslambdaric, lambda_runtime_marshaller.py) differs from `json`: a named tuple is an
object, a Decimal a number with all its digits, and bytes are text. A result of bytes is sent as it
is.

Almost every result has only built-in types, for which both agree. `marshal` takes no others, so one
fast pass of it tells that `json` may write the text. Other results are rewritten first.
"""

from __future__ import annotations

import json
import marshal
import os
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import nan
from typing import Any, Final, TypeVar

from ..encoder import decoder, encoder

A = TypeVar("A")
R = TypeVar("R")

_BYTES: Final = "="
"""The start of a text that stands for a result of bytes, in base64. No JSON starts with it."""

_EXACT: Final = " "
"""The start of a text with a Decimal's digits, which a float may not hold. JSON allows the space,
and `json` writes none."""

_MARK: Final = os.urandom(16).hex()
"""The start of a text that stands for a Decimal while it is encoded. No payload can guess it."""

_DECIMAL: Final = re.compile(f'"{_MARK}([^"]*)"')
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_MAX_DIGITS: Final = 4300
"""The longest integer that Python converts from text (sys.int_info)."""


class NotRecordableError(ValueError):
    """The result has no recorded form. The text says why and quotes nothing; `advice` is for the
    log."""

    def __init__(self, why: str, advice: str = "") -> None:
        super().__init__(why)
        self.advice = advice


def escapes(environment: Mapping[str, str]) -> bool:
    """Tell whether Lambda's client escapes what is not ASCII: from Python 3.12 on it does not, and
    then it cannot send a lone surrogate."""
    _, found, minor = environment.get("AWS_EXECUTION_ENV", "").partition("AWS_Lambda_python3.")
    return not (found and minor.isdecimal() and int(minor) >= 12)


ESCAPES: Final = escapes(os.environ)
"""True if the client of this process escapes what is not ASCII."""


def written(result: Any, *, surrogates: bool = ESCAPES) -> str:
    """Return the text for the record. Raises any error, `NotRecordableError` if it is known why,
    if Lambda's client could not send the result. `surrogates` tells whether it sends lone ones."""
    if isinstance(result, bytes):
        return _BYTES + b2a_base64(result, newline=False).decode()
    text = with_fresh_stack(_text, result)
    if text.isascii() or _SURROGATE.search(text) is None:
        return text
    if not surrogates:
        raise NotRecordableError("the result has a lone surrogate, which UTF-8 lacks")
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def read(text: str | bytes) -> Any:
    """Return the result in a recorded text: the client sends it as it sent the first one. Raises
    ValueError or RecursionError."""
    if text[:1] in (_BYTES, _BYTES.encode()):
        return a2b_base64(text[1:], strict_mode=True)
    exact = text[:1] in (_EXACT, _EXACT.encode())
    return with_fresh_stack(_exactly if exact else _parsed, text)


def sent(result: Any) -> str:
    """Return the JSON that Lambda's client sends for a result of `read`."""
    return with_fresh_stack(_by_client, result)


def as_object(value: Any) -> Any:
    """Return what Lambda's client sends for a named tuple: its fields; another value unchanged."""
    fields = getattr(value, "_asdict", None)
    return fields() if callable(fields) and not isinstance(value, str | int | float) else value


def with_fresh_stack(function: Callable[[A], R], argument: A) -> R:
    """Call a function; if the stack is too deep for it, again in a thread, whose stack is empty.
    There, everything fits that Lambda's client can send."""
    try:
        return function(argument)
    except RecursionError:
        pass
    import threading

    results: list[R] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function(argument))
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


# Writing ------------------------------------------------------------------------------------------

_ENCODE: Final = encoder(ensure_ascii=False)
_SEND: Final = encoder(ensure_ascii=ESCAPES, separators=(", ", ": "))


def _text(result: Any) -> str:
    try:
        marshal.dumps(result)
        return _ENCODE(result)
    except (TypeError, ValueError):
        text, decimals = _DECIMAL.subn(r"\1", _ENCODE(_as_sent(result)))
        return _EXACT + text if decimals else text


def _by_client(result: Any) -> str:
    return _DECIMAL.sub(r"\1", _SEND(_as_sent(result)))


_SAME: Final = frozenset({str, int, float, bool, type(None)})
_TEXT: Final = frozenset({str})


def _as_sent(value: Any) -> Any:
    """Rewrite a value with the types for which `json` and Lambda's client agree."""
    kind = type(value)
    if kind in _SAME:
        return value
    if kind is Decimal:
        return nan if value.is_nan() else _MARK + str(value)
    if kind is not dict and kind is not list:
        value = _built_in(value)
    if isinstance(value, dict):  # `map`, because a comprehension takes a frame for each level
        names = value if kind is dict and _TEXT.issuperset(map(type, value)) else map(_name, value)
        return _object([*zip(names, [*map(_as_sent, value.values())], strict=True)])
    return [*map(_as_sent, value)] if isinstance(value, list | tuple) else value


def _built_in(value: Any) -> Any:
    """Return what the client makes of a value of a rarer type. Raises `NotRecordableError`."""
    if isinstance(value, str | int | float):  # enums too: `json` and the client take their value
        return value
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Decimal):
        return _as_sent(Decimal(value))
    value = as_object(value)
    if not isinstance(value, dict | list | tuple):
        raise NotRecordableError(f"the result holds a {type(value).__name__}, which is not JSON")
    return dict(value.items()) if isinstance(value, dict) else value


def _name(name: Any) -> Any:
    if name is None or isinstance(name, str | int | float):
        return name
    if isinstance(name, bytes):
        return name.decode()
    raise NotRecordableError(f"the result has an object with a {type(name).__name__} as a name")


# Reading ------------------------------------------------------------------------------------------


class _Repeated(str):
    """A name that its object has once more: the client sends {1: ..., "1": ...} with both."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def _object(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    found = {}
    for name, value in pairs:
        found[_Repeated(name) if name in found else name] = value
    return found


def _parsed(text: str | bytes) -> Any:
    return _PARSE(text if isinstance(text, str) else text.decode())


_PARSE: Final = decoder(object_pairs_hook=_object)


def _exactly(text: str | bytes) -> Any:
    return json.loads(text, object_pairs_hook=_object, parse_float=_fraction, parse_int=_whole)


def _fraction(text: str) -> float | Decimal:
    number = float(text)
    return number if repr(number) == text else Decimal(text)


def _whole(text: str) -> int | Decimal:
    return Decimal(text) if text == "-0" or len(text) > _MAX_DIGITS else int(text)
