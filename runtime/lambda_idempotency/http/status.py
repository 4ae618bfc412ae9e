"""`GET {status_path}/{token}`: the state of a request, for the caller that made it.

The token is the digest in the record's id. For any other caller, API or tenant the record does not
exist. Without an authorizer the answer holds only the state, never the response.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..errors import ResponseUnavailableError, StoreError
from ..execution.invocation_scope import invocation_tenant
from ..execution.outcomes import error_of
from ..identity.keys import state_scope
from ..protocol.record import COMPLETED, NOT_KEPT, PARKED, Conflict, Record
from ..protocol.steps import Unavailable
from .answers import retry_after, state
from .shapes import Request

if TYPE_CHECKING:
    from ..execution.invocation import Invocation
    from .mode import HttpMode

_TOKEN: Final = re.compile(r"[0-9a-f]{64}")


def token_in(request: Request, status_path: str | None) -> str | None:
    """Return the token in a request for the status, in any form; None for another request."""
    if status_path is None or request.method != "GET":
        return None
    head, _, token = request.path.removeprefix(request.prefix).rpartition("/")
    return token if head == status_path else None


def answer(
    mode: HttpMode, request: Request, invocation: Invocation, prefix: str, token: str
) -> Any:
    """Answer a request for the status. `prefix` begins the ids of the operation's records."""
    scope = mode.scope(request, invocation_tenant())
    if not _TOKEN.fullmatch(token):
        return mode.refuse(request, "bad token", 400)
    try:
        reply = invocation.read(f"{prefix}{token}")
    except Exception as error:  # noqa: BLE001 - whatever it is, the store did not answer
        return mode.outage(request, error_of(Unavailable(error)))
    if not isinstance(reply, Conflict) or reply.record.scope != state_scope(scope):
        return mode.refuse(request, "not found", 404)
    record, now = reply.record, reply.now
    if record.status == COMPLETED:
        return _completed(mode, request, invocation, record, with_body=bool(scope.caller))
    if record.status == PARKED:
        return mode.refuse(request, "parked", 500)
    if not record.leased(now):
        return mode.refuse(request, "interrupted", 409)
    return mode.write(request, state(202, "in_progress", retry_after(record.lease_end - now)))


def _completed(
    mode: HttpMode, request: Request, invocation: Invocation, record: Record, *, with_body: bool
) -> Any:
    if not with_body or record.encoding == NOT_KEPT:
        return mode.write(request, state(200, "completed"))
    try:
        return mode.replay(request, invocation.fetch_and_restore(record))
    except StoreError as error:
        return mode.outage(request, error)
    except ResponseUnavailableError:
        return mode.refuse(request, "unavailable", 410)
