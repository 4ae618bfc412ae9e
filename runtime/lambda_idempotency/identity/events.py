"""What key and fingerprint expressions see: the event with its JSON texts decoded.

The five HTTP event shapes are told apart as AWS documents them (API Gateway: "Lambda proxy
integrations", payload formats 1.0 and 2.0; Lambda: "function URLs"; ELB: "Lambda functions as
targets").
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from .canonical import NotJSONError, parse

HttpShape: TypeAlias = Literal["rest", "http-1.0", "http-2.0", "url", "alb", "unknown"]

_V1: Final[Mapping[str | None, HttpShape]] = {None: "rest", "1.0": "http-1.0"}

BATCH_SOURCES: Final = ("aws:sqs", "aws:kinesis", "aws:dynamodb")


def view(event: Any) -> Any:
    """The event as expressions see it; the event itself is left alone.

    For an HTTP event the body is decoded (base64, then JSON) and header names are in lower case.
    Raises ValueError where the body is JSON that does not say one thing (a name twice, NaN).
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
    """The shape of an HTTP request, `unknown` where its version is none of ours; else None.

    Events of authorizers (they name the ARN that is asked for), of Lambda's own destinations
    (version 1.0) and of VPC Lattice (version 2.0) look alike, and are no requests.
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
    """Whether the event is a REST API, HTTP API, function URL or load balancer request."""
    return http_shape(event) not in (None, "unknown")


def batch_source(event: Any) -> str | None:
    """The event source, where the event is a batch of SQS, Kinesis or DynamoDB Streams records."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    first = records[0] if isinstance(records, list) and records else None
    source = first.get("eventSource") if isinstance(first, Mapping) else None
    return source if source in BATCH_SOURCES else None


def decoded(body: str, *, base64_encoded: bool) -> Any:
    """What a text says: base64 is undone where it is, then JSON; the text where it is neither.

    Raises ValueError where it is JSON that does not say one thing.
    """
    text: str | bytes = body
    if base64_encoded:
        try:
            text = binascii.a2b_base64(body, strict_mode=True)
        except (binascii.Error, ValueError):
            return body
    try:
        return parse(text)
    except NotJSONError:
        # Not JSON: expressions see the text, or the body as it came where it is not text either.
        try:
            return text if isinstance(text, str) else text.decode()
        except UnicodeDecodeError:
            return body
