"""`@idempotent_records`: each record of a batch takes effect once."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from inspect import signature
from typing import Any, TypeAlias, Unpack, overload

from ...errors import ConfigurationError
from ...execution.attempt import TimeLeft
from ...execution.runner import Runner
from ...identity.records import RecordRule
from ..handler import MARK, Handler, runner_and_code, time_left_of
from ..options import NO_STORE, Configuration, DecoratorOptions, naming
from .calls import RecordCode, Records

BatchHandler: TypeAlias = Callable[..., dict[str, Any]]
"""Takes an event and a context, and returns `{"batchItemFailures": [...]}`."""

_Responder: TypeAlias = Callable[[Runner, RecordCode, Any, TimeLeft | None], dict[str, Any]]


@overload
def idempotent_records(handler: Handler, /) -> BatchHandler: ...
@overload
def idempotent_records(
    **options: Unpack[DecoratorOptions],
) -> Callable[[Handler], BatchHandler]: ...
def idempotent_records(
    handler: Handler | None = None, /, **options: Unpack[DecoratorOptions]
) -> Any:
    """Make a Lambda handler from `handler(record, context)`, sync or async. Each record of SQS,
    Kinesis and DynamoDB Streams takes effect once.

    The Lambda handler runs the records of its batch in order and returns the failed ones, so that
    only they are delivered again: the event source mapping must have ReportBatchItemFailures. A
    record fails if the handler raises; if its key is missing, is parked, belongs to other data or
    to an attempt in progress; or if the store cannot be reached. After a failure, the rest of the
    message group (SQS FIFO) or of the batch (Kinesis, DynamoDB Streams) is returned, too, without
    having run. Each failure is logged.

    `key` and `fingerprint` are JMESPath or callables over the record, with the body of SQS and the
    data of Kinesis decoded. Without a `key`, the source's identifier is the key, and the record's
    data are the fingerprint. `on_orphan` gets the record. `DecoratorOptions` describes each option.

    Raises `ConfigurationError` when it is applied, and for an event that is not such a batch. An
    exception that is not an `Exception`, such as SystemExit, ends the batch.
    """
    with naming("@idempotent_records"):
        respond = _responder(Configuration.of(options, DecoratorOptions))

    def decorate(handler: Handler) -> BatchHandler:
        _check_handler(handler)
        return _wrap(respond, handler)

    return decorate if handler is None else decorate(handler)


def _wrap(respond: _Responder, handler: Handler) -> BatchHandler:
    runner, code = runner_and_code(handler, "@idempotent_records")

    def wrapper(event: Any, context: Any = None) -> dict[str, Any]:
        return respond(runner, lambda record: code(record, context), event, time_left_of(context))

    update_wrapper(wrapper, handler)
    del wrapper.__wrapped__  # type: ignore[attr-defined]  # it takes records, not batches; may be async
    setattr(wrapper, MARK, True)
    return wrapper


def _responder(configuration: Configuration) -> _Responder:
    """Return the function that stands between the batches and the handler."""
    settings = configuration.settings
    if settings.disabled:
        return Records(rule=None, operation=None, on_orphan=None).respond
    if configuration.store is None:
        return _refuse
    return Records(
        rule=RecordRule(
            namespace=configuration.namespace,
            key=configuration.selector("key", source="record", default=settings.key),
            fingerprint=configuration.selector(
                "fingerprint", source="record", default=settings.fingerprint
            ),
        ),
        operation=configuration.operation(),
        on_orphan=configuration.on_orphan,
    ).respond


def _check_handler(handler: object) -> None:
    if not callable(handler):
        what = f"a {type(handler).__name__}"
    else:
        try:
            signature(handler).bind(None, None)
        except TypeError:
            what = f"{getattr(handler, '__name__', type(handler).__name__)}, which takes others"
        except ValueError:  # its signature is not known
            return
        else:
            return
    raise ConfigurationError(
        f"@idempotent_records was applied to {what}; expected a function of a record and a context"
    )


def _refuse(*_: Any) -> Any:
    raise ConfigurationError(f"@idempotent_records: {NO_STORE}")
