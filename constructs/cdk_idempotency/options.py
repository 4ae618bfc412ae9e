"""The options of attached functions, and their translation into the runtime's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeAlias, TypedDict, get_type_hints

from aws_cdk import Duration, Size, Token

from constructs import IConstruct
from lambda_idempotency.contract.settings import (
    ConfigurationError,
    OnInProgress,
    OnMissingKey,
    Settings,
    check_expression,
    check_kept,
)

from .errors import ConstructError
from .http_profile import HttpProfile

Expression: TypeAlias = Annotated[str, "JMESPath"]
"""JMESPath; the one kind of option that may be a CDK token."""


class IdempotencyOptions(TypedDict, total=False):
    """Options of attached functions: given to `Idempotency` for all, to `attach` for one.

    A prop left out has the default named here. Options in the function's code win.
    """

    key: Expression
    """JMESPath over the event with its JSON texts decoded. Default: the Idempotency-Key header of
    an HTTP request, the id that an AWS service gives its event, otherwise the whole payload."""
    fingerprint: Expression
    """JMESPath over the same event; a key reused with another fingerprint is refused. Default: the
    body and query of an HTTP request, otherwise none."""
    expires_after: Duration
    """The time that answers are kept, at least 1 second. Default: 24 hours."""
    lease: Duration
    """The time that an attempt may hold its key, never less than its invocation has left; a dead
    attempt is taken over when it ends. Default: the function's timeout."""
    heartbeat: bool
    """Renew the lease until the call ends, in a function whose environments serve several
    invocations at once: there nothing stops an attempt at its timeout. Default: if no `lease` is
    given."""
    on_in_progress: OnInProgress
    """A duplicate that meets a running attempt: `raise` InProgressError at once, or `wait` for its
    answer. Default: `raise`."""
    wait_timeout: Duration
    """The time that `wait` waits. Default: half of the time the invocation has left."""
    max_attempts: int
    """Attempts that may die before their key is parked for an operator. Default: no limit."""
    on_missing_key: OnMissingKey
    """An event without a key: `reject` it with MissingKeyError, or `bypass`, run it unprotected.
    Default: `reject`."""
    fail_open: bool
    """Run unprotected while the store cannot be reached. Default: False, raise StoreError."""
    cache_size: int
    """Completed records that each decorated handler keeps in its process, so that their replays
    send no request to the store. Default: 0."""
    store_response: bool
    """Keep the answer for duplicates; False: they learn that their request is done, and no more.
    Default: True."""
    redact: Expression
    """JMESPath over a handler's answer: what of it is kept, and given to duplicates; the first
    caller gets all. Default: all of it is kept."""
    metrics: bool
    """Write a line of metrics for each invocation, from which CloudWatch makes those of `metric()`.
    Default: True."""
    large_response_size: Size
    """Compressed size above which a response goes into the bucket of `large_responses`, as does
    whatever the store cannot hold. Default: 32 KiB."""
    http: HttpProfile | None
    """The way to answer requests of API Gateway, function URLs and load balancers; None: like any
    other event. Default: `HttpProfile.ietf()`."""


def check_options(scope: IConstruct, options: Mapping[str, Any]) -> None:
    """Raise ConstructError unless the options make sense."""
    to_settings(scope, options)


def to_settings(scope: IConstruct, options: Mapping[str, Any], **settings: Any) -> Settings:
    """Return the contract's settings for options; `settings` are those that are not options.

    Raise ConstructError naming the construct and the option.
    """
    if unknown := sorted(options.keys() - _TYPES.keys()):
        raise ConstructError(
            scope,
            f"{', '.join(unknown)} is not a prop; the props are {', '.join(sorted(_TYPES))}",
        )
    try:
        values = {name: _convert(name, value) for name, value in options.items()}
        found = Settings(**values, **settings)
        check_kept(found)
        return found
    except ConfigurationError as error:
        raise ConstructError(scope, str(error)) from None


def _convert(name: str, value: Any) -> Any:
    """Return the value in the contract's form. Raise ConfigurationError naming the option."""
    return _CONVERSIONS.get(_TYPES[name], _known)(name, value)


def _seconds(name: str, value: Any) -> float:
    if not isinstance(value, Duration):
        raise ConfigurationError(f"{name} is {value!r}; expected a Duration")
    if value.is_unresolved():
        raise ConfigurationError(
            f"{name} is a CDK token; pass a Duration whose length is known at synth"
        )
    return value.to_seconds(integral=False)


def _bytes(name: str, value: Any) -> int:
    if not isinstance(value, Size):
        raise ConfigurationError(
            f"{name} is {value!r}; expected a Size, such as Size.kibibytes(64)"
        )
    if value.is_unresolved():
        raise ConfigurationError(f"{name} is a CDK token; pass a Size that is known at synth")
    return int(value.to_bytes())


def _expression(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(
            f"{name} is {value!r}; expected JMESPath (callables go in the code)"
        )
    if not Token.is_unresolved(value):
        check_expression(name, value)
    return value


def _http(name: str, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, HttpProfile):
        raise ConfigurationError(
            f"{name} is {value!r}; expected HttpProfile.ietf(), another, or None"
        )
    return value.options()


def _known(name: str, value: Any) -> Any:
    if Token.is_unresolved(value):
        raise ConfigurationError(f"{name} is a CDK token; pass a value that is known at synth")
    return value


_TYPES: Final = get_type_hints(IdempotencyOptions, include_extras=True)

_CONVERSIONS: Final[Mapping[Any, Callable[[str, Any], Any]]] = {
    Duration: _seconds,
    Size: _bytes,
    Expression: _expression,
    HttpProfile | None: _http,
}
"""Conversions by the option's type; a value of another type is passed on as it is."""
