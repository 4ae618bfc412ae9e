"""The identity of a call, from its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from ...errors import ConfigurationError
from ...identity.canonical import converted
from ...identity.keys import Identity, Selector, canonical_bytes, digest, record_id
from ...identity.scope import ANYWHERE, Scope
from ..callables import AnyCallable, signature_of

_RECEIVERS: Final = ("self", "cls")
_JSON: Final = (str, int, float, bool, type(None), Decimal)


class Bound(NamedTuple):
    """The arguments of one call by name, and, for a method, the object it was called on."""

    arguments: Mapping[str, Any]
    receiver: Mapping[str, Any]


class Parameters:
    """The parameters of a function. Raises `ConfigurationError` if they are not known."""

    def __init__(self, function: AnyCallable) -> None:
        try:
            self._signature = signature_of(function)
        except ValueError:
            raise ConfigurationError(
                "its parameters are not known; decorate a function of yours that calls it"
            ) from None
        first = next(iter(self._signature.parameters), None)
        self._receiver = first if first in _RECEIVERS else None

    @property
    def are_none(self) -> bool:
        """True if no argument could tell the function's calls apart."""
        return len(self._signature.parameters) == (self._receiver is not None)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Bound:
        """Bind a call's arguments to names, and add the defaults. Raises TypeError, as the call."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        if self._receiver is None:
            return Bound(arguments, {})
        return Bound(arguments, {self._receiver: arguments.pop(self._receiver)})


class ArgumentsRule(NamedTuple):
    """The rule that keys the calls of one function. `key` None: by all arguments except `self`."""

    namespace: str
    operation: str
    key: Selector | None = None
    fingerprint: Selector | None = None

    def identify(self, bound: Bound, *, scope: Scope = ANYWHERE) -> Identity:
        """Return the identity of a call. Raises `MissingKeyError`, saying why."""
        if self.key is None:
            value = canonical_bytes("key, which is all the arguments,", bound.arguments)
        else:
            value = canonical_bytes("key", _selected(self.key, bound))
        key = record_id(self.namespace, value, operation=self.operation, scope=scope)
        fingerprint = None
        if self.fingerprint is not None:
            chosen = _selected(self.fingerprint, bound)
            fingerprint = digest((canonical_bytes("fingerprint", chosen),))
        return Identity(key, fingerprint)


def _selected(selector: Selector, bound: Bound) -> Any:
    return selector.select(
        _Seen(bound) if selector.by_path else {**bound.receiver, **bound.arguments}
    )


class _Seen(dict[str, Any]):
    """The arguments as JMESPath sees them. Only those that it names are converted, so the others
    may have any type. The object that a method was called on is there if it is named."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound.arguments)
        self._receiver = bound.receiver

    def get(self, name: str, *_: Any) -> Any:
        return _navigable(self._receiver.get(name, super().get(name)))

    def values(self) -> Any:
        return [_navigable(value) for value in super().values()]


def _navigable(value: Any) -> Any:
    """Convert a value to JSON types, as far as possible."""
    if type(value) in _JSON:
        return value
    if isinstance(value, Mapping):
        return {name: _navigable(part) for name, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):  # a NamedTuple: by name
        return _navigable(value._asdict())
    if isinstance(value, list | tuple):
        return [_navigable(part) for part in value]
    try:
        return _navigable(converted(value))
    except ValueError:
        if isinstance(value, _JSON):
            return value
        # An opaque stand-in: no expression reaches into it; as a key it is refused, with its type.
        return type(type(value).__name__, (), {})()
