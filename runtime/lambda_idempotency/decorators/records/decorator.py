"""`@idempotent_records`: each record of a batch takes effect once."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from inspect import signature
from typing import Any, NoReturn, Protocol, Unpack, overload

from ...errors import ConfigurationError
from ...execution.durable.forms import form_of
from ...execution.invocation_scope import InvocationScope
from ...execution.runner import Runner
from ...identity.records import RecordRule
from ..callables import MARK
from ..handler import Handler, runner_of
from ..options import Configuration, DecoratorOptions, naming
from ..resources import NO_STORE
from .calls import RecordCode, Records


class BatchHandler(Protocol):
    """A decorated handler."""

    __name__: str

    def __call__(self, event: Any, context: Any = None, /) -> dict[str, Any]:
        """Run the handler for the records of a batch, and return the failed ones."""
        ...

    def record_ids(self, event: Any, context: Any = None, /) -> list[str]:
        """Return the ids that the records of a batch have in the store, in the batch's order.
        Nothing is run or stored.

        Raises `MissingKeyError` for a record without a key, and `ConfigurationError`.
        """
        ...


class _Responder(Protocol):
    """The object between the batches and the handler."""

    def respond(self, runner: Runner, code: RecordCode, event: Any) -> dict[str, Any]: ...

    def record_ids(self, event: Any) -> list[str]: ...


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
        responder = _responder(Configuration.of(options, RecordOptions))

    def decorate(handler: Handler) -> BatchHandler:
        _check_handler(handler)
        with naming("@idempotent_records"):
            registered = responder(handler)
        return _wrap(registered, handler)

    return decorate if handler is None else decorate(handler)


def _wrap(responder: _Responder, handler: Handler) -> BatchHandler:
    runner = runner_of(handler, "@idempotent_records")

    def wrapper(event: Any, context: Any = None) -> dict[str, Any]:
        if form_of(event, context) is not None:
            raise ConfigurationError(
                "@idempotent_records was applied to a durable function, whose records would be "
                "reported before they are done. Let a plain function take the batch, and start an "
                "execution for each record"
            )
        with InvocationScope(context):
            return responder.respond(runner, lambda record: handler(record, context), event)

    def record_ids(event: Any, context: Any = None) -> list[str]:
        with InvocationScope(context):
            return responder.record_ids(event)

    update_wrapper(wrapper, handler)
    del wrapper.__wrapped__  # type: ignore[attr-defined]  # it takes records, not batches; may be async
    setattr(wrapper, MARK, True)
    wrapper.record_ids = record_ids  # type: ignore[attr-defined]
    return wrapper  # type: ignore[return-value]


def _responder(configuration: Configuration) -> Callable[[Handler], _Responder]:
    """Return the maker of the object that stands between the batches and a handler."""
    settings = configuration.settings
    responds = configuration.options.get("report_batch_item_failures", True) is not False
    if settings.disabled:
        return lambda _: Records(rule=None, operation=None, on_orphan=None, responds=responds)
    if configuration.store is None:
        return lambda _: _Refusal()
    key = configuration.selector("key", source="record", default=settings.key)
    fingerprint = configuration.selector(
        "fingerprint", source="record", default=settings.fingerprint
    )
    operation = configuration.operation()

    def records(handler: Handler) -> Records:
        name = configuration.register(handler)
        rule = RecordRule(configuration.namespace, name, key, fingerprint)
        return Records(rule, operation, configuration.on_orphan, responds)

    return records


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


class _Refusal:
    """Stands in where there is no store, so that a unit test can still import the code."""

    def respond(self, *_: Any) -> NoReturn:
        """Raise `ConfigurationError`."""
        raise ConfigurationError(f"@idempotent_records: {NO_STORE}")

    record_ids = respond
