"""The record id and the fingerprint of an event.

    id = "{namespace}#{SHA-256 of (format, operation, route, principal, key value)}"

The namespace is in plain text, so that IAM (`dynamodb:LeadingKeys`) and Redis ACLs can keep
functions out of each other's records. The key value never is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, ValuesView
from decimal import InvalidOperation
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias

from ..errors import MissingKeyError
from .canonical import canonical
from .effort import TooLongError
from .events import view
from .expressions import compiled, is_empty

Expression: TypeAlias = str | Callable[[Any], Any]
"""JMESPath, or a callable; both see the event with its JSON texts decoded."""

_FORMAT: Final = b"1"

_UNREADABLE: Final = (
    *(LookupError, TypeError, AttributeError, ValueError),
    *(InvalidOperation, OverflowError),  # a text that is not a number, or out of range
)
"""The errors that an expression raises when it does not fit the event."""


class KeyAbsentError(MissingKeyError):
    """There is no key at all, not an unusable one: `on_missing_key="bypass"` lets the call run."""


class Identity(NamedTuple):
    """The record id that makes two requests the same (`key`), and the fingerprint that must agree.

    `scope` is the hash of the caller that may ask for the record's state over HTTP.
    """

    key: str
    fingerprint: str | None
    scope: str | None = None


class RequestParts(NamedTuple):
    """The parts of an HTTP request that replace expressions which are not given: the header's key,
    and the query, which makes the fingerprint together with the body."""

    key: str | None
    query: Any


class Selector:
    """Evaluates one expression. Raises `ConfigurationError` if it is malformed."""

    def __init__(self, name: str, expression: Expression, *, source: str = "event") -> None:
        self._name = name
        self._source = source
        self._evaluate: Callable[[Any], Any]
        self._incomplete: Callable[[Any], bool]
        if callable(expression):
            self._evaluate, self._incomplete = expression, _lacks_a_part
        else:
            self._evaluate, self._incomplete = compiled(name, expression)
        self.by_path = not callable(expression)
        """True for JMESPath, which selects parts of the given value and makes no new ones."""

    def select(self, seen: Any) -> Any:
        """Return the selected value. Raises `KeyAbsentError` if it is null, empty, partly missing
        or not readable, and `MissingKeyError` if it is nested too deeply."""
        try:
            value = self._evaluate(seen)
        except TooLongError as error:
            raise MissingKeyError(f"The {self._name} is unusable: {error}.") from None
        except _UNREADABLE as error:
            # Report neither the error's text nor its chain: both can quote the value.
            raise KeyAbsentError(
                f"The {self._name} cannot be read from the {self._source} ({_whereabouts(error)})."
            ) from None
        except RecursionError:
            raise MissingKeyError(
                f"The {self._name} is unusable: it is nested too deeply."
            ) from None
        if is_empty(value):
            raise KeyAbsentError(f"The {self._name} is missing from the {self._source}, or empty.")
        if self._incomplete(value):
            raise KeyAbsentError(
                f"A part of the {self._name} is missing from the {self._source}, or empty."
            )
        return value


class KeyRule(NamedTuple):
    """The rule that gives the calls of one operation their keys. `key` None: the whole payload."""

    namespace: str
    operation: str = ""
    key: Selector | None = None
    fingerprint: Selector | None = None

    def identify(
        self,
        event: Any,
        *,
        route: str = "",
        principal: str = "",
        scope: str | None = None,
        request: RequestParts | None = None,
    ) -> Identity:
        """Return the identity of a request. Raises `MissingKeyError`, saying why."""
        seen = event
        if request is not None or self.key is not None or self.fingerprint is not None:
            try:
                seen = view(event)
            except ValueError as error:
                raise MissingKeyError(f"The body of the event is unusable: {error}.") from None
        default = event if request is None else request.key
        value = default if self.key is None else self.key.select(seen)
        if self.key is None and is_empty(value):
            raise KeyAbsentError("The event is empty, and the whole event is the key.")
        parsed = self.key is None or self.key.by_path
        key = record_id(
            self.namespace,
            canonical_bytes("key", value, parsed=parsed),
            operation=self.operation,
            route=route,
            principal=principal,
        )
        return Identity(key, self._fingerprint(seen, request), scope)

    def _fingerprint(self, seen: Any, request: RequestParts | None) -> str | None:
        if self.fingerprint is not None:
            parsed = self.fingerprint.by_path
            try:
                chosen = self.fingerprint.select(seen)
            except KeyAbsentError:
                if request is None:
                    raise
                # A request with a key asks for protection, so it must not run without it: hence no
                # KeyAbsentError. The text is for the client, and must not name a place in our code.
                raise MissingKeyError(
                    "The fingerprint is missing from the event, or cannot be read."
                ) from None
        elif request is not None:
            chosen, parsed = [seen.get("body"), request.query], True
        else:
            return None
        return digest((canonical_bytes("fingerprint", chosen, parsed=parsed),))


def record_id(
    namespace: str, value: bytes, *, operation: str = "", route: str = "", principal: str = ""
) -> str:
    """Return the record id of a key value."""
    head = [part.encode("utf-8", "surrogatepass") for part in (operation, route, principal)]
    return f"{namespace}#{digest((*head, value))}"


def digest(parts: Iterable[bytes]) -> str:
    """Return the SHA-256, in hex, of the format and the parts, each after its length."""
    measured = [len(part).to_bytes(8, "big") + part for part in (_FORMAT, *parts)]
    return sha256(b"".join(measured)).hexdigest()


def canonical_bytes(name: str, value: Any, *, parsed: bool = False) -> bytes:
    """Return the canonical form of what `name` selected. Raises `MissingKeyError`."""
    try:
        return canonical(value, parsed=parsed)
    except ValueError as error:
        raise MissingKeyError(f"The {name} is unusable: {error}.") from None


def _lacks_a_part(value: Any) -> bool:
    """Tell whether a part of what a callable returned is missing."""
    if isinstance(value, Mapping):
        value = value.values()
    return isinstance(value, list | tuple | ValuesView) and any(map(is_empty, value))


def _whereabouts(error: Exception) -> str:
    """Return the type of an error, and the function and line that raised it."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = "" if frame is None else f" in {frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}"
    return f"{type(error).__name__}{where}"
