"""The event as key and fingerprint expressions see it: with its JSON texts decoded.

AWS documents the five HTTP event shapes (API Gateway: "Lambda proxy integrations", payload formats
1.0 and 2.0; Lambda: "function URLs"; ELB: "Lambda functions as targets").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from ..errors import ConfigurationError
from .refusals import UnusableError
from .texts import decoded, media_type
from .values import MAPPINGS, members_of, plain

HttpShape: TypeAlias = Literal["rest", "http-1.0", "http-2.0", "url", "alb", "unknown"]

_V1: Final[Mapping[str | None, HttpShape]] = {None: "rest", "1.0": "http-1.0"}

_DELIVERED: Final = (dict, list, str, int, float, type(None))


def as_json(event: Any) -> Any:
    """Return the JSON that an event stands for: an event as Lambda delivers it is that itself.

    A decorator above ours may have parsed it: into a data class of Powertools for AWS Lambda, which
    keeps the event, or into an object of a class with fields. Raises `ConfigurationError` for
    another object: what it says is unknown, also whether it is an HTTP request.
    """
    if isinstance(event, list) and event and members_of(event[0]) is not None:
        raise ConfigurationError(
            f"the event is a list of {type(event[0]).__name__}, which a decorator has made of a "
            "batch. Put @idempotent_records above that decorator, in place of this one"
        )
    if not is_parsed(event):
        raw = None if isinstance(event, _DELIVERED) else getattr(event, "raw_event", None)
        return raw if isinstance(raw, Mapping) else event
    try:
        return plain(event)
    except UnusableError as error:
        raise ConfigurationError(
            f"the event is a {type(event).__name__}, which a decorator has made of the one that "
            f"was delivered, and {error}. Expected JSON, a dataclass, a pydantic model or a data "
            "class of Powertools: put ours above that decorator"
        ) from None


def is_parsed(event: Any) -> bool:
    """Tell whether the event is an object of a class that a decorator has made of its JSON. A data
    class of Powertools, and any mapping, has all of it."""
    if isinstance(event, _DELIVERED):
        return False
    return not isinstance(event, Mapping) and not isinstance(
        getattr(event, "raw_event", None), Mapping
    )


def view(event: Any) -> Any:
    """Return the event as expressions see it. The event itself does not change.

    For an HTTP event the body is decoded (base64, then JSON) and header names are in lower case.
    Raises ValueError if the body is ambiguous JSON (a name twice in an object, or NaN), unless its
    Content-Type says that it is something else.
    """
    if not is_http(event):
        return event
    seen = dict(event)
    for name in ("headers", "multiValueHeaders"):
        if isinstance(headers := event.get(name), Mapping):
            seen[name] = {str(header).lower(): value for header, value in headers.items()}
    if isinstance(body := event.get("body"), str):
        encoded = event.get("isBase64Encoded") is True
        seen["body"] = decoded(body, base64_encoded=encoded, kind=_media_type(seen))
    return seen


def http_shape(event: Any) -> HttpShape | None:
    """Return the shape of an HTTP request, `unknown` if its version is not supported; else None.

    Three kinds of events look similar but are not such requests: those of authorizers (they name
    the requested ARN), of Lambda's destinations (version 1.0) and of VPC Lattice (version 2.0).
    """
    if not isinstance(event, MAPPINGS):
        return None
    context = event.get("requestContext")
    if context is None and "httpMethod" not in event:
        return None  # most events
    if isinstance(context, MAPPINGS) and "elb" in context:
        return "alb"
    if "methodArn" in event or "routeArn" in event:
        return None
    version = event.get("version")
    if isinstance(context, MAPPINGS) and isinstance(context.get("http"), MAPPINGS):
        if version != "2.0":
            return "unknown"
        return "url" if ".lambda-url." in str(context.get("domainName")) else "http-2.0"
    if "httpMethod" in event and "resource" in event:
        return _V1.get(version, "unknown") if isinstance(version, str | None) else "unknown"
    return None


def is_http(event: Any) -> bool:
    """Tell whether the event is a REST API, HTTP API, function URL or load balancer request."""
    return http_shape(event) not in (None, "unknown")


def _media_type(seen: Mapping[str, Any]) -> str:
    """Return the media type of a body; '' if it is not given. Header names are in lower case."""
    for name in ("headers", "multiValueHeaders"):
        value = headers.get("content-type") if isinstance(headers := seen.get(name), dict) else None
        if value is not None:
            return media_type(map(str, value if isinstance(value, list) else [value]))[0]
    return ""
