"""`@idempotent`: a Lambda handler takes effect once per request."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Final, NoReturn, Protocol, TypeAlias, Unpack, overload

from ..contract.http import DEFAULT, HttpOptions
from ..errors import ConfigurationError
from ..execution.durable.forms import form_of
from ..execution.hooks import OnOrphan
from ..execution.invocation import Invocation
from ..execution.invocation_scope import (
    InvocationScope,
    invocation_tenant,
    invocation_time_left,
)
from ..execution.operation import Operation
from ..execution.outcomes import result_of
from ..execution.runner import Runner, SyncRunner
from ..execution.target import Target
from ..identity.events import as_json, http_shape, is_parsed
from ..identity.fingerprints import KnownFingerprints
from ..identity.keys import Identity, KeyRule
from ..identity.scope import message_scope
from ..identity.sources import batch_source
from ..metrics.reporting import MetricsScope
from ..response import serialization
from ..tuples import NamedTuple
from .callables import MARK, check_handler, check_no_generator, is_async
from .options import DISABLED, Configuration, Duration, Http, ReplayOptions, naming
from .resources import NO_STORE

Handler: TypeAlias = Callable[[Any, Any], Any]
"""Takes an event and a context."""


class IdempotentHandler(Protocol):
    """A decorated handler."""

    __name__: str

    def __call__(self, event: Any, context: Any = None, /) -> Any:
        """Run the handler, or answer in its place."""
        ...

    def record_id(self, event: Any, context: Any = None) -> str:
        """Return the id of the record that a call with this event has. Nothing is run or stored.

        Raises `MissingKeyError` for an event without a record, and `ConfigurationError`.
        """
        ...


class HandlerOptions(ReplayOptions, total=False):
    """The options of `@idempotent`."""

    http: Http
    """The answers to HTTP requests: a profile ("ietf", "stripe", "accepted") or `HttpOptions`.
    None: handle them like any other event."""
    execution_timeout: Duration | None
    """The timeout of the function's durable executions, which may hold a key for so long. Default:
    as the construct says."""


@overload
def idempotent(handler: Handler, /) -> IdempotentHandler: ...
@overload
def idempotent(**options: Unpack[HandlerOptions]) -> Callable[[Handler], IdempotentHandler]: ...
def idempotent(handler: Handler | None = None, /, **options: Unpack[HandlerOptions]) -> Any:
    """Make a Lambda handler take effect once per request; duplicates get the first answer.

    `key` and `fingerprint` are JMESPath or callables over the event with its JSON texts decoded.
    Without them, the key of an HTTP request is its Idempotency-Key header, and its fingerprint is
    its body and query; the key of an AWS service's event is the id that its source gives it
    (docs/keys.md); any other payload is itself the key. Durations are seconds or a timedelta.
    `HandlerOptions` describes each option. An event that a decorator above ours has parsed is read
    as the JSON that it stands for; callables and the handler get it as it is.

    What the handler raises reaches the caller. The wrapper raises `InProgressError`,
    `FingerprintMismatchError`, `MissingKeyError`, `ParkedError` or `StoreError`, each before
    anything ran, and `ResponseUnavailableError`; in HTTP mode these are responses. Applying the
    decorator raises `ConfigurationError` if an option is invalid, and so does an event whose source
    gives it no id, or needs an answer of its own each time, if there is no `key`.
    """
    with naming("@idempotent"):
        configuration = Configuration.of(options, HandlerOptions)
        responder = _responder(configuration)

    def decorate(handler: Handler) -> IdempotentHandler:
        if not callable(handler):
            raise ConfigurationError(
                f"@idempotent was applied to a {type(handler).__name__}; expected a handler, "
                "a function of an event and a context"
            )
        with naming("@idempotent"):
            registered = responder(handler)
        return _wrap(registered, handler, configuration.on_orphan)

    return decorate if handler is None else decorate(handler)


class _Responder(Protocol):
    """The object between the callers and the handler."""

    def respond(self, runner: Runner, target: Target, event: Any) -> Any: ...

    def record_id(self, runner: Runner, target: Target, event: Any) -> str: ...

    def identity(self, runner: Runner, target: Target, event: Any) -> Identity: ...

    @property
    def operation(self) -> Operation | None:
        """The operation that protects the calls; None: nothing is protected."""
        ...


def _wrap(responder: _Responder, handler: Handler, on_orphan: OnOrphan | None) -> IdempotentHandler:
    runner = runner_of(handler, "@idempotent")

    def target(event: Any, context: Any) -> Target:
        return Target(
            "@idempotent",
            lambda: handler(event, context),
            serialization.to_stored,
            None if on_orphan is None else lambda: on_orphan(event),
            invocation_time_left(),
            lambda: event,
        )

    def wrapper(event: Any, context: Any = None) -> Any:
        if (form := form_of(event, context)) is not None:
            from .durable import Function  # few functions are durable

            return Function(responder, runner, target).respond(form, event, context)
        with InvocationScope(context):
            return responder.respond(runner, target(event, context), event)

    def record_id(event: Any, context: Any = None) -> str:
        if form_of(event, context) == "outside":
            from ..execution.durable.envelope import opened

            event = opened(event).input
        with InvocationScope(getattr(context, "lambda_context", context)):
            return responder.record_id(runner, target(event, context), event)

    update_wrapper(wrapper, handler)
    if is_async(handler):  # `__wrapped__` would make the wrapper look async, too
        del wrapper.__wrapped__  # type: ignore[attr-defined]
    setattr(wrapper, MARK, True)
    wrapper.record_id = record_id  # type: ignore[attr-defined]
    return wrapper  # type: ignore[return-value]


def _responder(configuration: Configuration) -> Callable[[Handler], _Responder]:
    """Return the maker of the object that stands between the caller and a handler."""
    settings = configuration.settings
    if settings.disabled:
        return lambda _: _Disabled()
    if configuration.store is None:
        return lambda _: _Refusal()
    if settings.http is not None and settings.http != DEFAULT:
        from ..http import exchange  # HTTP is expected: load it while the environment starts

        exchange.prepare(settings.http)
    key = configuration.selector("key", source="event", default=settings.key)
    fingerprint = configuration.selector(
        "fingerprint", source="event", default=settings.fingerprint
    )
    operation = configuration.operation()

    def protection(handler: Handler) -> _Protection:
        name = configuration.register(handler)
        rule = KeyRule(configuration.namespace, name, key, fingerprint, KnownFingerprints())
        return _Protection(rule, operation, settings.http)

    return protection


class _Protection(NamedTuple):
    """The rules that identify the events of one handler, and answer them."""

    rule: KeyRule
    operation: Operation
    http: HttpOptions | None

    def respond(self, runner: Runner, target: Target, event: Any) -> Any:
        """Run the handler, or answer in its place."""
        with MetricsScope(self.operation.metrics):
            invocation = Invocation(self.operation, runner, target)
            return self._respond(invocation, event)

    def _respond(self, invocation: Invocation, event: Any) -> Any:
        seen, rule = self._read(event)
        if self.http is not None and (shape := http_shape(seen)) is not None:
            from ..http import exchange  # only where there is HTTP to serve

            return exchange.exchange_of(self.http, shape, seen, rule, invocation).respond()
        identity = self.operation.identify(lambda: self._identified(seen, rule))
        if identity is None:
            return invocation.run_unprotected()
        return result_of(invocation.call(identity), self.operation.restored)

    def record_id(self, runner: Runner, target: Target, event: Any) -> str:
        """Return the id of the record of an event."""
        return self.identity(runner, target, event).key

    def identity(self, runner: Runner, target: Target, event: Any) -> Identity:
        """Return the identity of an event. Raises `MissingKeyError`."""
        seen, rule = self._read(event)
        if self.http is not None and (shape := http_shape(seen)) is not None:
            from ..http import exchange

            invocation = Invocation(self.operation, runner, target)
            return exchange.exchange_of(self.http, shape, seen, rule, invocation).identity()
        return self._identified(seen, rule)

    def _read(self, event: Any) -> tuple[Any, KeyRule]:
        """Return the JSON of an event, and the rule for it."""
        seen = event
        is_delivered = type(event) is dict  # as Lambda delivers almost all: nothing to be read
        if not is_delivered:
            with naming("@idempotent"):
                seen = as_json(event)
        if (source := batch_source(seen)) is not None:
            raise ConfigurationError(
                f"@idempotent was given a batch of {source} records. A redelivered batch is never "
                "the same payload; make the handling of each record idempotent with "
                "@idempotent_records instead."
            )
        if not is_delivered and is_parsed(event):
            with naming("@idempotent"):
                self._check_parsed(event, seen)
        return seen, self.rule if seen is event else self.rule.reading(event)

    def _check_parsed(self, event: Any, seen: Any) -> None:
        """Raise `ConfigurationError` if the parsed event may stand for several requests."""
        from ..identity import parsed  # few events are

        shape = http_shape(seen)
        if self.http is not None or shape is None:
            parsed.check_request(event, seen, shape)
        if self.rule.key is None and (self.http is None or shape is None):
            parsed.check_known(event, seen)

    def _identified(self, seen: Any, rule: KeyRule) -> Identity:
        """Return the identity of an event that is no HTTP request. Raises `MissingKeyError`."""
        http = DEFAULT if self.http is None else self.http
        tenant = invocation_tenant()
        scope = message_scope(seen, tenant, api=http.api_scope, claim=http.principal_claim)
        return rule.identify(seen, scope=scope)


class _Disabled:
    """Protects nothing."""

    operation: Final = None

    def respond(self, runner: Runner, target: Target, _: Any) -> Any:
        """Run the handler."""
        return runner.run_unprotected(target)

    def record_id(self, *_: Any) -> NoReturn:
        """Raise `ConfigurationError`."""
        raise ConfigurationError(f"@idempotent: {DISABLED}")

    identity = record_id


class _Refusal:
    """Stands in where there is no store, so that a unit test can still import the code."""

    operation: Final = None

    def respond(self, *_: Any) -> NoReturn:
        """Raise `ConfigurationError`."""
        raise ConfigurationError(f"@idempotent: {NO_STORE}")

    record_id = identity = respond


def runner_of(handler: Handler, decorator: str) -> Runner:
    """Return the runner of a handler. Raises `ConfigurationError` for a generator."""
    with naming(decorator):
        check_handler(handler)
        check_no_generator(handler)
    if is_async(handler):
        from ..execution.loop_runner import LoopRunner  # only these pay for asyncio

        return LoopRunner()
    return SyncRunner()
