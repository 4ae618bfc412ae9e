"""The settings of an attached function: the construct writes them, the runtime reads them.

Only values that differ from the default are written. Precedence at run time: the decorator's
options, then these settings.
"""

# No `from __future__ import annotations`: see `rows`.
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal, TypeAlias, get_args

from ..errors import ConfigurationError
from .http import DEFAULT, HttpModeKind, HttpOptions
from .kinds import UNRESOLVED, Choice, Flag, Matching, Seconds, Text, Whole
from .rows import Rows

__all__ = [
    "PREFIX",
    "WRAPPER",
    "ConfigurationError",  # the construct has it from here: it imports the contract alone
    "OnInProgress",
    "OnMissingKey",
    "Settings",
    "StoreKind",
    "check_expression",
    "check_kept",
    "check_namespace",
]

PREFIX: Final = "IDEMPOTENCY_"
"""The beginning of each variable's name; the setting's name in capitals follows."""

WRAPPER: Final = "lambda_idempotency.wrap.handler"
"""The handler of a function whose own handler is wrapped."""

StoreKind: TypeAlias = Literal["dynamodb", "redis", "memory"]
OnInProgress: TypeAlias = Literal["raise", "wait"]
OnMissingKey: TypeAlias = Literal["reject", "bypass"]

_MISSPELT: Final = 0.9
"""The likeness above which a name is a misspelled one: a letter or two are missing or wrong."""

_FENCEABLE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-")
_HANDLER: Final = Matching(
    r"[\w/-]+(?:\.[\w/-]+)*\.\w+",
    "a module and a function, such as 'payments.handler' or 'orders/payments.handler'",
)


class Namespace(Text):
    """The prefix of the keys of a function's records, which IAM and ACL can fence off."""

    def expected(self, value: object) -> str | None:
        if (expected := super().expected(value)) is not None:
            return expected
        return None if UNRESOLVED in str(value) else _expected_namespace(str(value))


class HandlerName(Text):
    """A handler's name in Lambda's form, other than the wrapper's."""

    def expected(self, value: object) -> str | None:
        if _is_wrapper(value):
            return "the function's own handler"
        return super().expected(value) or _HANDLER.expected(value)

    def shown(self, value: object) -> str:
        return f"{value!r}, the wrapper itself" if _is_wrapper(value) else repr(value)


class Settings(Rows, noun="setting"):
    """The behavior of an attached function.

    Immutable; settings are given by keyword. Raises `ConfigurationError`, naming the setting, the
    value and what is accepted.
    """

    store: Annotated[StoreKind, Choice(*get_args(StoreKind))] = "dynamodb"
    """The store of the records; `memory`: in the process, for unit tests."""

    table: Annotated[str | None, Text()] = None
    """The DynamoDB table."""

    parameter: Annotated[str | None, Text()] = None
    """The SSM parameter with the settings of the Redis server; see `contract.redis`."""

    url_suffix: Annotated[str, Text()] = "amazonaws.com"
    """The partition's domain, from which endpoints are made."""

    namespace: Annotated[str | None, Namespace()] = None
    """The prefix that separates these records from those of other functions in the store."""

    handler: Annotated[str | None, HandlerName()] = None
    """The function's own handler, if `WRAPPER` stands in its place."""

    http: Annotated[HttpOptions | None, HttpModeKind()] = DEFAULT
    """The way to answer HTTP requests; None: like any other event."""

    key: Annotated[str | None, Text()] = None
    """JMESPath over the event; None: an HTTP request's key header, the id that an AWS service gives
    its event, otherwise the whole payload."""

    fingerprint: Annotated[str | None, Text()] = None
    """JMESPath over the event; a key reused with another fingerprint is refused. None: an HTTP
    request's body and query, otherwise nothing."""

    expires_after: Annotated[float, Seconds(least=1)] = 24 * 3600
    """The time that answers are kept, in seconds."""

    lease: Annotated[float | None, Seconds(least=0.001)] = None
    """The time that an attempt may hold its key, in seconds; never less than the invocation has
    left."""

    timeout: Annotated[float | None, Seconds(least=0.001)] = None
    """The function's timeout in seconds, from which the lease follows if none is given."""

    execution_timeout: Annotated[float | None, Seconds(least=1)] = None
    """The timeout of a durable function's executions, in seconds: as long they may hold a key."""

    heartbeat: Annotated[bool | None, Flag()] = None
    """Renew the lease until the call ends, where no timeout does; None: if no lease is given."""

    on_in_progress: Annotated[OnInProgress, Choice(*get_args(OnInProgress))] = "raise"
    """The choice of a duplicate of a running attempt: raise an error, or wait for the answer."""

    wait_timeout: Annotated[float | None, Seconds(least=0.001)] = None
    """The time that `wait` waits, in seconds; None: half of the time the invocation has left."""

    max_attempts: Annotated[int | None, Whole(least=1)] = None
    """Attempts that may die before the key is parked; None: no limit."""

    on_missing_key: Annotated[OnMissingKey, Choice(*get_args(OnMissingKey))] = "reject"
    """The fate of an event without a key: it is refused, or runs unprotected."""

    fail_open: Annotated[bool, Flag()] = False
    """Run unprotected while the store cannot be reached."""

    cache_size: Annotated[int, Whole(least=0)] = 0
    """Completed records that are kept in the process, for each decorated handler or function."""

    store_response: Annotated[bool, Flag()] = True
    """Keep the answer for duplicates; False: keep that there was one, and nothing of it."""

    redact: Annotated[str | None, Text()] = None
    """JMESPath over a handler's answer: what of it is kept for duplicates; None: all of it."""

    response_key: Annotated[str | None, Text()] = None
    """The KMS key that encrypts what records keep of answers and steps; None: the store's own
    encryption alone."""

    large_responses: Annotated[str | None, Text()] = None
    """The S3 bucket for responses that are large; None: records hold all they can."""

    large_response_size: Annotated[int, Whole(least=1)] = 32 * 1024
    """Compressed bytes above which a response is large. A record costs a unit for each KB to write,
    and again for each replay; an object costs eight to write and one to read, and each of them the
    time of a request. What the store cannot hold is large in any case."""

    metrics: Annotated[bool, Flag()] = True
    """Write a line of metrics for CloudWatch in each invocation; in Lambda alone."""

    disabled: Annotated[bool, Flag()] = False
    """Let the function run as if it had never been decorated."""

    def to_environment(self) -> dict[str, str]:
        """Return the variables that carry these settings; defaults are left out."""
        return {
            PREFIX + name.upper(): self.kinds[name].write(value)
            for name, value in self._changed().items()
        }

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read what `to_environment` wrote. Raises `ConfigurationError` naming the variable."""
        values = {}
        _check_spelling(environment, cls.kinds)
        for name, kind in cls.kinds.items():
            variable = PREFIX + name.upper()
            if (text := environment.get(variable)) is not None:
                try:
                    values[name] = kind.read(text)
                    cls._check(name, values[name])
                except ConfigurationError as error:
                    raise ConfigurationError(f"Environment variable {variable}: {error}") from None
        return cls(**values)  # type: ignore[arg-type]  # checked one by one


def check_namespace(namespace: str, *, name: str = "namespace") -> None:
    """Raise `ConfigurationError` unless records can be kept, and fenced, under `namespace`, which
    is the value of the option `name`."""
    if (expected := _expected_namespace(namespace)) is not None:
        raise ConfigurationError(f"{name} is {namespace!r}; expected {expected}")


def check_expression(name: str, expression: str) -> None:
    """Raise `ConfigurationError` unless `expression` is JMESPath."""
    from ..identity.expressions import compiled

    compiled(name, expression)


def check_kept(settings: Settings, given: Mapping[str, object] | None = None) -> None:
    """Raise `ConfigurationError` for settings, or options that are `given`, which are about a
    response that is not kept."""
    if settings.store_response:
        return
    about = {"redact": settings.redact, **(given or {})}
    for name in ("redact", "on_replay", "serializer"):
        if about.get(name) is not None:
            raise ConfigurationError(
                f"{name} is given, and store_response=False keeps no response for it; leave one of "
                "them out"
            )


def _check_spelling(environment: Mapping[str, str], kinds: Iterable[str]) -> None:
    """Raise `ConfigurationError` for a variable that is all but the name of a setting. Another one
    with our prefix is somebody else's."""
    known = {PREFIX + name.upper() for name in kinds}
    for variable in environment:
        if variable.startswith(PREFIX) and variable not in known:
            from difflib import get_close_matches  # few functions have one

            if near := get_close_matches(variable, known, n=1, cutoff=_MISSPELT):
                raise ConfigurationError(
                    f"Environment variable {variable} is no setting; did you mean {near[0]}?"
                )


def _expected_namespace(text: str) -> str | None:
    if 1 <= len(text) <= 128 and _FENCEABLE.issuperset(text):
        return None
    return "1 to 128 of the characters A-Z a-z 0-9 . _ / -"


def _is_wrapper(value: object) -> bool:
    return isinstance(value, str) and value.replace("/", ".") == WRAPPER
