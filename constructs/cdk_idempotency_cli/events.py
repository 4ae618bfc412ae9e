"""Events that stand for a request: only what its record's id depends on."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import click

_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def of_key(expression: str | None, key: Any) -> Any:
    """Return an event in which a key expression finds this key. Raises `UsageError` unless the
    expression is a path of names."""
    if expression is None:
        return key
    return _nested(expression, key)


def of_message(queue: str, expression: str | None, key: Any) -> dict[str, Any]:
    """Return a batch of one message from a queue, in which a key expression finds this key."""
    message: dict[str, Any] = {"messageId": "0", "body": ""}
    found = _nested(expression or "messageId", key)
    if isinstance(found.get("body"), dict):
        found["body"] = json.dumps(found["body"])
    return {"Records": [{**message, **found, "eventSource": "aws:sqs", "eventSourceARN": queue}]}


def _nested(path: str, value: Any) -> dict[str, Any]:
    if not _PATH.fullmatch(path):
        raise click.UsageError(
            f"The function's key is {path!r}, from which no event can be made: pass --event FILE"
        )
    for name in reversed(path.split(".")):
        value = {name: value}
    found: dict[str, Any] = value
    return found


class Http(NamedTuple):
    """The parts of an HTTP request that its record's id depends on."""

    route: str
    """The method and the template, such as `POST /orders/{id}`."""
    host: str
    api: str = "http"
    path: str | None = None
    stage: str = "$default"
    headers: tuple[str, ...] = ()
    body: str | None = None
    jwt: tuple[str, str] | None = None
    iam: str | None = None

    def event(self) -> dict[str, Any]:
        """Return the event of a REST API (`rest`), an HTTP API (`http`) or a function URL (`url`).

        Raises `UsageError` for a route or header that is none.
        """
        method, _, template = self.route.partition(" ")
        if not template.startswith("/"):
            raise click.UsageError(f"{self.route!r} is no route, such as 'POST /orders/{{id}}'")
        path = template if self.path is None else self.path
        headers = dict(map(_header, self.headers))
        parameters = {} if self.api == "url" else _parameters(template, path)
        if self.api == "rest":
            return self._rest(method, template, path, headers, parameters)
        route = "$default" if self.api == "url" else self.route
        claims = None if self.jwt is None else dict(zip(("iss", "sub"), self.jwt, strict=True))
        authorizer: dict[str, Any] = {} if claims is None else {"jwt": {"claims": claims}}
        if self.iam is not None:
            authorizer["iam"] = {"userId": self.iam}
        return {
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": "",
            "headers": headers,
            "pathParameters": parameters,
            "requestContext": {
                "stage": self.stage,
                "domainName": self.host,
                "http": {"method": method, "path": path},
                **({"authorizer": authorizer} if authorizer else {}),
            },
            "body": self.body,
            "isBase64Encoded": False,
        }

    def _rest(
        self,
        method: str,
        template: str,
        path: str,
        headers: dict[str, str],
        parameters: dict[str, str],
    ) -> dict[str, Any]:
        context: dict[str, Any] = {
            "stage": self.stage,
            "domainName": self.host,
            "path": path,
            "identity": {} if self.iam is None else {"user": self.iam, "userArn": self.iam},
        }
        if self.jwt is not None:
            claims = dict(zip(("iss", "sub"), self.jwt, strict=True))
            context["authorizer"] = {"claims": claims}
        return {
            "resource": template,
            "path": path,
            "httpMethod": method,
            "headers": headers,
            "pathParameters": parameters or None,
            "requestContext": context,
            "body": self.body,
            "isBase64Encoded": False,
        }


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError(f"{name!r} is no header, such as 'Idempotency-Key: 1'")
    return name.strip(), value.strip()


def _parameters(template: str, path: str) -> dict[str, str]:
    """Return the path's values for the template's parameters. A path may have a stage or base path
    before it."""
    names = re.findall(r"\{(\w+)\+?\}", template)
    if not names:
        return {}
    pattern = re.escape(template)
    for name in names:
        pattern = pattern.replace(rf"\{{{name}\+\}}", "(.+)").replace(rf"\{{{name}\}}", "([^/]+)")
    found = re.search(f"{pattern}$", path)
    if found is None or path == template:
        raise click.UsageError(f"The route {template} has parameters; pass --path, as requested")
    return dict(zip(names, found.groups(), strict=True))
