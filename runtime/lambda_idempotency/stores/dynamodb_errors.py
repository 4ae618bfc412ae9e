"""The errors of requests to DynamoDB, for the one who has to do something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import StoreError
from .transaction import CANCELED

NOT_DYNAMODB: Final = (
    "Is it DynamoDB itself? A compatible server must answer conditional writes as DynamoDB does."
)
_HINTS: Final = {
    "AccessDeniedException": "Attach the function with Idempotency.attach(), or see grant_use().",
    "ResourceNotFoundException": "Is the table in this account and region?",
}


def code_of(response: Mapping[str, Any]) -> str:
    """Return the code of the error in a response, or an empty string."""
    code: str = response.get("Error", {}).get("Code", "")
    return code


def unreachable(
    operation: str,
    table: str,
    error: Exception,
    response: Mapping[str, Any],
    *,
    host: str | None,
) -> StoreError:
    """Return the error of a request that has failed. It quotes nothing of DynamoDB's."""
    code = code_of(response) or type(error).__name__
    request = response.get("ResponseMetadata", {}).get("RequestId", "none")
    about = getattr(error, "about", "")
    return StoreError(
        f"DynamoDB {operation} on table {table} failed: {code}{about} (request id {request}). "
        f"{_HINTS.get(code, '')}".rstrip(),
        applied=False if code == CANCELED else None,
        code=code,
        host=host,
    )
