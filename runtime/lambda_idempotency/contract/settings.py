"""The contract between the construct (writes the environment) and the runtime (reads it).

Nothing else in either half knows a variable's name or form. Only values that differ from the
default are written. Precedence at run time: the decorator's options, then these settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

from ..errors import ConfigurationError
from ..metrics.emf import NAMESPACE as METRIC_NAMESPACE
from ..protocol.record import Metric
from .http import (
    DEFAULT,
    HEADER,
    OFF,
    STATUS_PATH,
    UNRESOLVED,
    HttpOptions,
    ProfileName,
    http_option,
)

__all__ = [
    "HEADER",
    "METRICS",
    "METRIC_NAMESPACE",
    "PARTITION_KEY",
    "PREFIX",
    "STATUS_PATH",
    "TTL_ATTRIBUTE",
    "WRAPPER",
    "ConfigurationError",
    "HttpOptions",
    "OnInProgress",
    "OnMissingKey",
    "ProfileName",
    "Settings",
    "StoreKind",
    "check_expression",
    "check_namespace",
    "http_option",
]

PREFIX: Final = "IDEMPOTENCY_"
PARTITION_KEY: Final = "id"
TTL_ATTRIBUTE: Final = "expiration"
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
WRAPPER: Final = "lambda_idempotency.wrap.handler"
"""The handler of a function whose own handler is wrapped."""

StoreKind: TypeAlias = Literal["dynamodb", "redis", "memory"]
OnInProgress: TypeAlias = Literal["raise", "wait"]
OnMissingKey: TypeAlias = Literal["reject", "bypass"]

_NAMESPACE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-")
_HANDLER: Final = r"[\w/-]+(?:\.[\w/-]+)*\.\w+"
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "store": get_args(StoreKind),
    "on_in_progress": get_args(OnInProgress),
    "on_missing_key": get_args(OnMissingKey),
}
_SECONDS: Final = ("expires_after", "lease", "wait_timeout")
_WHOLE: Final = {"max_attempts": 1, "cache_size": 0, "large_response_size": 1}
"""Settings that are whole numbers, and the least they may be."""
_FLAGS: Final = ("fail_open", "metrics", "disabled")
_MAX_SECONDS: Final = 100 * 365 * 24 * 3600


class _Values(NamedTuple):
    store: StoreKind = "dynamodb"
    """`memory` keeps records in the process: for unit tests."""
    table: str | None = None
    """The DynamoDB table."""
    parameter: str | None = None
    """The SSM parameter with the settings of the Redis server; see `redis_document`."""
    url_suffix: str = "amazonaws.com"
    """The partition's, from which endpoints are made."""
    namespace: str | None = None
    handler: str | None = None
    """The function's own handler, where `WRAPPER` stands in its place."""
    http: HttpOptions | None = DEFAULT
    """How HTTP requests are answered; None: as any other event."""
    key: str | None = None
    """JMESPath over the event; None: the key header of an HTTP request, else the whole payload."""
    fingerprint: str | None = None
    """JMESPath over the event; a key reused with another fingerprint is refused. None: an HTTP
    request's body and query, else nothing."""
    expires_after: float = 24 * 3600
    lease: float | None = None
    """How long an attempt may hold its key; never less than the invocation has left."""
    on_in_progress: OnInProgress = "raise"
    wait_timeout: float | None = None
    """How long `wait` waits; None: half of the time the invocation has left."""
    max_attempts: int | None = None
    """Attempts that may die before the key is parked; None: no limit."""
    on_missing_key: OnMissingKey = "reject"
    fail_open: bool = False
    cache_size: int = 0
    """Completed records that are kept in the process, for each decorated handler or function."""
    large_responses: str | None = None
    """The S3 bucket for responses that are large; None: records hold all they can."""
    large_response_size: int = 32 * 1024
    """Bytes, compressed, above which a response is large. A unit for each KB is what a record of
    them costs to write, and each replay; an object costs eight to write and one to read, and a
    request's time each. What the store cannot hold is large in any case."""
    metrics: bool = True
    """Whether each invocation writes a line of metrics for CloudWatch; in Lambda alone."""
    disabled: bool = False


class Settings(_Values):
    """How an attached function behaves. Durations are in seconds.

    Raises `ConfigurationError`, naming the setting, the value and what is accepted.
    """

    __slots__ = ()

    def __new__(cls, **values: Any) -> Settings:
        """Takes the settings by name; those left out have their defaults."""
        for name, value in values.items():
            if value is not None or cls._field_defaults.get(name) is not None:
                _check(name, value)
        return super().__new__(cls, **values)

    def overridden(self, **values: Any) -> Settings:
        """These settings, with others in their place."""
        return Settings(**{**self._asdict(), **values})

    def to_environment(self) -> dict[str, str]:
        """The variables that carry these settings; defaults are left out."""
        return {
            PREFIX + name.upper(): _to_text(value)
            for name, value in self._asdict().items()
            if value != self._field_defaults[name]
        }

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Reads what `to_environment` wrote. Raises `ConfigurationError` naming the variable."""
        values: dict[str, Any] = {}
        for name in cls._fields:
            variable = PREFIX + name.upper()
            if (text := environment.get(variable)) is not None:
                try:
                    values[name] = _from_text(name, text)
                    _check(name, values[name])
                except ConfigurationError as error:
                    raise ConfigurationError(f"Environment variable {variable}: {error}") from None
        return cls(**values)


def check_namespace(namespace: str) -> None:
    """Raises `ConfigurationError` unless records can be kept, and fenced, under `namespace`."""
    if not 1 <= len(namespace) <= 128 or not _NAMESPACE.issuperset(namespace):
        raise ConfigurationError(
            f"namespace is {namespace!r}; expected 1 to 128 of the characters A-Z a-z 0-9 . _ / -"
        )


def check_expression(name: str, expression: str) -> None:
    """Raises `ConfigurationError` unless `expression` is JMESPath."""
    from ..identity.expressions import compiled

    compiled(name, expression)


def _check(name: str, value: object) -> None:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise ConfigurationError(f"{name} is {value!r}; expected {_one_of(_CHOICES[name])}")
    elif name in _SECONDS:
        _check_seconds(name, value)
    elif name in _WHOLE:
        least = _WHOLE[name]
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ConfigurationError(f"{name} is {value!r}; expected a whole number from {least}")
    elif name in _FLAGS:
        if not isinstance(value, bool):
            raise ConfigurationError(f"{name} is {value!r}; expected true or false")
    elif name == "http":
        if value is not None and not isinstance(value, HttpOptions):
            raise ConfigurationError(f"http is {value!r}; expected HttpOptions(...) or None (off)")
    elif not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} is {value!r}; expected a text that is not empty")
    else:
        _check_text(name, value)


def _check_text(name: str, text: str) -> None:
    if name == "namespace" and UNRESOLVED not in text:
        check_namespace(text)
    elif name == "handler":
        _check_handler(text)


def _check_handler(handler: str) -> None:
    if handler.replace("/", ".") == WRAPPER:
        raise ConfigurationError(
            f"handler is {handler!r}, the wrapper itself; expected the function's own handler"
        )
    if not re.fullmatch(_HANDLER, handler):
        raise ConfigurationError(
            f"handler is {handler!r}; expected a module and a function, such as 'payments.handler' "
            "or 'orders/payments.handler'"
        )


def _check_seconds(name: str, value: object) -> None:
    least = 1 if name == "expires_after" else 0.001
    # bool is an int; `not least <= value` also refuses NaN.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{name} is {value!r}; expected a number of seconds")
    if not least <= value <= _MAX_SECONDS:
        raise ConfigurationError(
            f"{name} is {value!r} seconds; expected at least {least} and at most 100 years"
        )


def _to_text(value: object) -> str:
    if value is None:
        return OFF  # only `http` has a default that is something
    if isinstance(value, HttpOptions):
        return value.to_text()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _from_text(name: str, text: str) -> object:
    if name in _FLAGS:
        flags = {"true": True, "1": True, "false": False, "0": False}
        return flags.get(text.strip().lower(), text)
    if name == "http":
        return HttpOptions.from_text(text)
    try:
        if name in _SECONDS:
            return float(text)
        if name in _WHOLE:
            return int(text)
    except ValueError:
        pass  # `_check` says what was expected
    return text


def _one_of(choices: tuple[str, ...]) -> str:
    return " or ".join(repr(choice) for choice in choices)
