"""HTTP requests in every event shape, and the responses as a client reads them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KEY: Final = "8e03978e-40d5-43dd-bc93-6894a57f9324"


@dataclass(frozen=True, kw_only=True)
class Http:
    """One request as a client sends it; the source's authorizer knows `caller`."""

    method: str = "POST"
    template: str = "/orders/{id}"
    parameters: Mapping[str, str] = field(default_factory=lambda: {"id": "7"})
    headers: tuple[tuple[str, str], ...] = (("Idempotency-Key", KEY),)
    query: tuple[tuple[str, str], ...] = (("dry", "no"),)
    body: str | None = '{"amount": 5}'
    in_base64: bool = False
    caller: str | None = None
    stage: str = "prod"

    @property
    def path(self) -> str:
        """The template with its parameters filled in."""
        path = self.template
        for name, value in self.parameters.items():
            path = path.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
        return path

    @classmethod
    def status_of(cls, record_id: str, *, caller: str | None = None) -> Http:
        """Return the request that asks for the state of the request with this record."""
        return cls(
            method="GET",
            template="/idempotency/{token}",
            parameters={"token": record_id.partition("#")[2]},
            headers=(),
            query=(),
            body=None,
            caller=caller,
        )


@dataclass(frozen=True)
class Seen:
    """A response as a client sees it; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


def rest(http: Http) -> dict[str, Any]:
    """Return a REST API's event."""
    authorizer = None if http.caller is None else {"claims": _claims(http.caller)}
    return {
        "resource": http.template,
        "path": http.path,
        "httpMethod": http.method,
        **_headers(http.headers),
        **_several_headers(http.headers),
        "queryStringParameters": dict(http.query) or None,
        "multiValueQueryStringParameters": _several(http.query) or None,
        "pathParameters": dict(http.parameters) or None,
        "requestContext": {
            "resourcePath": http.template,
            "path": f"/{http.stage}{http.path}",
            "stage": http.stage,
            "domainName": "api.execute-api.us-east-1.amazonaws.com",
            "apiId": "api",
            "identity": {"sourceIp": "192.0.2.1", "userArn": None, "user": None, "caller": None},
            **({} if authorizer is None else {"authorizer": authorizer}),
        },
        **_body(http),
    }


def http_1(http: Http) -> dict[str, Any]:
    """Return an HTTP API's event, payload format 1.0. Without an authorizer it has two nulls."""
    event = rest(http)
    claims = None if http.caller is None else _claims(http.caller)
    context = {**event["requestContext"], "authorizer": {"claims": claims, "scopes": None}}
    return {**event, "version": "1.0", "requestContext": context}


def http_2(http: Http) -> dict[str, Any]:
    """Return an HTTP API's event, payload format 2.0."""
    joined: dict[str, str] = {}
    for name, value in http.headers:
        lower = name.lower()
        joined[lower] = f"{joined[lower]},{value}" if lower in joined else value
    jwt = {"jwt": {"claims": _claims(http.caller), "scopes": None}} if http.caller else None
    return {
        "version": "2.0",
        "routeKey": f"{http.method} {http.template}",
        "rawPath": f"/{http.stage}{http.path}",
        "rawQueryString": "&".join(f"{name}={value}" for name, value in http.query),
        "headers": joined,
        "queryStringParameters": dict(http.query),
        "pathParameters": dict(http.parameters),
        "requestContext": {
            "stage": http.stage,
            "domainName": "api.execute-api.us-east-1.amazonaws.com",
            "apiId": "api",
            "http": {"method": http.method, "path": f"/{http.stage}{http.path}"},
            **({} if jwt is None else {"authorizer": jwt}),
        },
        **_body(http),
    }


def url(http: Http) -> dict[str, Any]:
    """Return a function URL's event."""
    event = http_2(http)
    del event["pathParameters"]
    context = {
        "stage": "$default",
        "domainName": "abc.lambda-url.us-east-1.on.aws",
        "http": {"method": http.method, "path": http.path},
        "authorizer": None if http.caller is None else {"iam": {"userId": f"AROA{http.caller}:s"}},
    }
    return {**event, "routeKey": "$default", "rawPath": http.path, "requestContext": context}


def alb(http: Http) -> dict[str, Any]:
    """Return a load balancer's event."""
    return {
        **_load_balanced(http),
        **_headers(_oidc(http)),
        "queryStringParameters": dict(http.query),
    }


def alb_multi(http: Http) -> dict[str, Any]:
    """Return a load balancer's event for a target group with multi-value headers."""
    return {
        **_load_balanced(http),
        **_several_headers(_oidc(http)),
        "multiValueQueryStringParameters": _several(http.query),
    }


SHAPES: Final[Mapping[str, Callable[[Http], dict[str, Any]]]] = {
    "rest": rest,
    "http-1.0": http_1,
    "http-2.0": http_2,
    "url": url,
    "alb": alb,
    "alb-multi": alb_multi,
}


def seen(shape: str, response: Any) -> Seen:
    """Return the response that a client gets. Raises AssertionError if the source would not accept
    it.
    """
    if shape in ("http-2.0", "url") and not (
        isinstance(response, dict) and "statusCode" in response
    ):
        return Seen(200, {"content-type": "application/json"}, json.dumps(response))
    assert isinstance(response["statusCode"], int)
    assert "multiValueHeaders" not in response or shape in ("rest", "http-1.0", "alb-multi")
    assert "headers" not in response or shape != "alb-multi"
    assert "cookies" not in response or shape in ("http-2.0", "url")
    headers = {name.lower(): str(value) for name, value in response.get("headers", {}).items()}
    for name, values in response.get("multiValueHeaders", {}).items():
        headers[name.lower()] = ", ".join(values)
    if cookies := response.get("cookies"):
        headers["set-cookie"] = ", ".join(cookies)
    return Seen(response["statusCode"], headers, response.get("body", ""))


def respond(shape: str, status: int, body: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return a handler's response in the form that its source expects."""
    response: dict[str, Any] = {"statusCode": status, "body": body}
    rest_of = dict(headers)
    if shape in ("http-2.0", "url") and "Set-Cookie" in rest_of:
        response["cookies"] = [rest_of.pop("Set-Cookie")]
    if shape == "alb-multi":
        return {**response, "multiValueHeaders": _several(tuple(rest_of.items()))}
    return {**response, "headers": rest_of}


def _load_balanced(http: Http) -> dict[str, Any]:
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:x"}},
        "httpMethod": http.method,
        "path": http.path,
        **_body(http),
    }


def _oidc(http: Http) -> tuple[tuple[str, str], ...]:
    return http.headers + ((("x-amzn-oidc-identity", http.caller),) if http.caller else ())


def _claims(caller: str) -> dict[str, str]:
    return {"iss": "https://issuer.example", "sub": caller, "tenant": f"tenant of {caller}"}


def _body(http: Http) -> dict[str, Any]:
    if http.in_base64 and http.body is not None:
        return {"body": base64.b64encode(http.body.encode()).decode(), "isBase64Encoded": True}
    return {"body": http.body, "isBase64Encoded": False}


def _headers(headers: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {"headers": dict(headers)}


def _several_headers(headers: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {"multiValueHeaders": _several(headers)}


def _several(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
