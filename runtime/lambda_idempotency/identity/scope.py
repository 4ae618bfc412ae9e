"""The scope of a request: two requests with one key are one only where all of it agrees.

    tenant    of Lambda's tenant isolation mode; of every operation
    api       the place that was called; see `api_of`
    caller    the proofs of who sent it; see `callers`
    route     the method, and the resource
    source    what an id counts within: the kind of event; a record's queue, stream or topic; the
              class that inherits the method which was called

API, caller and route are of HTTP requests and of WebSocket messages. Where there is none, it is
null or empty, and part of the scope as well: nobody's request is not somebody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..tuples import NamedTuple
from .canonical import canonical
from .values import MAPPINGS


class Scope(NamedTuple):
    """All that a key is valid within, beside the namespace and the operation."""

    tenant: str | None = None
    api: tuple[str, ...] = ()
    caller: tuple[tuple[str, ...], ...] = ()
    route: Sequence[Any] = ()
    source: str = ""

    def canonical(self) -> bytes:
        """Return the one form of the scope, which is part of the record's id."""
        return _ANYWHERE if self == ANYWHERE else canonical(list(self), parsed=True)


ANYWHERE: Final = Scope()
"""The scope of an operation that has no tenant and serves no API."""

_ANYWHERE: Final = canonical(list(ANYWHERE))  # of most calls, so it is not made anew


def tenant_of(context: Any) -> str | None:
    """Return the tenant that a Lambda invocation is for; None where its function has none.

    https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-context.html
    """
    tenant = getattr(context, "tenant_id", None)
    return tenant if isinstance(tenant, str) else None  # a test's mock has every attribute


def api_of(context: Mapping[str, Any], by: str) -> tuple[str, ...]:
    """Return what tells the API in a request's context from others, by the option `api_scope`.

    The domain is the one that was called, and stays when the API behind it is replaced. For a load
    balancer it is the Host: weights move requests from one target group behind it to another.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
    """
    domain = ("domain", _text(context.get("domainName")).lower())
    stage = ("stage", _text(context.get("stage")))
    if by == "stage":
        return (*domain, *stage)
    if by == "domain":
        return domain
    return ("api", _text(context.get("apiId")), *stage) if by == "api" else ()


def message_scope(event: Any, tenant: str | None, *, api: str, claim: str | None) -> Scope:
    """Return the scope of an event that is served by its key alone. If it is a message of a
    WebSocket API, it has an API, a caller and a route. Raises as `principal_of`.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
    """
    context = event.get("requestContext") if isinstance(event, MAPPINGS) else None
    if context is None or not isinstance(context, MAPPINGS) or "connectionId" not in context:
        return ANYWHERE if tenant is None else Scope(tenant)
    from .callers import caller_in_v1, principal_of  # for few events

    caller = principal_of(caller_in_v1(context), claim)
    route = [_text(context.get("routeKey"))]
    return Scope(tenant, api_of(context, api), caller, route)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
