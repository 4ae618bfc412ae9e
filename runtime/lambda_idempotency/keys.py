"""From an event to a record id and a fingerprint.

    id = "{namespace}#{SHA-256 of (format, operation, route, principal, key value)}"

The namespace is in clear, so that IAM (`dynamodb:LeadingKeys`) and Redis ACLs can fence functions
off from one another; the key value never is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, TypeAlias

from .canonical import canonical
from .errors import ConfigurationError, MissingKeyError
from .events import view

Expression: TypeAlias = str | Callable[[Any], Any]
"""JMESPath, or a callable; both see the event with its JSON texts decoded."""

_FORMAT: Final = b"1"


class KeyAbsentError(MissingKeyError):
    """There is no key, as opposed to an unusable one: `on_missing_key="bypass"` lets it run."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two requests the same (`key`), and what must then agree (`fingerprint`)."""

    key: str
    fingerprint: str | None


class Selector:
    """Evaluates one expression. Raises `ConfigurationError` where it is malformed."""

    def __init__(self, name: str, expression: Expression) -> None:
        self._name = name
        self._composite = False
        self._evaluate: Callable[[Any], Any]
        if callable(expression):
            self._evaluate = expression
            self._composite = True
        else:
            self._evaluate, self._composite = _compile(name, expression)

    def select(self, seen: Any) -> Any:
        """The selected value. Raises `KeyAbsentError`: it is null, empty or partly missing."""
        try:
            value = self._evaluate(seen)
        except (LookupError, TypeError, AttributeError) as error:
            raise KeyAbsentError(f"The {self._name} cannot be read from the event.") from error
        except ValueError:  # jmespath's own errors quote the value they met
            raise KeyAbsentError(f"The {self._name} cannot be read from the event.") from None
        if _empty(value):
            raise KeyAbsentError(f"The {self._name} is missing from the event, or empty.")
        if self._composite and any(part is None for part in _parts(value)):
            raise KeyAbsentError(f"A part of the {self._name} is missing from the event.")
        return value


@dataclass(frozen=True, kw_only=True)
class KeyRule:
    """How one operation is keyed. `key` None: by the whole payload."""

    namespace: str
    operation: str = ""
    key: Selector | None = None
    fingerprint: Selector | None = None

    def identify(self, event: Any, *, route: str = "", principal: str = "") -> Identity:
        """The identity of a request. Raises `MissingKeyError`, saying why."""
        seen = event
        if self.key is not None or self.fingerprint is not None:
            try:
                seen = view(event)
            except ValueError as error:
                raise MissingKeyError(f"The body of the event is unusable: {error}.") from None
        value = event if self.key is None else self.key.select(seen)
        if self.key is None and _empty(value):
            raise KeyAbsentError("The event is empty, and the whole event is the key.")
        parts = (self.operation, route, principal)
        key = digest((*(part.encode("utf-8") for part in parts), _bytes("key", value)))
        fingerprint = None
        if self.fingerprint is not None:
            chosen = self.fingerprint.select(seen)
            fingerprint = digest((_bytes("fingerprint", chosen),))
        return Identity(f"{self.namespace}#{key}", fingerprint)


def digest(parts: Iterable[bytes]) -> str:
    """SHA-256, in hex, over the format and the parts, each with its length before it."""
    hashed = sha256()
    for part in (_FORMAT, *parts):
        hashed.update(len(part).to_bytes(8, "big"))
        hashed.update(part)
    return hashed.hexdigest()


def _bytes(name: str, value: Any) -> bytes:
    try:
        return canonical(value)
    except ValueError as error:
        raise MissingKeyError(f"The {name} is unusable: {error}.") from None


def _compile(name: str, expression: str) -> tuple[Callable[[Any], Any], bool]:
    # Imported only where an expression needs it: 10 ms of a cold start.
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        compiled = jmespath.compile(expression)
    except JMESPathError as error:
        raise ConfigurationError(
            f"{name} is {expression!r}, which is not JMESPath ({type(error).__name__}); "
            "see https://jmespath.org"
        ) from None
    # `[a, b]` and `{x: a, y: b}`, also at the end of a path or a pipe, select several parts.
    node = compiled.parsed
    while node["type"] in ("subexpression", "pipe"):
        node = node["children"][-1]
    return compiled.search, node["type"] in ("multi_select_list", "multi_select_dict")


def _empty(value: Any) -> bool:
    """Null or empty. 0 and False are values."""
    return value is None or (
        isinstance(value, str | bytes | list | tuple | dict) and len(value) == 0
    )


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
