"""`@idempotent`: resolves options and settings once, where it is applied."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import update_wrapper
from inspect import iscoroutinefunction
from types import EllipsisType
from typing import Any, Final, TypeAlias, overload

from .contract import (
    HttpOptions,
    OnInProgress,
    OnMissingKey,
    ProfileName,
    Settings,
    http_option,
)
from .errors import ConfigurationError
from .keys import Expression, KeyRule, Selector
from .operation import Handler, Operation, run_unprotected
from .record import Store
from .stores.dynamodb import DynamoDBStore
from .stores.memory import MemoryStore

Caller: TypeAlias = Callable[[Handler, Any, Any], Any]

Duration: TypeAlias = float | timedelta
"""Seconds, or a timedelta."""

Http: TypeAlias = ProfileName | HttpOptions | EllipsisType | None
"""A profile, options, None (HTTP mode is off), or `...`: as the settings say."""

MARK: Final = "__idempotent__"
"""The attribute of a decorated handler; decorators above it copy it with the rest."""


@overload
def idempotent(handler: Handler, /) -> Handler: ...
@overload
def idempotent(
    *,
    key: Expression | None = None,
    fingerprint: Expression | None = None,
    expires_after: Duration | None = None,
    lease: Duration | None = None,
    on_in_progress: OnInProgress | None = None,
    wait_timeout: Duration | None = None,
    max_attempts: int | None = None,
    on_missing_key: OnMissingKey | None = None,
    fail_open: bool | None = None,
    http: Http = ...,
    namespace: str | None = None,
    store: Store | None = None,
) -> Callable[[Handler], Handler]: ...
def idempotent(
    handler: Handler | None = None,
    /,
    *,
    key: Expression | None = None,
    fingerprint: Expression | None = None,
    expires_after: Duration | None = None,
    lease: Duration | None = None,
    on_in_progress: OnInProgress | None = None,
    wait_timeout: Duration | None = None,
    max_attempts: int | None = None,
    on_missing_key: OnMissingKey | None = None,
    fail_open: bool | None = None,
    http: Http = ...,
    namespace: str | None = None,
    store: Store | None = None,
) -> Any:
    """Makes a Lambda handler take effect once per request; duplicates get the first answer.

    `key` and `fingerprint` are JMESPath or callables over the event with its JSON texts decoded;
    without them an HTTP request has its Idempotency-Key header as the key and its body and query
    as the fingerprint, and any other payload is the key itself. `http` is a profile ("ietf",
    "stripe", "accepted"), `HttpOptions`, or None: HTTP events are as any other. Durations are
    seconds or a timedelta: `expires_after` (answers are kept, 24 hours), `lease` (an attempt may
    hold its key; never less than the invocation has left), `wait_timeout` (half of the time left).
    An option that is not given comes from the settings (read once, here), then from the defaults.

    The handler raises what it raised; the wrapper raises `InProgressError`,
    `FingerprintMismatchError`, `MissingKeyError`, `ParkedError` or `StoreError`, each before
    anything ran, and `ResponseUnavailableError`; in HTTP mode these are responses. Raises
    `ConfigurationError` where it is applied.
    """
    options: dict[str, Any] = {
        "expires_after": _seconds(expires_after),
        "lease": _seconds(lease),
        "on_in_progress": on_in_progress,
        "wait_timeout": _seconds(wait_timeout),
        "max_attempts": max_attempts,
        "on_missing_key": on_missing_key,
        "fail_open": fail_open,
        "namespace": namespace,
    }
    given = {name: value for name, value in options.items() if value is not None}
    try:
        if http is not ...:
            given["http"] = http_option(http)
        settings = Settings.from_environment(os.environ).overridden(**given)
        call = _caller(settings, store, key, fingerprint)
    except ConfigurationError as error:
        raise ConfigurationError(f"@idempotent: {error}") from None

    def decorate(handler: Handler) -> Handler:
        if not callable(handler):
            raise ConfigurationError(
                f"@idempotent was applied to a {type(handler).__name__}; expected a handler, "
                "a function of an event and a context"
            )
        return _wrap(call, handler)

    return decorate if handler is None else decorate(handler)


def _wrap(call: Caller, handler: Handler) -> Handler:
    is_async = iscoroutinefunction(handler) or iscoroutinefunction(type(handler).__call__)
    function = _synchronous(handler) if is_async else handler

    def wrapper(event: Any, context: Any = None) -> Any:
        return call(function, event, context)

    update_wrapper(wrapper, handler)
    if function is not handler:
        del wrapper.__wrapped__  # type: ignore[attr-defined]  # else it would pass for async
    setattr(wrapper, MARK, True)
    return wrapper


def _caller(
    settings: Settings,
    store: Store | None,
    key: Expression | None,
    fingerprint: Expression | None,
) -> Caller:
    """What stands between the caller and the handler."""
    if settings.disabled:
        return run_unprotected
    store = _store(settings) if store is None else _checked(store)
    if store is None:
        if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
            raise ConfigurationError(_NO_STORE)
        return _refuse  # at the first call: a unit test may import the handler all the same
    operation = Operation(
        rule=KeyRule(
            namespace=_namespace(settings, store),
            key=_selector("key", key, settings.key),
            fingerprint=_selector("fingerprint", fingerprint, settings.fingerprint),
        ),
        store=store,
        expires_after=_milliseconds(settings.expires_after),
        lease=None if settings.lease is None else _milliseconds(settings.lease),
        wait=settings.on_in_progress == "wait",
        wait_timeout=(
            None if settings.wait_timeout is None else _milliseconds(settings.wait_timeout)
        ),
        max_attempts=settings.max_attempts,
        bypass_missing_key=settings.on_missing_key == "bypass",
        fail_open=settings.fail_open,
        http=settings.http,
    )
    if settings.http not in (None, HttpOptions()):
        from .http import mode  # HTTP is expected: load it while the environment starts

        mode.mode_of(settings.http)
    return operation.call


def _selector(name: str, option: Expression | None, setting: str | None) -> Selector | None:
    expression = setting if option is None else option
    return None if expression is None else Selector(name, expression)


def _store(settings: Settings) -> Store | None:
    if settings.store == "memory":
        return MemoryStore()
    if settings.store == "redis":
        return None if settings.parameter is None else _redis_store(settings)
    if settings.table is None:
        return None
    return DynamoDBStore(settings.table, url_suffix=settings.url_suffix)


def _redis_store(settings: Settings) -> Store:
    try:
        from .redis_access.client import RedisClient
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"store is 'redis', and {error.name} is not installed: pip install "
            "'cdk-idempotency[redis]', or use the layer of Idempotency.attach()"
        ) from None
    from .stores.redis import RedisStore

    assert settings.parameter is not None
    return RedisStore(RedisClient(settings.parameter, url_suffix=settings.url_suffix))


def _checked(store: Store) -> Store:
    members = ("claim", "complete", "release", "read", "max_data")
    if missing := [name for name in members if not hasattr(store, name)]:
        raise ConfigurationError(
            f"store is a {type(store).__name__} without {', '.join(missing)}; expected "
            "DynamoDBStore(...), RedisStore(...), MemoryStore() or another Store"
        )
    return store


def _namespace(settings: Settings, store: Store) -> str:
    if settings.namespace is not None:
        return settings.namespace
    if isinstance(store, MemoryStore):
        return "local"
    raise ConfigurationError(
        "namespace is missing, and functions that share a store must not share records. "
        "Idempotency.attach() sets it; without the construct pass namespace=..."
    )


def _refuse(*_: Any) -> Any:
    raise ConfigurationError(f"@idempotent: {_NO_STORE}")


_NO_STORE: Final = (
    "no store is configured. Attach the function with Idempotency.attach(), pass "
    "store=DynamoDBStore(...) or RedisStore(...), or set IDEMPOTENCY_STORE=memory in unit tests."
)


def _synchronous(handler: Callable[[Any, Any], Any]) -> Handler:
    """An async handler on one long-lived event loop: Lambda does not await handlers."""
    import asyncio
    import weakref
    from contextvars import copy_context

    runner = asyncio.Runner()

    def function(event: Any, context: Any) -> Any:
        return runner.run(handler(event, context), context=copy_context())

    def close() -> None:
        if not runner.get_loop().is_closed():
            runner.close()

    weakref.finalize(function, close)
    return function


def _seconds(duration: Duration | None) -> float | None:
    return duration.total_seconds() if isinstance(duration, timedelta) else duration


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
