"""Events of HTTP requests, GraphQL, and authorizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..batches import ACCOUNT
from .sample import Sample, changed

_HEADERS: Final = {"Idempotency-Key": "k-1", "Content-Type": "application/json"}
_BODY: Final = {"body": '{"order_id": 7}', "isBase64Encoded": False}
_V1: Final[dict[str, Any]] = {
    "resource": "/orders",
    "path": "/orders",
    "httpMethod": "POST",
    "headers": _HEADERS,
    "multiValueHeaders": {},
    "queryStringParameters": None,
    "pathParameters": None,
    "requestContext": {"requestId": "a", "requestTimeEpoch": 1, "apiId": "api", "stage": "prod"},
    **_BODY,
}
_V2: Final[dict[str, Any]] = {
    "version": "2.0",
    "routeKey": "POST /orders",
    "rawPath": "/orders",
    "rawQueryString": "",
    "headers": {name.lower(): value for name, value in _HEADERS.items()},
    "requestContext": {
        "requestId": "a",
        "timeEpoch": 1,
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "stage": "$default",
        "http": {"method": "POST", "path": "/orders"},
    },
    **_BODY,
}
_URL: Final = changed(
    _V2,
    {"routeKey": "$default", "requestContext/domainName": "id.lambda-url.us-east-1.on.aws"},
)
_ALB: Final[dict[str, Any]] = {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:x"}},
    "httpMethod": "POST",
    "path": "/orders",
    "queryStringParameters": {},
    "headers": {"idempotency-key": "k-1", "x-amzn-trace-id": "Root=1"},
    **_BODY,
}
_V1_CHANGES: Final = {"requestContext/requestId": "b", "requestContext/requestTimeEpoch": 2}
_V2_CHANGES: Final = {"requestContext/requestId": "b", "requestContext/timeEpoch": 2}
_LATTICE_1: Final = {
    "raw_path": "/orders",
    "method": "POST",
    "is_base64_encoded": False,
    "body": "{}",
    "headers": {"idempotency-key": "k-1"},
    "query_string_parameters": {},
}
_LATTICE_2: Final = {
    "version": "2.0",
    "path": "/orders",
    "method": "POST",
    "body": "{}",
    "headers": {"idempotency-key": ["k-1"]},
    "requestContext": {"serviceNetworkArn": "arn:aws:vpc-lattice:x", "timeEpoch": "1"},
}


def _socket(event_type: str) -> dict[str, Any]:
    context = {"connectionId": "c-1", "eventType": event_type, "requestId": "a", "messageId": "m"}
    return {"requestContext": context, "body": '{"order_id": 7}', "isBase64Encoded": False}


_RESOLVER: Final[dict[str, Any]] = {
    "arguments": {"order_id": 7},
    "identity": None,
    "request": {"headers": {"x-amzn-trace-id": "Root=1"}},
    "info": {"fieldName": "createOrder", "parentTypeName": "Mutation", "variables": {}},
}
_CHANNEL: Final = {
    "info": {
        "channel": {"path": "/orders/7", "segments": ["orders", "7"]},
        "channelNamespace": {"name": "orders"},
        "operation": "PUBLISH",
    },
    "events": [{"id": "e-1", "payload": {"order_id": 7}}],
    "request": {"headers": {}},
}
_AUTHORIZER: Final = {
    "type": "TOKEN",
    "methodArn": f"arn:aws:execute-api:{ACCOUNT}:api/prod/POST/orders",
    "authorizationToken": "Bearer x",
}

SAMPLES: Final[Mapping[str, Sample]] = {
    "REST API": Sample(_V1, "header", "k-1", _V1_CHANGES, {"headers/Idempotency-Key": "k-2"}),
    "HTTP API, payload 1.0": Sample(
        {"version": "1.0", **_V1}, "header", "k-1", _V1_CHANGES, {"headers/Idempotency-Key": "k-2"}
    ),
    "HTTP API, payload 2.0": Sample(
        _V2, "header", "k-1", _V2_CHANGES, {"headers/idempotency-key": "k-2"}
    ),
    "Function URL": Sample(_URL, "header", "k-1", _V2_CHANGES, {"headers/idempotency-key": "k-2"}),
    "Application Load Balancer": Sample(
        *(_ALB, "header", "k-1"),
        again={"headers/x-amzn-trace-id": "Root=2"},
        other={"headers/idempotency-key": "k-2"},
    ),
    "VPC Lattice, version 1": Sample(_LATTICE_1, "refused", "k-1"),
    "VPC Lattice, version 2": Sample(_LATTICE_2, "refused", "k-1"),
    "WebSocket API, connections": Sample(
        *(_socket("CONNECT"), "this key", ["c-1", "CONNECT"]),
        again={"requestContext/requestId": "b"},
        other={"requestContext/eventType": "DISCONNECT"},
    ),
    "WebSocket API, messages": Sample(_socket("MESSAGE"), "refused"),
    "AppSync resolver": Sample(_RESOLVER, "refused", ["Mutation", "createOrder", 7]),
    "AppSync batch resolver": Sample([_RESOLVER, _RESOLVER], "refused"),
    "AppSync Events": Sample(_CHANNEL, "refused"),
    "Authorizers": Sample(_AUTHORIZER, "afresh"),
}
