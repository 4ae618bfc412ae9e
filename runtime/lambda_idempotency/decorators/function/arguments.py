"""The identity of a call, from its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...errors import ConfigurationError
from ...execution.definition import AnyCallable, underlying
from ...identity.canonical import canonical
from ...identity.keys import Identity, Selector, canonical_bytes, digest, record_id, unusable
from ...identity.refusals import UnusableError
from ...identity.scope import ANYWHERE, Scope
from ...identity.values import class_name
from ...identity.whole import View
from ...tuples import NamedTuple
from ..callables import signature_of

_RECEIVERS: Final = ("self", "cls")


class Bound(NamedTuple):
    """The arguments of one call by name, and, for a method, the object it was called on.

    `heir` is the class of that object, if it inherits the method: it may do something else there.
    """

    arguments: Mapping[str, Any]
    receiver: Mapping[str, Any]
    heir: str = ""


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
        self._home = _home(function)
        self._receiver = first if first in _RECEIVERS and self._home is not None else None

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
        receiver = arguments.pop(self._receiver)
        kind = class_name(receiver if isinstance(receiver, type) else type(receiver))
        return Bound(arguments, {self._receiver: receiver}, heir="" if kind == self._home else kind)


def _home(function: AnyCallable) -> str | None:
    """Return the name of the class in which a function was defined, which its qualified name
    tells; None if it is no method."""
    function = underlying(function)
    around: str = getattr(function, "__qualname__", "").rpartition(".")[0]
    if around == "" or around.endswith("<locals>"):
        return None
    return f"{function.__module__}.{around}"


class ArgumentsRule(NamedTuple):
    """The rule that keys the calls of one function. `key` None: by all arguments except `self`."""

    namespace: str
    operation: str
    key: Selector | None = None
    fingerprint: Selector | None = None

    def identify(self, bound: Bound, *, scope: Scope = ANYWHERE) -> Identity:
        """Return the identity of a call. Raises `MissingKeyError`, saying why."""
        if self.key is None:
            value = _all_of(bound.arguments)
        else:
            value = canonical_bytes(self.key.title, _selected(self.key, bound))
        scope = scope._replace(source=bound.heir)  # of two heirs, each does its own work
        key = record_id(self.namespace, operation=self.operation, scope=scope, key=value)
        fingerprint = None
        if self.fingerprint is not None:
            chosen = _selected(self.fingerprint, bound)
            fingerprint = digest((canonical_bytes(self.fingerprint.title, chosen),))
        return Identity(key, fingerprint)


def _selected(selector: Selector, bound: Bound) -> Any:
    return selector.select(
        _Seen(bound) if selector.by_path else {**bound.receiver, **bound.arguments}
    )


class _Seen(View):
    """The arguments as JMESPath sees them. The object that a method was called on is there if it is
    named."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound.arguments)
        self._receiver = bound.receiver

    def get(self, name: str, *_: Any) -> Any:
        return self._receiver.get(name, super().get(name))


def _all_of(arguments: Mapping[str, Any]) -> bytes:
    """Return the canonical form of all arguments. Raises `MissingKeyError`, naming the one that has
    none."""
    try:
        return canonical(arguments)
    except UnusableError as error:
        why = str(error)
        for name, argument in arguments.items():
            try:
                canonical(argument)
            except UnusableError:
                why = f"{why} (argument {name!r}); pass a key, with what identifies a call"
                break
    raise unusable("key, which is all the arguments,", why)
