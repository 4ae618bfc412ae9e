"""The props that set how the runtime behaves, and their translation into its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from aws_cdk import Duration, Size, Token

from constructs import IConstruct
from lambda_idempotency.contract import (
    ConfigurationError,
    OnInProgress,
    OnMissingKey,
    Settings,
    check_expression,
)

from .errors import refusal
from .http_profile import HttpProfile


class Behaviour(TypedDict, total=False):
    """How attached functions behave; given to `Idempotency` for all, to `attach` for one.

    A prop that is left out has the default named here. Options in the function's code win.
    """

    key: str
    """JMESPath over the event with its JSON texts decoded. Default: the Idempotency-Key header of
    an HTTP request, else the whole payload."""
    fingerprint: str
    """JMESPath over the same; a key reused with another fingerprint is refused. Default: the body
    and query of an HTTP request, else none."""
    expires_after: Duration
    """How long answers are kept, from 1 second. Default: 24 hours."""
    lease: Duration
    """How long an attempt may hold its key, never less than its invocation has left; a dead
    attempt is taken over when it ends. Default: the function's timeout."""
    on_in_progress: OnInProgress
    """A duplicate that meets a running attempt: `raise` InProgressError at once, or `wait` for its
    answer. Default: `raise`."""
    wait_timeout: Duration
    """How long `wait` waits. Default: half of the time the invocation has left."""
    max_attempts: int
    """Attempts that may die before their key is parked for an operator. Default: no limit."""
    on_missing_key: OnMissingKey
    """An event without a key: `reject` it with MissingKeyError, or `bypass`, run it unprotected.
    Default: `reject`."""
    fail_open: bool
    """Run unprotected while the store cannot be reached. Default: False, raise StoreError."""
    cache_size: int
    """Completed records that each decorated handler keeps in its process, so that their replays
    ask no store. Default: 0."""
    metrics: bool
    """Whether each invocation writes a line of metrics, from which CloudWatch makes those of
    `metric()`. Default: True."""
    large_response_size: Size
    """Compressed size above which a response goes into the bucket of `large_responses`, as does
    whatever the store cannot hold. Default: 32 KiB."""
    http: HttpProfile | None
    """How requests of API Gateway, function URLs and load balancers are answered; None: as any
    other event. Default: `HttpProfile.ietf()`."""


PROPS: Final = frozenset(Behaviour.__annotations__)


def check_props(scope: IConstruct, props: Mapping[str, Any]) -> None:
    """Raises unless the settings that `props` amount to are in order."""
    settings_of(scope, props)


def settings_of(scope: IConstruct, props: Mapping[str, Any], **contract: Any) -> Settings:
    """The contract's settings for props. Raises ValueError naming the construct and the prop."""
    if unknown := sorted(props.keys() - PROPS):
        raise refusal(
            scope,
            f"{', '.join(unknown)} is not a prop; the props are {', '.join(sorted(PROPS))}",
        )
    values = {name: _resolved(scope, name, value) for name, value in props.items()}
    try:
        return Settings(**values, **contract)
    except ConfigurationError as error:
        raise refusal(scope, str(error)) from None


def _resolved(scope: IConstruct, name: str, value: Any) -> Any:
    if name == "http":
        return _http(scope, value)
    if isinstance(value, Duration):
        if value.is_unresolved():
            raise refusal(
                scope, f"{name} is a CDK token; pass a Duration whose length is known at synth"
            )
        return value.to_seconds(integral=False)
    if isinstance(value, Size):
        if value.is_unresolved():
            raise refusal(scope, f"{name} is a CDK token; pass a Size that is known at synth")
        return int(value.to_bytes())
    if name == "large_response_size":
        raise refusal(scope, f"{name} is {value!r}; expected a Size, such as Size.kibibytes(64)")
    if name in ("expires_after", "lease", "wait_timeout"):
        raise refusal(scope, f"{name} is {value!r}; expected a Duration")
    if name in ("key", "fingerprint"):
        _check_expression(scope, name, value)
    elif Token.is_unresolved(value):
        raise refusal(scope, f"{name} is a CDK token; pass a value that is known at synth")
    return value


def _http(scope: IConstruct, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, HttpProfile):
        raise refusal(scope, f"http is {value!r}; expected HttpProfile.ietf(), another, or None")
    try:
        return value.options()
    except ConfigurationError as error:
        raise refusal(scope, str(error)) from None


def _check_expression(scope: IConstruct, name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise refusal(scope, f"{name} is {value!r}; expected JMESPath (callables go in the code)")
    if Token.is_unresolved(value):
        return
    try:
        check_expression(name, value)
    except ConfigurationError as error:
        raise refusal(scope, str(error)) from None
