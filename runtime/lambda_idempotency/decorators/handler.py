"""`@idempotent`: resolves options and settings once, where it is applied."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from types import EllipsisType
from typing import Any, Final, TypeAlias, overload

from ..contract.http import HttpOptions, ProfileName, http_option
from ..contract.settings import OnInProgress, OnMissingKey, Settings
from ..errors import ConfigurationError
from ..execution.orphans import OnOrphan, checked
from ..execution.replays import OnReplay
from ..identity.keys import Expression, KeyRule, Selector
from ..protocol.record import Store
from .callables import is_async
from .handlers import Handler, Handling, Runnable, SyncHandler, run_unprotected
from .options import NO_STORE, Duration, namespace_of, operation_of, settings_with, store_of

Caller: TypeAlias = Callable[[Runnable, Any, Any], Any]

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
    on_orphan: OnOrphan | None = None,
    on_missing_key: OnMissingKey | None = None,
    fail_open: bool | None = None,
    cache_size: int | None = None,
    on_replay: OnReplay | None = None,
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
    on_orphan: OnOrphan | None = None,
    on_missing_key: OnMissingKey | None = None,
    fail_open: bool | None = None,
    cache_size: int | None = None,
    on_replay: OnReplay | None = None,
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
    `cache_size`: how many completed records are kept in the process, so that replays ask no store
    (0). `on_replay` is called with the response about to be replayed and its `Replay`; what it
    returns is replayed instead, unless it is None, and what it raises the caller gets.
    An option that is not given comes from the settings (read once, here), then from the defaults.

    The handler raises what it raised; the wrapper raises `InProgressError`,
    `FingerprintMismatchError`, `MissingKeyError`, `ParkedError` or `StoreError`, each before
    anything ran, and `ResponseUnavailableError`; in HTTP mode these are responses. Raises
    `ConfigurationError` where it is applied.
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
        if http is not ...:
            settings = settings.overridden(http=http_option(http))
        call = _caller(
            settings, store, key, fingerprint, on_orphan=checked(on_orphan), on_replay=on_replay
        )
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
    runnable = _runnable(handler)

    def wrapper(event: Any, context: Any = None) -> Any:
        return call(runnable, event, context)

    update_wrapper(wrapper, handler)
    if not isinstance(runnable, SyncHandler):
        del wrapper.__wrapped__  # type: ignore[attr-defined]  # else it would pass for async
    setattr(wrapper, MARK, True)
    return wrapper


def _runnable(handler: Handler) -> Runnable:
    if not is_async(handler):
        return SyncHandler(handler)
    from .async_handlers import AsyncHandler  # asyncio is imported by those who use it

    return AsyncHandler(handler)


def _caller(
    settings: Settings,
    store: Store | None,
    key: Expression | None,
    fingerprint: Expression | None,
    *,
    on_orphan: OnOrphan | None,
    on_replay: OnReplay | None,
) -> Caller:
    """What stands between the caller and the handler."""
    if settings.disabled:
        return run_unprotected
    found = store_of(settings, store)
    if found is None:
        return _refuse
    rule = KeyRule(
        namespace=namespace_of(settings, found),
        key=_selector("key", key, settings.key),
        fingerprint=_selector("fingerprint", fingerprint, settings.fingerprint),
    )
    if settings.http not in (None, HttpOptions()):
        from ..http import mode  # HTTP is expected: load it while the environment starts

        mode.mode_of(settings.http)
    operation = operation_of(settings, found, on_orphan=on_orphan, on_replay=on_replay)
    return Handling(rule, operation, settings.http).call


def _selector(name: str, option: Expression | None, setting: str | None) -> Selector | None:
    expression = setting if option is None else option
    return None if expression is None else Selector(name, expression)


def _refuse(*_: Any) -> Any:
    raise ConfigurationError(f"@idempotent: {NO_STORE}")
