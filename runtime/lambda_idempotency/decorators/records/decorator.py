"""`@idempotent_records`: each record of a batch takes effect once."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from inspect import signature
from typing import Any, TypeAlias, overload

from ...contract.settings import OnInProgress, OnMissingKey, Settings
from ...errors import ConfigurationError
from ...execution.orphans import OnOrphan, checked
from ...identity.keys import Expression, Selector
from ...protocol.record import Store
from ...stores.memory import MemoryStore
from ..callables import is_async
from ..handler import MARK
from ..handlers import Handler, SyncHandler
from ..options import NO_STORE, Duration, namespace_of, operation_of, settings_with, store_of
from .calls import RecordHandling, RecordRule, RecordRunner, SyncRecords

BatchHandler: TypeAlias = Callable[..., dict[str, Any]]
"""Takes an event and a context, and returns `{"batchItemFailures": [...]}`."""

_Caller: TypeAlias = Callable[[RecordRunner, Any, Any], dict[str, Any]]


@overload
def idempotent_records(handler: Handler, /) -> BatchHandler: ...
@overload
def idempotent_records(
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
    namespace: str | None = None,
    store: Store | None = None,
) -> Callable[[Handler], BatchHandler]: ...
def idempotent_records(
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
    namespace: str | None = None,
    store: Store | None = None,
) -> Any:
    """Makes the handling of a record, `handler(record, context)`, sync or async, take effect once
    per record of SQS, Kinesis and DynamoDB Streams, and a Lambda handler of it.

    The Lambda handler runs the records of its batch in order and returns those that have failed,
    so that they alone are delivered again: the event source mapping must have
    ReportBatchItemFailures. A record that raises has failed; so has one whose key is missing, is
    parked, belongs to other data or to an attempt in progress, or whose store cannot be reached.
    SQS FIFO returns the rest of its message group, Kinesis and DynamoDB Streams the rest of the
    batch. What is returned has not run. Each failure is logged.

    `key` and `fingerprint` are JMESPath or callables over the record, with the body of SQS and the
    data of Kinesis decoded. Without a `key`, a record is what its source identifies, and its data
    are the fingerprint. `on_orphan` is given the record. The other options are as for
    `@idempotent`.

    Raises `ConfigurationError` where it is applied, and for an event that is no such batch. An
    exception that is no `Exception`, such as SystemExit, ends the batch.
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
            namespace=namespace,
        )
        call = _caller(settings, store, key, fingerprint, checked(on_orphan))
    except ConfigurationError as error:
        raise ConfigurationError(f"@idempotent_records: {error}") from None

    def decorate(handler: Handler) -> BatchHandler:
        _check_handler(handler)
        return _wrap(call, handler)

    return decorate if handler is None else decorate(handler)


def _wrap(call: _Caller, handler: Handler) -> BatchHandler:
    runner = _runner(handler)

    def wrapper(event: Any, context: Any = None) -> dict[str, Any]:
        return call(runner, event, context)

    update_wrapper(wrapper, handler)
    del wrapper.__wrapped__  # type: ignore[attr-defined]  # it takes records, and may be async
    setattr(wrapper, MARK, True)
    return wrapper


def _runner(handler: Handler) -> RecordRunner:
    if not is_async(handler):
        return SyncRecords(SyncHandler(handler))
    from ..async_handlers import AsyncHandler  # asyncio is imported by those who use it
    from .async_calls import AsyncRecords

    return AsyncRecords(AsyncHandler(handler))


def _caller(
    settings: Settings,
    store: Store | None,
    key: Expression | None,
    fingerprint: Expression | None,
    on_orphan: OnOrphan | None,
) -> _Caller:
    """What stands between the batches and the handler."""
    if settings.disabled:
        return RecordHandling(None, operation_of(settings, MemoryStore())).call
    found = store_of(settings, store)
    if found is None:
        return _refuse
    rule = RecordRule(
        namespace=namespace_of(settings, found),
        key=_selector("key", key, settings.key),
        fingerprint=_selector("fingerprint", fingerprint, settings.fingerprint),
    )
    return RecordHandling(rule, operation_of(settings, found, on_orphan=on_orphan)).call


def _selector(name: str, option: Expression | None, setting: str | None) -> Selector | None:
    expression = setting if option is None else option
    return None if expression is None else Selector(name, expression, source="record")


def _check_handler(handler: object) -> None:
    if not callable(handler):
        what = f"a {type(handler).__name__}"
    else:
        try:
            signature(handler).bind(None, None)
        except TypeError:
            what = f"{getattr(handler, '__name__', type(handler).__name__)}, which takes others"
        except ValueError:  # it does not tell what it takes
            return
        else:
            return
    raise ConfigurationError(
        f"@idempotent_records was applied to {what}; expected a function of a record and a context"
    )


def _refuse(*_: Any) -> Any:
    raise ConfigurationError(f"@idempotent_records: {NO_STORE}")
