"""The event as key and fingerprint expressions see it: with its JSON texts decoded.

AWS documents the five HTTP event shapes (API Gateway: "Lambda proxy integrations", payload formats
1.0 and 2.0; Lambda: "function URLs"; ELB: "Lambda functions as targets").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from .texts import decoded

HttpShape: TypeAlias = Literal["rest", "http-1.0", "http-2.0", "url", "alb", "unknown"]

_V1: Final[Mapping[str | None, HttpShape]] = {None: "rest", "1.0": "http-1.0"}


def view(event: Any) -> Any:
    """Return the event as expressions see it. The event itself does not change.

    For an HTTP event the body is decoded (base64, then JSON) and header names are in lower case.
    Raises ValueError if the body is ambiguous JSON: a name twice in an object, or NaN.
    """
    if not is_http(event):
        return event
    seen = dict(event)
    if isinstance(body := event.get("body"), str):
        seen["body"] = decoded(body, base64_encoded=event.get("isBase64Encoded") is True)
    for name in ("headers", "multiValueHeaders"):
        if isinstance(headers := event.get(name), Mapping):
            seen[name] = {str(header).lower(): value for header, value in headers.items()}
    return seen


def http_shape(event: Any) -> HttpShape | None:
    """Return the shape of an HTTP request, `unknown` if its version is not supported; else None.

    Three kinds of events look similar but are not such requests: those of authorizers (they name
    the requested ARN), of Lambda's destinations (version 1.0) and of VPC Lattice (version 2.0).
    """
    if not isinstance(event, Mapping):
        return None
    context = event.get("requestContext")
    if isinstance(context, Mapping) and "elb" in context:
        return "alb"
    if "methodArn" in event or "routeArn" in event:
        return None
    version = event.get("version")
    if isinstance(context, Mapping) and isinstance(context.get("http"), Mapping):
        if version != "2.0":
            return "unknown"
        return "url" if ".lambda-url." in str(context.get("domainName")) else "http-2.0"
    if "httpMethod" in event and "resource" in event:
        return _V1.get(version, "unknown") if isinstance(version, str | None) else "unknown"
    return None


def is_http(event: Any) -> bool:
    """Tell whether the event is a REST API, HTTP API, function URL or load balancer request."""
    return http_shape(event) not in (None, "unknown")
