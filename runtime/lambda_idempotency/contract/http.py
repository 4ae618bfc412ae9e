"""The options of HTTP mode and their form in the environment: one variable with JSON."""

# No `from __future__ import annotations`: see `rows`.
import json
import re
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from ..errors import ConfigurationError
from .kinds import UNRESOLVED, Choice, Each, Flag, Kind, Matching, Text
from .rows import Rows, has_no

ProfileName: TypeAlias = Literal["ietf", "stripe", "accepted"]
ApiScope: TypeAlias = Literal["stage", "domain", "api", "none"]

HEADER: Final = "Idempotency-Key"
STATUS_PATH: Final = "/idempotency"

OFF: Final = "off"
"""The value in the environment if HTTP mode is off."""

_FIELD_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}"  # RFC 9110, 5.6.2
_ORIGIN: Final = r"\*|[a-z][a-z0-9+.-]*://[^\s/]+"


class RegularExpression(Kind):
    """A regular expression of Python's."""

    def expected(self, value: object) -> str | None:
        try:
            re.compile(value)  # type: ignore[call-overload]  # what is not a string is refused
        except (re.error, TypeError, RecursionError, OverflowError):
            return "a regular expression (see the re module)"
        return None if isinstance(value, str) and value else "a text that is not empty"


class Origin(Kind):
    """An origin of the web, all of them (`*`), or a token of the CDK."""

    def expected(self, value: object) -> str | None:
        if isinstance(value, str) and (UNRESOLVED in value or re.fullmatch(_ORIGIN, value)):
            return None
        return "'*' or origins such as 'https://shop.example'"


class HttpOptions(Rows, noun="option", prefix="http "):
    """The options by which HTTP requests are recognized as duplicates, and answered.

    Immutable; options are given by keyword, and None means: as the profile says. Raises
    `ConfigurationError`, naming the option, the value and what is accepted.
    """

    profile: Annotated[ProfileName, Choice(*get_args(ProfileName))] = "ietf"
    """The default of the other options: the IETF's draft, Stripe's API, or 202 and a URL to poll
    for the answer."""

    header: Annotated[str, Matching(_FIELD_NAME, "the name of a header")] = HEADER
    """The request header that holds the key."""

    required: Annotated[bool | None, Flag()] = None
    """Refuse a request without a key; otherwise it runs unprotected."""

    pattern: Annotated[str | None, RegularExpression()] = None
    """Regular expression for the whole key; None: 1 to 255 characters of printable ASCII."""

    methods: Annotated[
        tuple[str, ...] | None,
        Each(Matching(r"[A-Z]{1,32}", "methods in capitals, such as 'POST'"), least=1),
    ] = None
    """The methods that are made idempotent; None: all but GET, HEAD, OPTIONS and TRACE."""

    principal_claim: Annotated[str | None, Text("the name of a claim")] = None
    """The claim, or the value of an authorizer's context, that tells callers apart."""

    api_scope: Annotated[ApiScope, Choice(*get_args(ApiScope))] = "stage"
    """The place within which a key counts: the domain that was called and its stage; the domain,
    whatever answers there; the API and stage, whatever the domain; or none: all APIs are one."""

    store_statuses: Annotated[
        tuple[str, ...] | None,
        Each(Matching(r"[1-5](?:xx|[0-9]{2})", "statuses such as '201' or '2xx'"), least=1),
    ] = None
    """The responses that are kept: `201`, or a class, `2xx`, less those that ask for a retry."""

    not_replayed: Annotated[tuple[str, ...], Each(Matching(_FIELD_NAME, "names of headers"))] = ()
    """Response headers that are neither stored nor replayed, beside those of one exchange only."""

    replayed: Annotated[tuple[str, ...], Each(Matching(_FIELD_NAME, "names of headers"))] = ()
    """Headers of one exchange only that are stored and replayed nevertheless."""

    cors: Annotated[tuple[str, ...], Each(Origin())] = ()
    """Origins that may read the answers the layer makes; `*`: all."""

    status_path: Annotated[
        str | None,
        Matching(
            r"(?:/[A-Za-z0-9._~-]+)+",
            "a path such as '/idempotency', without a slash at its end",
        ),
    ] = None
    """The path under which `GET {status_path}/{token}` tells the state of a request."""

    @property
    def status_route(self) -> str | None:
        """The route that tells the state of a request; None: there is none."""
        by_profile = STATUS_PATH if self.profile == "accepted" else None
        return by_profile if self.status_path is None else self.status_path

    def to_text(self) -> str:
        """Return JSON of what differs from the default."""
        return json.dumps(self._changed(), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "HttpOptions | None":
        """Read what `to_text` wrote; None for `off`. Raises `ConfigurationError`."""
        if text == OFF:
            return None
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise ConfigurationError(f"http is {text!r}; expected 'off' or JSON of options")
        if unknown := given.keys() - cls.kinds.keys():
            raise ConfigurationError(
                f"http is {text!r}; it {has_no('option', min(unknown), cls.kinds)}"
            )
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in given.items()
        }
        return cls(**values)


def http_option(value: object) -> HttpOptions | None:
    """Return the options for what code passes: a profile's name, options, or None (off)."""
    if value is None or isinstance(value, HttpOptions):
        return value
    if value in get_args(ProfileName):
        return HttpOptions(profile=value)  # type: ignore[arg-type]  # it is one of them
    raise ConfigurationError(
        f"http is {value!r}; expected 'ietf', 'stripe', 'accepted', HttpOptions(...) or None (off)"
    )


class HttpModeKind(Kind):
    """Options of HTTP mode; None (`off` in the environment): HTTP mode is off."""

    def expected(self, value: object) -> str | None:
        fits = value is None or isinstance(value, HttpOptions)
        return None if fits else "HttpOptions(...) or None (off)"

    def read(self, text: str) -> object:
        """Return the options that a text stands for. Raise `ConfigurationError`."""
        return HttpOptions.from_text(text)

    def write(self, value: Any) -> str:
        return OFF if value is None else value.to_text()


DEFAULT: Final = HttpOptions()
