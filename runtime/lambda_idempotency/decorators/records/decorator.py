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


class RecordOptions(DecoratorOptions, total=False):
    """The options of `@idempotent_records`."""

    report_batch_item_failures: bool
    """False: the event source mapping ignores which records have failed, so raise `BatchError` if
    any has, and get the whole batch again. Default: True. Sources without a response always get
    the error."""


@overload
def idempotent_records(handler: Handler, /) -> BatchHandler: ...
@overload
def idempotent_records(
    **options: Unpack[RecordOptions],
) -> Callable[[Handler], BatchHandler]: ...
def idempotent_records(handler: Handler | None = None, /, **options: Unpack[RecordOptions]) -> Any:
    """Make a Lambda handler from `handler(record, context)`, sync or async. Each record of a queue,
    a stream or a broker takes effect once, behind an event source mapping or a pipe.

    The Lambda handler runs the records of its batch in order and returns the failed ones, so that
    only they are delivered again: the event source mapping must have ReportBatchItemFailures. A
    record fails if the handler raises; if its key is missing, is parked, belongs to other data or
    to an attempt in progress; or if the store cannot be reached. After a failure, the rest of the
    message group (SQS FIFO), of the partition (Kafka) or of the batch (streams) is returned, too,
    without having run. Each failure is logged. For a source that reads no response, the Lambda
    handler raises `BatchError` instead, after the last record: the whole batch comes again, and the
    records that are done do not run again.

    `key` and `fingerprint` are JMESPath or callables over the record, with its texts decoded.
    Without a `key`, the source's identifier is the key, and the record's data are the fingerprint;
    RabbitMQ has none and needs a `key`. `on_orphan` gets the record. `RecordOptions` describes each
    option.

    Raises `ConfigurationError` when it is applied, and for an event that is not such a batch. An
    exception that is not an `Exception`, such as SystemExit, ends the batch.
    """
    with naming("@idempotent_records"):
        respond = _responder(Configuration.of(options, RecordOptions))

    def decorate(handler: Handler) -> BatchHandler:
        _check_handler(handler)
        return _wrap(respond, handler)

    return decorate if handler is None else decorate(handler)


def _wrap(respond: _Responder, handler: Handler) -> BatchHandler:
    runner, code = runner_and_code(handler)

    def wrapper(event: Any, context: Any = None) -> dict[str, Any]:
        return respond(runner, lambda record: code(record, context), event, time_left_of(context))

    update_wrapper(wrapper, handler)
    del wrapper.__wrapped__  # type: ignore[attr-defined]  # it takes records, not batches; may be async
    setattr(wrapper, MARK, True)
    return wrapper


def _responder(configuration: Configuration) -> _Responder:
    """Return the function that stands between the batches and the handler."""
    settings = configuration.settings
    responds = configuration.options.get("report_batch_item_failures", True) is not False
    if settings.disabled:
        return Records(rule=None, operation=None, on_orphan=None, responds=responds).respond
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
        responds=responds,
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
