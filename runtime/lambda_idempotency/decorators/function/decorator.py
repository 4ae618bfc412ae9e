"""`@idempotent_function`: any callable, sync or async, takes effect once for each key."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from types import FunctionType
from typing import Any, TypeVar, Unpack, overload

from ...errors import ConfigurationError
from ...execution.definition import AnyCallable, captured
from ...identity.keys import Selector
from ...tuples import NamedTuple
from ..callables import check_no_generator, is_async
from ..options import Configuration, ReplayOptions, naming
from .arguments import ArgumentsRule, Parameters
from .calls import Calls, Code, ProtectedCalls, refused
from .results import Results, Serializer

Function = TypeVar("Function", bound=AnyCallable)


class FunctionOptions(ReplayOptions, total=False):
    """The options of `@idempotent_function`."""

    serializer: Serializer | None
    """A pair of callables: from a result to a JSON value, and back. Default: conversion by the
    return annotation."""


@overload
def idempotent_function(function: Function, /) -> Function: ...
@overload
def idempotent_function(**options: Unpack[FunctionOptions]) -> Callable[[Function], Function]: ...
def idempotent_function(
    function: AnyCallable | None = None, /, **options: Unpack[FunctionOptions]
) -> Any:
    """Make a function take effect once for each key; later calls get the first result.

    `key` and `fingerprint` are JMESPath or callables. JMESPath sees the arguments by name, with
    dataclasses, pydantic models and NamedTuples as objects. Callables get the arguments as a dict.
    Without a `key`, all the arguments are the key. `self` and `cls` are part of it only if it names
    them. `FunctionOptions` describes each option.

    A replay equals the first result, and has the types of the return annotation, or those that
    `serializer` makes. A result that cannot be restored this way is not recorded, and later calls
    raise `ResponseUnavailableError`.

    `record_id(...)` of the decorated function takes the arguments of a call, and returns the id of
    its record; nothing is run or stored.

    The errors are those of `@idempotent`. The settings' `key` and `fingerprint` do not apply: they
    are for handlers. Inside a decorated handler, the lease is at least what the invocation has
    left. Raises `ConfigurationError` for an invalid option, and for a call inside itself with its
    own key.
    """
    with naming("@idempotent_function"):
        configuration = Configuration.of(options, FunctionOptions)
        decorate = _Decorator(
            name=options.get("name"),
            key=configuration.selector("key", source="arguments"),
            fingerprint=configuration.selector("fingerprint", source="arguments"),
            serializer=_checked_serializer(options.get("serializer")),
            configuration=configuration,
        )
    return decorate if function is None else decorate(function)


class _Decorator(NamedTuple):
    name: str | None
    key: Selector | None
    fingerprint: Selector | None
    serializer: Serializer | None
    configuration: Configuration

    def __call__(self, function: Any) -> Any:
        if isinstance(function, classmethod | staticmethod):  # above ours: swap them
            return type(function)(self(function.__func__))
        with naming("@idempotent_function"):
            calls = self._calls(function)
        return _wrapped(function, calls)

    def _calls(self, function: AnyCallable) -> Calls:
        _check_function(function)
        name = _name_of(function) if self.name is None else self.name
        configuration = self.configuration
        if configuration.settings.disabled:
            return Code(function)
        if configuration.store is None:
            return Code(refused)
        with naming(name):
            if configuration.options.get("redact") is None and configuration.settings.redact:
                raise ConfigurationError(
                    "the construct's redact is for the handler's answer; pass redact=... for this "
                    "function's result (lambda result: result keeps all of it)"
                )
            parameters, results = Parameters(function), Results(name, function, self.serializer)
            if configuration.settings.store_response:
                results.prepare(last=False)
            if self.key is None and parameters.are_none:
                raise ConfigurationError(
                    "it takes no arguments, and all the arguments are the key; pass a key, such "
                    "as key=lambda _: today()"
                )
        configuration.register(function)
        return ProtectedCalls(
            name=name,
            code=Code(function),
            parameters=parameters,
            rule=ArgumentsRule(configuration.namespace, name, self.key, self.fingerprint),
            results=results,
            operation=configuration.operation(),
            on_orphan=configuration.on_orphan,
        )


def _wrapped(function: AnyCallable, calls: Calls) -> AnyCallable:
    wrapper: AnyCallable
    if is_async(function):

        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await calls.call_async(args, kwargs)

    else:

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return calls.call(args, kwargs)

    update_wrapper(wrapper, function)
    setattr(wrapper, "record_id", lambda *args, **kwargs: calls.record_id(args, kwargs))  # noqa: B010
    return wrapper


def _check_function(function: object) -> None:
    if not callable(function) or isinstance(function, type):
        what = "a class" if isinstance(function, type) else f"a {type(function).__name__}"
        raise ConfigurationError(f"applied to {what}; expected a function, sync or async")
    check_no_generator(function)


def _name_of(function: AnyCallable) -> str:
    name = getattr(function, "__name__", "<lambda>")
    if name == "<lambda>":
        kind = "lambda" if isinstance(function, FunctionType) else type(function).__name__
        raise ConfigurationError(
            f"applied to a {kind}, which has no name that its records could have; pass name=..."
        )
    if surroundings := dict.fromkeys(captured(function)):
        raise ConfigurationError(
            f"applied to {name}, which has {', '.join(surroundings)} from around it: two such "
            "functions would share their records. Pass name=..., another one for each of them"
        )
    return str(name)


def _checked_serializer(serializer: object) -> Serializer | None:
    if serializer is None:
        return None
    if isinstance(serializer, tuple) and len(serializer) == 2 and all(map(callable, serializer)):
        return serializer
    raise ConfigurationError(
        f"serializer is {serializer!r}; expected a pair of callables, from a result to a JSON "
        "value and back"
    )
