"""Events that a decorator above ours has parsed into objects of classes.

A class has the fields that its author thought of. One that lacks a field by which we tell requests
apart (an authorizer's principal, a certificate) would make two callers one, so it is refused. An
object in which no AWS event is recognized may be a part of one, such as the body that an envelope
took out: two requests with equal bodies would be one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import ConfigurationError
from .sources import default_key
from .values import declares, member


def _below(path: str, names: str) -> tuple[str, ...]:
    return tuple(f"{path}.{name}" for name in names.split())


_API: Final = _below("requestContext", "domainName stage apiId authorizer")
_CERTIFICATE: Final = "clientCert.issuerDN clientCert.subjectDN clientCert.clientCertPem"
_IDENTITY: Final = _below(
    "requestContext.identity",
    f"cognitoIdentityId user userArn caller apiKeyId {_CERTIFICATE}",
)
_BODY: Final = ("body", "isBase64Encoded")
_V1: Final = (
    *(*_BODY, "headers", "multiValueHeaders", "httpMethod", "path", "resource", "pathParameters"),
    *("queryStringParameters", "multiValueQueryStringParameters", "requestContext.path"),
    *(*_API, *_IDENTITY, "requestContext.authorizer.claims.iss"),
)
_URL: Final = (
    *(*_BODY, "headers", "rawPath", "rawQueryString", "routeKey", *_API),
    *_below("requestContext.authorizer.iam", "userId userArn cognitoIdentity.identityId"),
)
_V2: Final = (
    *(*_URL, "pathParameters", *_below("requestContext.authentication", _CERTIFICATE)),
    *_below("requestContext.authorizer", "jwt.claims.iss lambda"),
)
_READ: Final[Mapping[str | None, tuple[str, ...]]] = {
    "rest": _V1,
    "http-1.0": _V1,
    "http-2.0": _V2,
    "url": _URL,
    "alb": (*_BODY, "headers", "httpMethod", "path", "queryStringParameters"),
    None: ("requestContext.routeKey", *_API, *_IDENTITY),
}
"""The fields that tell requests apart, by the shape of the event; None: a WebSocket API."""

_ABOVE: Final = "Put ours above the decorator that has parsed it"


def check_request(event: Any, seen: Mapping[str, Any], shape: str | None) -> None:
    """Raise `ConfigurationError` if a parsed request of this shape has lost a field. `seen` is the
    JSON that the event stands for."""
    context = seen.get("requestContext")
    if not isinstance(context, Mapping) or (shape is None and "connectionId" not in context):
        return
    paths = _READ.get(shape, ())
    lost = next((path for path in paths if _lacks(event, path)), None)
    if lost is None and context.get("authorizer") == {}:  # an object of which nothing was kept
        lost = "requestContext.authorizer"
    if lost is not None:
        raise ConfigurationError(
            f"the event is a {type(event).__name__}, whose class does not keep {lost}: two "
            f"requests, or their callers, could be one. {_ABOVE}"
        )


def check_known(event: Any, seen: Any) -> None:
    """Raise `ConfigurationError` if no AWS event is recognized in a parsed one."""
    if default_key(seen)[0] == "":
        raise ConfigurationError(
            f"the event is a {type(event).__name__}, which a decorator has made of the one that "
            f"was delivered, perhaps of a part of it. {_ABOVE}, or pass key="
        )


def _lacks(value: Any, path: str) -> bool:
    """Tell whether an object on the way has a class without the next field of the path."""
    for name in path.split("."):
        if value is None:
            return False
        if not declares(value, name):
            return True
        value = member(value, name)
    return False
