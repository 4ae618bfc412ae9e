"""The recorded form of a function's result, and the way back to the first result.

A result is written as JSON and read back by its return annotation. Before it is recorded, it is
read back once and compared. If that gives something else, it is recorded without a body, and its
duplicates get `ResponseUnavailableError`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from ...errors import ConfigurationError, ResponseUnavailableError
from ...execution.definition import AnyCallable
from ...protocol.record import Record
from ...protocol.steps import Returned
from ...response import lambda_json, serialization
from ...response.lambda_json import NotRecordableError
from ..callables import return_type
from .annotations import conversion_of
from .conversions import Conversion

Serializer: TypeAlias = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""A pair of callables: from a result to a JSON value, and back."""


class Results:
    """The results of one function, called `name`."""

    def __init__(self, name: str, function: AnyCallable, serializer: Serializer | None) -> None:
        self._name = name
        self._function = function
        self._conversion = None if serializer is None else Conversion(*serializer)

    def prepare(self, *, last: bool) -> None:
        """Read the return annotation. Its names may be defined later, unless this is the `last`
        time. Raises `ConfigurationError` if results cannot be restored by it."""
        if self._conversion is not None:
            return
        try:
            self._conversion = conversion_of(*return_type(self._function))
        except NameError as error:
            if last:
                raise ConfigurationError(
                    f"the return annotation names {error.name!r}, which is not there; import it "
                    "at run time, not only for type checkers, or pass serializer=(to_json, "
                    "from_json)"
                ) from None
        except TypeError as error:
            raise ConfigurationError(f"the return annotation is no type: {error}") from None

    def to_stored(self, result: Any) -> Returned:
        """Return the result with its recorded form. Raises `NotRecordableError`."""
        assert self._conversion is not None
        to_json, from_json = self._conversion
        try:
            text = lambda_json.written(to_json(result), surrogates=True)
            comes_back = same(from_json(_parsed(text)), result)
        except NotRecordableError:
            why = "is no JSON"
        except BaseException as error:  # noqa: BLE001 - a serializer may raise anything
            why = f"cannot be converted ({type(error).__name__})"
        else:
            if comes_back:
                return Returned(result, text)
            why = "would come back as something else"
        raise NotRecordableError(
            f"the result of {self._name} {why}",
            "Annotate the return type, or pass serializer=(to_json, from_json).",
        ) from None

    def is_replayable(self, text: str) -> bool:
        """Tell whether a recorded text is a result of the function's type."""
        assert self._conversion is not None
        try:
            self._conversion.from_json(_parsed(text))
        except Exception:  # noqa: BLE001 - a serializer may raise anything
            return False
        return True

    def from_stored(self, record: Record) -> Any:
        """Return the recorded result. Raises `ResponseUnavailableError`."""
        value = serialization.from_stored(record, _parsed)
        self.prepare(last=True)  # a function whose results are not kept reads older records alone
        assert self._conversion is not None
        try:
            return self._conversion.from_json(value)
        except Exception:  # noqa: BLE001 - its text and chain can quote the value
            raise ResponseUnavailableError(
                f"The operation under record {record.key} is done, but its result is not of the "
                f"type that {self._name} returns now. Was its return type changed?"
            ) from None


def _parsed(text: str | bytes) -> Any:
    """Parse a text with the plain types of JSON, which the return annotation converts."""
    return lambda_json.with_fresh_stack(json.loads, text)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of the same types, at every depth."""
    kind: Any = type(one)
    if kind is not type(other):
        return False
    if kind is dict:
        return same(list(one.items()), list(other.items()))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float | Decimal):
        return repr(one) == repr(other)  # NaN is not equal to itself
    if hasattr(kind, "__dataclass_fields__"):
        from dataclasses import fields  # not at the top: it costs 10 ms of a cold start

        names = [field.name for field in fields(kind)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    # An object without an `__eq__` of its own cannot be compared: it counts as the same.
    return bool(one == other or getattr(kind, "__eq__", None) is object.__eq__)
