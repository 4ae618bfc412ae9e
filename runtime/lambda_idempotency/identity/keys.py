"""The record id and the fingerprint of an event.

    id = "{namespace}#{SHA-256 of (format, operation, scope, key), each after its length}"

The namespace is in plain text, so that IAM (`dynamodb:LeadingKeys`) and Redis ACLs can keep
functions out of each other's records. The key never is. The operation tells the handlers and
functions of one namespace apart; the scope, those who ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, ValuesView
from contextlib import suppress
from decimal import InvalidOperation
from hashlib import sha256
from struct import Struct
from typing import Any, Final, TypeAlias

from ..errors import MissingKeyError
from ..tuples import NamedTuple
from .canonical import canonical
from .events import view
from .expressions import compiled, near_miss
from .fingerprints import KnownFingerprints, Payload
from .refusals import LostPartError, UndecodableError, UnusableError
from .scope import ANYWHERE, Scope
from .sources import default_key
from .values import is_empty

Expression: TypeAlias = str | Callable[[Any], Any]
"""JMESPath, or a callable; both see the event with its JSON texts decoded."""

_LENGTH: Final = Struct(">Q").pack

_FORMAT: Final = _LENGTH(1) + b"1"
"""The format's name, after its length."""

_UNREADABLE: Final = (
    *(LookupError, TypeError, AttributeError, ValueError),
    *(InvalidOperation, OverflowError),  # a text that is not a number, or out of range
)
"""The errors that an expression raises when it does not fit the event."""


class KeyAbsentError(MissingKeyError):
    """There is no key at all, not an unusable one: `on_missing_key="bypass"` lets the call run."""


class Identity(NamedTuple):
    """The record id that makes two requests the same (`key`), and the fingerprint that must agree.

    `scope` is the hash of the scope in which the record's state may be asked for over HTTP.
    """

    key: str
    fingerprint: str | None
    scope: str | None = None


class RequestParts(NamedTuple):
    """The parts of an HTTP request that replace expressions which are not given: the header's key,
    and the payload, which makes the fingerprint."""

    key: str | None
    payload: Callable[[], Payload]


class Selector:
    """Evaluates one expression. Raises `ConfigurationError` if it is malformed.

    `source` is what it selects from. `origin` is where it was set, for the one who has to change
    it.
    """

    def __init__(
        self,
        name: str,
        expression: Expression,
        *,
        source: str = "event",
        origin: str | None = None,
    ) -> None:
        self._name = name
        self._source = source
        self._expression = expression
        self._origin = f"The option {name}" if origin is None else origin
        self._evaluate: Callable[[Any], Any]
        if callable(expression):
            self._evaluate = expression
            self._text = getattr(expression, "__qualname__", type(expression).__qualname__)
        else:
            self._evaluate = compiled(name, expression, objects=source == "arguments")
            self._text = repr(expression)
        self.by_path = not callable(expression)
        """True for JMESPath, which selects parts of the given value and makes no new ones."""

    @property
    def title(self) -> str:
        """The name for an error: with its expression, unless an HTTP client could be told of it."""
        return self._name if self._source == "event" else f"{self._name} {self._text}"

    def reading(self, given: Any) -> Selector:
        """Return this selector; a callable gets `given`, whatever it is shown."""
        if self.by_path:
            return self
        evaluate = self._evaluate

        def read(_: Any) -> Any:
            return evaluate(given)

        read.__qualname__ = self._text
        return Selector(self._name, read, source=self._source, origin=self._origin)

    def select(self, seen: Any) -> Any:
        """Return the selected value. Raises `KeyAbsentError` if it is null, empty, partly missing
        or not readable, and `MissingKeyError` if it is nested too deeply or says two things."""
        try:
            value = self._evaluate(seen)
        except UnusableError as error:
            raise unusable(self.title, error) from None
        except RecursionError:
            raise unusable(self.title, "it is nested too deeply") from None
        except LostPartError:
            raise self._absent("A part of the {} is missing from the {}, or empty", seen) from None
        except UndecodableError as error:
            raise self._absent(f"The {{}} cannot be read from the {{}}: {error}", seen) from None
        except _UNREADABLE as error:
            # Report neither the error's text nor its chain: both can quote the value.
            where = type(error).__name__ if self.by_path else _whereabouts(error)
            raise self._absent(f"The {{}} cannot be read from the {{}} ({where})", seen) from None
        if is_empty(value):
            raise self._absent("The {} is missing from the {}, or empty", seen)
        if not self.by_path and lacks_a_part(value):
            raise self._absent("A part of the {} is missing from the {}, or empty", seen)
        return value

    def _absent(self, what: str, seen: Any) -> KeyAbsentError:
        expression = self._expression
        meant = None
        with suppress(UnusableError):  # what was meant, perhaps, is none either
            meant = near_miss(expression, seen) if isinstance(expression, str) else None
        hint = "" if meant is None else f" The {self._source} {meant}"
        return KeyAbsentError(
            f"{what.format(self._name, self._source)}. {self._origin} is {self._text}.{hint} "
            "Correct it, send what it names, or run such calls unprotected with "
            "on_missing_key='bypass'."
        )


class KeyRule(NamedTuple):
    """The rule that gives the calls of one operation their keys. `key` None: what its source
    identifies an event by, or else the whole payload. `known`: the fingerprints of requests that
    came before; those of an expression are computed anew."""

    namespace: str
    operation: str
    key: Selector | None = None
    fingerprint: Selector | None = None
    known: KnownFingerprints | None = None

    def reading(self, given: Any) -> KeyRule:
        """Return the rule for an event that a decorator above has parsed: callables get it as it is
        `given`, and what it says in JSON is identified."""
        key, fingerprint = self.key, self.fingerprint
        return self._replace(
            key=None if key is None else key.reading(given),
            fingerprint=None if fingerprint is None else fingerprint.reading(given),
        )

    def identify(
        self,
        event: Any,
        *,
        scope: Scope = ANYWHERE,
        request: RequestParts | None = None,
    ) -> Identity:
        """Return the identity of a request. Raises `MissingKeyError`, saying why."""
        seen = event
        if self.key is not None or self.fingerprint is not None:
            try:
                seen = view(event)
            except ValueError as error:
                raise _unusable_body(error) from None
        if self.key is not None:
            value = self.key.select(seen)
        elif request is not None:
            value = request.key
        else:
            source, value = default_key(event)
            if is_empty(value):
                raise KeyAbsentError(
                    f"The event of {source} lacks the id that is its key."
                    if source
                    else "The event is empty, and the whole event is the key."
                )
            if source:
                scope = scope._replace(source=source)  # an id of one source is not another's
        parsed = self.key is None or self.key.by_path
        key = record_id(
            self.namespace,
            operation=self.operation,
            scope=scope,
            key=canonical_bytes("key", value, parsed=parsed),
        )
        fingerprint = self._fingerprint(seen, key, request)
        return Identity(key, fingerprint, None if request is None else state_scope(scope))

    def _fingerprint(self, seen: Any, key: str, request: RequestParts | None) -> str | None:
        if self.fingerprint is not None:
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
            parsed = self.fingerprint.by_path
            return digest((canonical_bytes("fingerprint", chosen, parsed=parsed),))
        if request is None:
            return None
        try:
            return self._of_payload(request.payload(), key)
        except ValueError as error:
            raise _unusable_body(error) from None

    def _of_payload(self, payload: Payload, key: str) -> str:
        if self.known is None or payload.raw is None:
            return digest(payload.meaning())
        raw = digest(payload.raw)
        fingerprint = self.known.get(key, raw)
        if fingerprint is None:
            fingerprint = digest(payload.meaning())
            self.known.keep(key, raw, fingerprint)
        return fingerprint


def record_id(namespace: str, *, operation: str, scope: Scope = ANYWHERE, key: bytes) -> str:
    """Return the id of a record. `key` is in its canonical form."""
    return f"{namespace}#{digest((_encoded(operation), scope.canonical(), key))}"


def state_scope(scope: Scope) -> str:
    """Return the hash of a scope without its route, which records carry: the state of a request is
    asked for on a route of its own."""
    return digest((b"scope", scope._replace(route=()).canonical()))


def digest(parts: Iterable[bytes]) -> str:
    """Return the SHA-256, in hex, of the format and the parts, each after its length."""
    *short, last = parts
    head = _FORMAT
    for part in short:
        head += _LENGTH(len(part)) + part
    hashed = sha256(head + _LENGTH(len(last)))
    hashed.update(last)  # joined to the others, a key that may be long would be copied
    return hashed.hexdigest()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def canonical_bytes(name: str, value: Any, *, parsed: bool = False) -> bytes:
    """Return the canonical form of what `name` selected. Raises `MissingKeyError`."""
    try:
        return canonical(value, parsed=parsed)
    except UnusableError as error:
        raise unusable(name, error) from None


def unusable(name: str, why: object) -> MissingKeyError:
    """Return the error of a key that is there, and is none. An HTTP client can get its text."""
    return MissingKeyError(f"The {name} is unusable: {why}.")


def _unusable_body(error: ValueError) -> MissingKeyError:
    return MissingKeyError(f"The body of the event is unusable: {error}.")


def lacks_a_part(value: Any) -> bool:
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
