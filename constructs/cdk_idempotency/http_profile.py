"""The `http` option: an attached function's answers to HTTP requests and their duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack, get_origin, get_type_hints

from aws_cdk import Token

from lambda_idempotency.contract.http import ApiScope, HttpOptions, ProfileName
from lambda_idempotency.contract.settings import ConfigurationError


class HttpProps(TypedDict, total=False):
    """Options that a profile leaves open. A prop left out has the default named here."""

    header: str
    """The request header that holds the key. Default: `Idempotency-Key`."""
    required: bool
    """Refuse a request without a key with 400; otherwise it runs unprotected.
    Default: True for `ietf`, False for `stripe` and `accepted`."""
    pattern: str
    """Regular expression (Python's) that the whole key must match. Default: 1 to 255 characters of
    printable ASCII."""
    methods: Sequence[str]
    """The methods that are made idempotent. Default: all but GET, HEAD, OPTIONS and TRACE."""
    principal_claim: str
    """The claim of the JWT, or the value of the Lambda authorizer's context, that tells callers
    apart. Default: `iss` and `sub`; `principalId`."""
    api_scope: ApiScope
    """The place within which a key counts: `stage`, the domain that was called and its stage;
    `domain`, whatever answers there; `api`, the API and stage, whatever the domain; `none`: all
    APIs of the function are one. Default: `stage`."""
    store_statuses: Sequence[str | int]
    """The responses that are kept for duplicates: statuses (`201`) and classes (`2xx`, without 401,
    403, 408, 409, 425 and 429). Default: by profile."""
    not_replayed: Sequence[str]
    """Response headers that are neither stored nor replayed, beside those of one exchange only,
    such as `Set-Cookie`, `Date` and `Access-Control-Allow-Origin`. Default: none."""
    replayed: Sequence[str]
    """Headers of one exchange only that are stored and replayed nevertheless. Default: none."""
    cors: Sequence[str]
    """Origins whose scripts may read the answers that the layer makes; `*`: all. Default: none."""
    status_path: str
    """The path under which `GET {status_path}/{token}` tells the state of a request; see
    `add_status_route`. Default: `/idempotency` for `accepted`, otherwise nowhere."""


@dataclass(frozen=True)
class HttpProfile:
    """A set of answers. Immutable; made by its static methods. docs/http.md has the table of what
    each answers."""

    _profile: ProfileName
    _props: Mapping[str, Any]

    @staticmethod
    def ietf(**props: Unpack[HttpProps]) -> HttpProfile:
        """Answer as the IETF's draft of the Idempotency-Key header says; the default."""
        return HttpProfile("ietf", props)

    @staticmethod
    def stripe(**props: Unpack[HttpProps]) -> HttpProfile:
        """Answer like Stripe's API: the key is optional, and server errors are replayed too."""
        return HttpProfile("stripe", props)

    @staticmethod
    def accepted(**props: Unpack[HttpProps]) -> HttpProfile:
        """Answer a duplicate of a running request with 202 and the URL to poll for its answer."""
        return HttpProfile("accepted", props)

    def options(self) -> HttpOptions:
        """Return the contract's options. Raise `ConfigurationError`, naming the prop."""
        types = get_type_hints(HttpProps)
        values: dict[str, Any] = {}
        for name, value in self._props.items():
            if name not in types:
                raise ConfigurationError(
                    f"http {name} is not a prop; the props are {', '.join(sorted(types))}"
                )
            if name != "cors" and Token.is_unresolved(value):
                raise ConfigurationError(f"http {name} is a CDK token; pass a value known at synth")
            values[name] = _tuple(value) if get_origin(types[name]) is Sequence else value
        return HttpOptions(profile=self._profile, **values)


def _tuple(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value  # the contract says what was expected
    return tuple(str(item) if type(item) is int else item for item in value)
