"""The event shapes: each reads a request, and writes an answer in the form its source expects.

AWS documents them: API Gateway, "Lambda proxy integrations" (payload formats 1.0 and 2.0); Lambda,
"function URLs"; Elastic Load Balancing, "Lambda functions as targets". `events.http_shape` tells
them apart.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from ..contract.http import ApiScope
from ..identity.callers import Caller, caller_behind_elb, caller_in_v1, caller_in_v2
from ..identity.scope import api_of
from ..identity.values import MAPPINGS, as_mapping
from ..response import lambda_json
from .response import Answer, merged, merged_lists

_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9$_.+!*'()~-]+)*")
"""The form of stage names and base paths. Clients choose the path of a request, so nothing else
from it may enter a header that this layer writes."""


class Request(ABC):
    """One HTTP request. It tolerates any event: what is absent reads as empty."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.event = event
        self.context: Mapping[str, Any] = as_mapping(event.get("requestContext"))
        self.parameters: Mapping[str, Any] = as_mapping(event.get("pathParameters"))
        self._headers: dict[str, list[str]] | None = None

    # Reading --------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def method(self) -> str:
        """The HTTP method, in capitals."""

    @property
    @abstractmethod
    def path(self) -> str:
        """The requested path, including the stage's name."""

    @property
    @abstractmethod
    def template(self) -> str:
        """The route's path, such as `/orders/{id}`; `$default` or '' for a catch-all route."""

    @property
    @abstractmethod
    def caller(self) -> Caller:
        """The caller of the request."""

    def api(self, by: ApiScope) -> tuple[str, ...]:
        """Return what tells the API from others."""
        return api_of(self.context, by)

    def route(self, by: ApiScope) -> list[Any]:
        """Return the parts that tell one operation of the API from another. Of two APIs behind one
        domain, the base path tells; by `api` and `none`, an API may be called by several."""
        path, template = self.path, self.template
        base = self._base(path, template)
        if template in ("", "$default"):
            template = path.removeprefix(base or "")
        counted = (path if base is None else base) if by in ("stage", "domain") else ""
        return [self.method, counted, template, dict(self.parameters)]

    @property
    def prefix(self) -> str:
        """The path before the API's own paths: the stage's name, or a custom domain's base path; ''
        if it cannot be told."""
        return self._base(self.path, self.template) or ""

    def _base(self, path: str, template: str) -> str | None:
        """Return the prefix; None if the path is not one of the template."""
        if template in ("", "$default"):
            stage = f"/{_text(self.context.get('stage'))}"
            return stage if path.startswith(f"{stage}/") and stage != "/" else ""
        parts = template.strip("/").split("/") if template != "/" else []
        segments = path.rstrip("/").split("/")
        decoded = [_decoded(segment) for segment in segments]
        start = len(segments) - len(parts)
        if parts and parts[-1].endswith("+}"):  # greedy: its value says how many segments it has
            value = _text(self.parameters.get(parts.pop()[1:-2])).strip("/")
            found = _ending(segments, value) or _ending(decoded, value)
            start = found - len(parts)
        fits = start > 0 and all(
            part.startswith("{") or part in (segments[start + at], decoded[start + at])
            for at, part in enumerate(parts)
        )
        base = "/".join(segments[:start])
        return base if fits and _PREFIX.fullmatch(base) else None

    def header(self, name: str) -> list[str]:
        """Return all values of a header."""
        if self._headers is None:
            self._headers = self._read_headers()
        return self._headers.get(name.lower(), [])

    def _read_headers(self) -> dict[str, list[str]]:
        """Return all values of each header, by its name in lower case."""
        found: dict[str, list[str]] = {}
        for form in ("multiValueHeaders", "headers"):
            for header, value in as_mapping(self.event.get(form)).items():
                if type(value) is str:  # almost all are
                    texts = [value]
                else:
                    values = value if isinstance(value, list) else [value]
                    texts = [str(value) for value in values if value is not None]
                name = str(header).lower()
                found[name] = found[name] + texts if name in found else texts
        return found

    @property
    def query(self) -> Any:
        """The query in a form that does not depend on the order of its parameters."""
        several = as_mapping(self.event.get("multiValueQueryStringParameters"))
        single = as_mapping(self.event.get("queryStringParameters"))
        return {
            **{name: [value] for name, value in single.items()},
            **{name: list(values) for name, values in several.items() if isinstance(values, list)},
        }

    # Writing --------------------------------------------------------------------------------------

    def write(self, answer: Answer) -> dict[str, Any]:
        """Return an answer in the form that the event source expects."""
        return {
            "statusCode": answer.status,
            "headers": dict(answer.headers),
            "body": answer.body,
            "isBase64Encoded": False,
        }

    def explicit(self, result: Any) -> dict[str, Any] | None:
        """Return a handler's result with all that its source infers, None if that is uncertain."""
        return dict(result) if isinstance(result, MAPPINGS) else None

    def status(self, result: Any) -> int | None:
        """Return the status that the source derives from a handler's result. None: it cannot read
        the result, and answers 502 Bad Gateway itself."""
        return _status(result.get("statusCode")) if _is_response(result) else None

    def add_headers(self, response: dict[str, Any], headers: Mapping[str, str]) -> None:
        """Add headers to an explicit response."""
        response["headers"] = merged(as_mapping(response.get("headers")), headers)


class Format1(Request):
    """A request of a REST API, or of an HTTP API in payload format 1.0."""

    @property
    def method(self) -> str:
        return _text(self.event.get("httpMethod")).upper()

    @property
    def path(self) -> str:
        return _text(self.context.get("path")) or _text(self.event.get("path"))

    @property
    def template(self) -> str:
        return _text(self.event.get("resource"))

    @property
    def caller(self) -> Caller:
        return caller_in_v1(self.context)


class Format2(Request):
    """A request of an HTTP API in payload format 2.0, or of a function URL, which has one route:
    `$default`. A result without a status is the body."""

    @property
    def method(self) -> str:
        return _text(self.context["http"].get("method")).upper()

    @property
    def path(self) -> str:
        return _text(self.event.get("rawPath"))

    @property
    def template(self) -> str:
        return _text(self.event.get("routeKey")).rpartition(" ")[2]

    @property
    def caller(self) -> Caller:
        return caller_in_v2(self.context)

    @property
    def query(self) -> Any:
        # Decoded, as format 1.0 has it: an API may change its format between two retries.
        found: dict[str, list[str]] = {}
        for part in filter(None, _text(self.event.get("rawQueryString")).split("&")):
            name, _, value = part.partition("=")
            found.setdefault(_decoded(name), []).append(_decoded(value))
        return found

    def explicit(self, result: Any) -> dict[str, Any] | None:
        if isinstance(result, MAPPINGS) and result.get("statusCode") is not None:
            return dict(result)
        if result is None or isinstance(result, str):
            return None  # AWS does not document whether such a body is in quotes
        return {
            "statusCode": 200,
            "headers": {"content-type": "application/json"},
            "body": lambda_json.sent(result),
            "isBase64Encoded": False,
        }

    def status(self, result: Any) -> int | None:
        if isinstance(result, MAPPINGS) and result.get("statusCode") is not None:
            return super().status(result)
        return 200


class LoadBalancer(Request):
    """A request of a load balancer. The answer's headers have the same of two forms as its own."""

    @property
    def method(self) -> str:
        return _text(self.event.get("httpMethod")).upper()

    @property
    def path(self) -> str:
        return _text(self.event.get("path"))

    @property
    def template(self) -> str:
        return ""

    def api(self, by: ApiScope) -> tuple[str, ...]:
        """Return the domain that was called: weighted target groups share it."""
        return api_of({"domainName": ",".join(self.header("host"))}, by)

    @property
    def caller(self) -> Caller:
        return caller_behind_elb(self.header)

    def write(self, answer: Answer) -> dict[str, Any]:
        response: dict[str, Any] = {
            "statusCode": answer.status,
            "statusDescription": f"{answer.status} {answer.phrase}",
            "body": answer.body,
            "isBase64Encoded": False,
        }
        self.add_headers(response, answer.headers)
        return response

    def status(self, result: Any) -> int | None:
        has_one = isinstance(result, MAPPINGS) and result.get("statusCode") is not None
        return super().status(result) if has_one else None

    def add_headers(self, response: dict[str, Any], headers: Mapping[str, str]) -> None:
        if self.event.get("multiValueHeaders") is None:
            return super().add_headers(response, headers)
        present = as_mapping(response.get("multiValueHeaders"))
        response["multiValueHeaders"] = merged_lists(present, headers)
        return None


SHAPES: Final[Mapping[str, type[Request]]] = {
    "rest": Format1,
    "http-1.0": Format1,
    "http-2.0": Format2,
    "url": Format2,
    "alb": LoadBalancer,
}


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text, errors="surrogateescape")  # bytes that are no UTF-8 stay apart


def _ending(segments: list[str], value: str) -> int:
    """Return the place of the last segments of a path that are a value together, 0 if none are."""
    length = -1
    for at in range(len(segments) - 1, 0, -1):
        length += 1 + len(segments[at])
        if length >= len(value):
            return at if "/".join(segments[at:]) == value else 0
    return 0


def _is_response(result: Any) -> bool:
    """Tell whether a result has the form of a response: its body a text, its headers by name."""
    if not isinstance(result, MAPPINGS):
        return False
    body, *forms = (result.get(name) for name in ("body", "headers", "multiValueHeaders"))
    return (body is None or isinstance(body, str)) and all(
        form is None or isinstance(form, MAPPINGS) for form in forms
    )


def _status(value: Any) -> int | None:
    if value is None:
        return 200
    try:
        status = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return status if 100 <= status <= 599 else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
