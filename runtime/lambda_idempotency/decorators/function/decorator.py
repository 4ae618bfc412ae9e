"""`@idempotent_function`: any callable, sync or async, takes effect once for each key."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from inspect import isasyncgenfunction, isfunction, isgeneratorfunction
from typing import Any, NamedTuple, TypeVar, overload

from ...contract.settings import OnInProgress, OnMissingKey, Settings
from ...errors import ConfigurationError
from ...execution.orphans import OnOrphan, checked
from ...execution.replays import OnReplay
from ...identity.keys import Expression, Selector
from ...protocol.record import Store
from ..callables import AnyCallable, is_async, place_of, underlying
from ..options import Duration, namespace_of, operation_of, settings_with, store_of, take_name
from .arguments import ArgumentsRule, Parameters
from .calls import Calls, Protected, Unprotected, refused
from .results import Results, Serializer

Function = TypeVar("Function", bound=AnyCallable)


@overload
def idempotent_function(function: Function, /) -> Function: ...
@overload
def idempotent_function(
    *,
    key: Expression | None = None,
    name: str | None = None,
    serializer: Serializer | None = None,
    fingerprint: Expression | None = None,
    expires_after: Duration | None = None,
    lease: Duration | None = None,
    on_in_progress: OnInProgress | None = None,
    wait_timeout: Duration | None = None,
    max_attempts: int | None = None,
    on_orphan: OnOrphan | None = None,
    on_missing_key: OnMissingKey | None = None,
    fail_open: bool | None = None,
    cache_size: int | None = None,
    on_replay: OnReplay | None = None,
    namespace: str | None = None,
    store: Store | None = None,
) -> Callable[[Function], Function]: ...
def idempotent_function(
    function: AnyCallable | None = None,
    /,
    *,
    key: Expression | None = None,
    name: str | None = None,
    serializer: Serializer | None = None,
    fingerprint: Expression | None = None,
    expires_after: Duration | None = None,
    lease: Duration | None = None,
    on_in_progress: OnInProgress | None = None,
    wait_timeout: Duration | None = None,
    max_attempts: int | None = None,
    on_orphan: OnOrphan | None = None,
    on_missing_key: OnMissingKey | None = None,
    fail_open: bool | None = None,
    cache_size: int | None = None,
    on_replay: OnReplay | None = None,
    namespace: str | None = None,
    store: Store | None = None,
) -> Any:
    """Makes a function take effect once for each key; later calls get the first result.

    `key` and `fingerprint` are JMESPath over the arguments by name, in which dataclasses, pydantic
    models and NamedTuples are objects, or callables that take the arguments as a dict. Without a
    `key`, all the arguments are the key. `self` and `cls` are no part of it unless it names them.
    `name` tells the functions of one namespace apart: `__name__` unless given.

    A replay is equal to the first result, of the types that the return annotation names; or
    `serializer` is a pair of callables, to a JSON value and back. What cannot be restored so is not
    recorded, and later calls raise `ResponseUnavailableError`.

    The other options are as for `@idempotent`, and so are the errors; the `key` and `fingerprint`
    of the settings are those of handlers. The lease is never less than the invocation has left,
    where a decorated handler runs. A call inside itself with its own key, and an option that makes
    no sense, are a `ConfigurationError`.
    """
    try:
        settings = settings_with(
            expires_after=expires_after,
            lease=lease,
            on_in_progress=on_in_progress,
            wait_timeout=wait_timeout,
            max_attempts=max_attempts,
            on_missing_key=on_missing_key,
            fail_open=fail_open,
            cache_size=cache_size,
            namespace=namespace,
        )
        found = None if settings.disabled else store_of(settings, store)
        decorate = _Decorator(
            name=_checked_name(name),
            key=_selector("key", key),
            fingerprint=_selector("fingerprint", fingerprint),
            serializer=_checked_serializer(serializer),
            on_orphan=checked(on_orphan),
            settings=settings,
            on_replay=on_replay,
            store=found,
            namespace=None if found is None else namespace_of(settings, found),
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"@idempotent_function: {error}") from None
    return decorate if function is None else decorate(function)


class _Decorator(NamedTuple):
    name: str | None
    key: Selector | None
    fingerprint: Selector | None
    serializer: Serializer | None
    on_orphan: OnOrphan | None
    settings: Settings
    on_replay: OnReplay | None
    store: Store | None
    namespace: str | None

    def __call__(self, function: Any) -> Any:
        if isinstance(function, classmethod | staticmethod):  # the decorators are the other way
            return type(function)(self(function.__func__))
        try:
            calls = self._calls(function)
        except ConfigurationError as error:
            raise ConfigurationError(f"@idempotent_function: {error}") from None
        return _wrapped(function, calls)

    def _calls(self, function: AnyCallable) -> Calls:
        _check_function(function)
        name = _name_of(function) if self.name is None else self.name
        if self.settings.disabled:
            return Unprotected(function)
        if self.store is None:
            return Unprotected(refused)
        assert self.namespace is not None
        try:
            parameters, results = Parameters(function), Results(name, function, self.serializer)
            results.prepare(last=False)
            if self.key is None and parameters.are_none:
                raise ConfigurationError(
                    "it takes no arguments, and all the arguments are the key; pass a key, such "
                    "as key=lambda _: today()"
                )
        except ConfigurationError as error:
            raise ConfigurationError(f"{name}: {error}") from None
        take_name(self.store, self.namespace, name, place_of(function))
        return Protected(
            name=name,
            inner=Unprotected(function),
            parameters=parameters,
            rule=ArgumentsRule(self.namespace, name, self.key, self.fingerprint),
            results=results,
            operation=operation_of(
                self.settings, self.store, on_orphan=self.on_orphan, on_replay=self.on_replay
            ),
        )


def _wrapped(function: AnyCallable, calls: Calls) -> AnyCallable:
    wrapper: AnyCallable
    if is_async(function):

        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await calls.call_async(args, kwargs)

    else:

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return calls.call(args, kwargs)

    return update_wrapper(wrapper, function)


def _check_function(function: object) -> None:
    if not callable(function) or isinstance(function, type):
        what = "a class" if isinstance(function, type) else f"a {type(function).__name__}"
        raise ConfigurationError(f"applied to {what}; expected a function, sync or async")
    if isgeneratorfunction(inner := underlying(function)) or isasyncgenfunction(inner):
        raise ConfigurationError(
            f"applied to the generator {inner.__name__}, which has no one result to record; "
            "return a list, or decorate what is done for each item"
        )


def _name_of(function: AnyCallable) -> str:
    name = getattr(function, "__name__", "<lambda>")
    if name == "<lambda>":
        raise ConfigurationError(
            f"applied to a {'lambda' if isfunction(function) else type(function).__name__}, which "
            "has no name that its records could have; pass name=..."
        )
    return str(name)


def _checked_name(name: object) -> str | None:
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ConfigurationError(f"name is {name!r}; expected a text that is not empty")
    return name


def _checked_serializer(serializer: object) -> Serializer | None:
    if serializer is None:
        return None
    if isinstance(serializer, tuple) and len(serializer) == 2 and all(map(callable, serializer)):
        return serializer
    raise ConfigurationError(
        f"serializer is {serializer!r}; expected a pair of callables, from a result to a JSON "
        "value and back"
    )


def _selector(name: str, expression: Expression | None) -> Selector | None:
    return None if expression is None else Selector(name, expression, source="arguments")
