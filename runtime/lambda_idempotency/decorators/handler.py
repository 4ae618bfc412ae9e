"""`@idempotent`: a Lambda handler takes effect once per request."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Final, NamedTuple, TypeAlias, Unpack, overload

from ..contract.http import HttpOptions
from ..errors import ConfigurationError
from ..execution.attempt import TimeLeft
from ..execution.hooks import OnOrphan
from ..execution.invocation import Invocation
from ..execution.operation import Operation
from ..execution.outcomes import result_of
from ..execution.runner import Runner, SyncRunner
from ..execution.target import Target
from ..identity.events import batch_source, http_shape
from ..identity.keys import KeyRule
from ..metrics.reporting import MetricsScope
from ..response import serialization
from .callables import check_no_generator, finished, is_async
from .options import NO_STORE, Configuration, Http, ReplayOptions, naming

Handler: TypeAlias = Callable[[Any, Any], Any]
"""Takes an event and a context."""

MARK: Final = "__idempotent__"
"""The attribute that marks a decorated handler. Decorators above it copy it, too."""


class HandlerOptions(ReplayOptions, total=False):
    """The options of `@idempotent`."""

    http: Http
    """The answers to HTTP requests: a profile ("ietf", "stripe", "accepted") or `HttpOptions`.
    None: handle them like any other event."""


@overload
def idempotent(handler: Handler, /) -> Handler: ...
@overload
def idempotent(**options: Unpack[HandlerOptions]) -> Callable[[Handler], Handler]: ...
def idempotent(handler: Handler | None = None, /, **options: Unpack[HandlerOptions]) -> Any:
    """Make a Lambda handler take effect once per request; duplicates get the first answer.

    `key` and `fingerprint` are JMESPath or callables over the event with its JSON texts decoded.
    Without them, the key of an HTTP request is its Idempotency-Key header, and its fingerprint is
    its body and query; any other payload is itself the key. Durations are seconds or a timedelta.
    `HandlerOptions` describes each option.

    What the handler raises reaches the caller. The wrapper raises `InProgressError`,
    `FingerprintMismatchError`, `MissingKeyError`, `ParkedError` or `StoreError`, each before
    anything ran, and `ResponseUnavailableError`; in HTTP mode these are responses. Applying the
    decorator raises `ConfigurationError` if an option is invalid.
    """
    with naming("@idempotent"):
        configuration = Configuration.of(options, HandlerOptions)
        respond = _responder(configuration)

    def decorate(handler: Handler) -> Handler:
        if not callable(handler):
            raise ConfigurationError(
                f"@idempotent was applied to a {type(handler).__name__}; expected a handler, "
                "a function of an event and a context"
            )
        return _wrap(respond, handler, configuration.on_orphan)

    return decorate if handler is None else decorate(handler)


_Responder: TypeAlias = Callable[[Runner, Target, Any], Any]


def _wrap(respond: _Responder, handler: Handler, on_orphan: OnOrphan | None) -> Handler:
    runner, code = runner_and_code(handler, "@idempotent")

    def wrapper(event: Any, context: Any = None) -> Any:
        target = Target(
            run=lambda: code(event, context),
            record=serialization.to_stored,
            reconcile=None if on_orphan is None else lambda: on_orphan(event),
            time_left=time_left_of(context),
        )
        return respond(runner, target, event)

    update_wrapper(wrapper, handler)
    if is_async(handler):  # `__wrapped__` would make the wrapper look async, too
        del wrapper.__wrapped__  # type: ignore[attr-defined]
    setattr(wrapper, MARK, True)
    return wrapper


def _responder(configuration: Configuration) -> _Responder:
    """Return the function that stands between the caller and the handler."""
    settings = configuration.settings
    if settings.disabled:
        return lambda runner, target, _: runner.run_unprotected(target)
    if configuration.store is None:
        return _refuse
    if settings.http is not None and settings.http != HttpOptions():
        from ..http import exchange  # HTTP is expected: load it while the environment starts

        exchange.prepare(settings.http)
    return _Protection(
        rule=KeyRule(
            namespace=configuration.namespace,
            key=configuration.selector("key", source="event", default=settings.key),
            fingerprint=configuration.selector(
                "fingerprint", source="event", default=settings.fingerprint
            ),
        ),
        operation=configuration.operation(),
        http=settings.http,
    ).respond


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
        if (source := batch_source(event)) is not None:
            raise ConfigurationError(
                f"@idempotent was given a batch of {source} records. A redelivered batch is never "
                "the same payload; make the handling of each record idempotent with "
                "@idempotent_records instead."
            )
        if self.http is not None and (shape := http_shape(event)) is not None:
            from ..http import exchange  # only where there is HTTP to serve

            return exchange.serve(self.http, shape, event, self.rule, invocation)
        identity = self.operation.identify(lambda: self.rule.identify(event))
        if identity is None:
            return invocation.run_unprotected()
        return result_of(invocation.call(identity), self.operation.restored)


def _refuse(*_: Any) -> Any:
    raise ConfigurationError(f"@idempotent: {NO_STORE}")


def runner_and_code(handler: Handler, decorator: str) -> tuple[Runner, Handler]:
    """Return the runner of a handler, and the code to run, which refuses a result that nobody has
    run yet. Raises `ConfigurationError` for a generator."""
    with naming(decorator):
        check_no_generator(handler)
    if is_async(handler):
        from ..execution.loop_runner import LoopRunner  # only these pay for asyncio

        async def awaited(event: Any, context: Any) -> Any:
            return finished(await handler(event, context), decorator)

        return LoopRunner(), awaited
    return SyncRunner(), lambda event, context: finished(handler(event, context), decorator)


def time_left_of(context: Any) -> TimeLeft | None:
    """Return the function that tells the invocation's milliseconds left; None without a context."""
    ask: TimeLeft | None = getattr(context, "get_remaining_time_in_millis", None)
    return ask
