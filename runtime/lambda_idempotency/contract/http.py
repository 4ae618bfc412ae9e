"""The options of HTTP mode, as both halves know them, and their form in the environment.

Only `contract.py` hands them out: the construct writes them, the runtime reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

from ..errors import ConfigurationError

ProfileName: TypeAlias = Literal["ietf", "stripe", "accepted"]

HEADER: Final = "Idempotency-Key"
STATUS_PATH: Final = "/idempotency"

OFF: Final = "off"
"""What stands in the environment where HTTP mode is off."""

# Compiled where an option needs them: this module is a part of every cold start.
_FIELD_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}"  # RFC 9110, 5.6.2
_METHOD: Final = r"[A-Z]{1,32}"
_STATUSES: Final = r"[1-5](?:xx|[0-9]{2})"
_PATH: Final = r"(?:/[A-Za-z0-9._~-]+)+"
_ORIGIN: Final = r"\*|[a-z][a-z0-9+.-]*://[^\s/]+"
UNRESOLVED: Final = "${Token["
"""Begins a CDK string whose value is not known at synth."""


class _Values(NamedTuple):
    profile: ProfileName = "ietf"
    header: str = HEADER
    """The request header that holds the key."""
    required: bool | None = None
    """Whether a request without a key is refused; else it runs unprotected."""
    pattern: str | None = None
    """Regular expression for the whole key; None: 1 to 255 characters of printable ASCII."""
    methods: tuple[str, ...] | None = None
    """The methods that are made idempotent; None: all but GET, HEAD, OPTIONS and TRACE."""
    principal_claim: str | None = None
    """The claim, or the value of an authorizer's context, that tells callers apart."""
    store_statuses: tuple[str, ...] | None = None
    """Which responses are kept: `201`, or a class, `2xx`, less those that ask for a retry."""
    not_replayed: tuple[str, ...] | None = None
    """Response headers that are neither stored nor replayed."""
    cors: tuple[str, ...] = ()
    """Origins that may read the answers the layer makes; `*`: all."""
    status_path: str | None = None
    """Where `GET {status_path}/{token}` tells the state of a request."""


class HttpOptions(_Values):
    """How HTTP requests are recognised as duplicates, and answered. None: as the profile says.

    Raises `ConfigurationError`, naming the option, the value and what is accepted.
    """

    __slots__ = ()

    def __new__(cls, **values: Any) -> HttpOptions:
        """Takes the options by name; those left out have their defaults."""
        for name, value in values.items():
            if (value is not None or cls._field_defaults.get(name) is not None) and (
                wrong := _CHECKS[name](value)
            ):
                raise ConfigurationError(f"http {name} is {value!r}; expected {wrong}")
        return super().__new__(cls, **values)

    @property
    def status_route(self) -> str | None:
        """Where the state of a request is told; None: nowhere."""
        by_profile = STATUS_PATH if self.profile == "accepted" else None
        return by_profile if self.status_path is None else self.status_path

    def to_text(self) -> str:
        """JSON of what differs from the default."""
        return json.dumps(
            {
                name: value
                for name, value in self._asdict().items()
                if value != self._field_defaults[name]
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_text(cls, text: str) -> HttpOptions | None:
        """Reads what `to_text` wrote; None for `off`. Raises `ConfigurationError`."""
        if text == OFF:
            return None
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise ConfigurationError(f"http is {text!r}; expected 'off' or JSON of options")
        names = set(cls._fields)
        if unknown := sorted(given.keys() - names):
            raise ConfigurationError(
                f"http is {text!r}; it has no option {unknown[0]!r}, but {', '.join(sorted(names))}"
            )
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in given.items()
        }
        return cls(**values)


def http_option(value: object) -> HttpOptions | None:
    """The options for what code passes: a profile's name, options, or None (off)."""
    if value is None or isinstance(value, HttpOptions):
        return value
    if isinstance(value, str) and value in get_args(ProfileName):
        return HttpOptions(profile=value)
    raise ConfigurationError(
        f"http is {value!r}; expected 'ietf', 'stripe', 'accepted', HttpOptions(...) or None (off)"
    )


# Checks: what was expected instead, or None -------------------------------------------------------


def _matching(pattern: str, expected: str) -> Callable[[Any], str | None]:
    return lambda value: (
        None if isinstance(value, str) and re.fullmatch(pattern, value) else expected
    )


def _each(check: Callable[[Any], str | None], *, least: int = 0) -> Callable[[Any], str | None]:
    def checked(value: Any) -> str | None:
        if not isinstance(value, tuple) or len(value) < least:
            return f"a tuple of {'at least one' if least else 'none or more'}: {check(None)}"
        return next((wrong for item in value if (wrong := check(item))), None)

    return checked


def _regular_expression(value: Any) -> str | None:
    try:
        re.compile(value)
    except (re.error, TypeError, RecursionError, OverflowError):
        return "a regular expression (see the re module)"
    return None if isinstance(value, str) and value else "a text that is not empty"


def _origin(value: Any) -> str | None:
    if isinstance(value, str) and (UNRESOLVED in value or re.fullmatch(_ORIGIN, value)):
        return None
    return "'*' or origins such as 'https://shop.example'"


_CHECKS: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "profile": lambda value: (
        None if value in get_args(ProfileName) else "'ietf', 'stripe' or 'accepted'"
    ),
    "header": _matching(_FIELD_NAME, "the name of a header"),
    "required": lambda value: None if isinstance(value, bool) else "true or false",
    "pattern": _regular_expression,
    "methods": _each(_matching(_METHOD, "methods in capitals, such as 'POST'"), least=1),
    "principal_claim": lambda value: (
        None if isinstance(value, str) and value.strip() else "the name of a claim"
    ),
    "store_statuses": _each(_matching(_STATUSES, "statuses such as '201' or '2xx'"), least=1),
    "not_replayed": _each(_matching(_FIELD_NAME, "names of headers")),
    "cors": _each(_origin),
    "status_path": _matching(_PATH, "a path such as '/idempotency', without a slash at its end"),
}

DEFAULT: Final = HttpOptions()
