"""A completion or a step together with the business's own writes: one TransactWriteItems.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from ..contract.names import PARTITION_KEY
from ..protocol.record import INPROGRESS, Claim, Completion
from ..tuples import NamedTuple

# It contains no time: every try has the same bytes, as the token demands. A record that has expired
# and still exists is still ours, and nobody else has run.
_OWN: Final = "#status = :inprogress AND #owner = :me"
_OWN_BEFORE: Final = f"{_OWN} AND #revision < :revision"
_OWN_OR_ABSENT: Final = f"attribute_not_exists(#id) OR ({_OWN})"

_FINAL: Final = frozenset(
    {"ConditionalCheckFailed", "ItemCollectionSizeLimitExceeded", "ValidationError"}
)
"""Reasons that will be the same at the next try."""

_REFUSED: Final = frozenset(
    {
        *("AccessDeniedException", "ResourceNotFoundException", "ValidationException"),
        *("SerializationException", "RequestEntityTooLarge"),
        "ParamValidationError",  # boto3's own, before it sends anything
    }
)
"""Errors that come before anything is written, and will come at the next try too."""


class Verdict(NamedTuple):
    """The cause of a canceled transaction: the record's condition, or (`about`) a write's fault."""

    item: Mapping[str, Any] | None = None
    about: str | None = None


def request(table: str, write: Completion | Claim, item: dict[str, Any]) -> dict[str, Any]:
    """Return the request. A repetition is harmless: by its token for ten minutes, then by its
    condition."""
    put: dict[str, Any] = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": _OWN,
        "ExpressionAttributeNames": {"#status": "status", "#owner": "owner"},
        "ExpressionAttributeValues": {
            ":inprogress": {"S": INPROGRESS},
            ":me": {"S": write.owner},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if isinstance(write, Claim):
        put["ConditionExpression"] = _OWN_BEFORE
        put["ExpressionAttributeNames"]["#revision"] = "revision"
        put["ExpressionAttributeValues"][":revision"] = {"N": str(write.revision)}
    elif not write.strict:
        put["ConditionExpression"] = _OWN_OR_ABSENT
        put["ExpressionAttributeNames"]["#id"] = PARTITION_KEY
    return {
        "TransactItems": [{"Put": put}, *write.writes],
        "ClientRequestToken": _token(write),
    }


def _token(write: Completion | Claim) -> str:
    """Return the name of a transaction, of at most 36 characters: DynamoDB refuses another one that
    has it."""
    if isinstance(write, Completion):
        return write.owner
    return sha256(f"{write.owner} {write.revision}".encode()).hexdigest()[:32]


def verdict(code: str, response: Mapping[str, Any]) -> Verdict | None:
    """Return the meaning of an error; None: it may be gone at the next try, or nobody knows."""
    if code in _REFUSED:
        return Verdict(about=f"DynamoDB refused the transaction: {code}")
    if code != "TransactionCanceledException":
        return None
    own, *others = response.get("CancellationReasons") or [{}]
    if own.get("Code") == "ConditionalCheckFailed":
        return Verdict(item=own.get("Item"))
    for number, reason in enumerate(others, start=1):
        if reason.get("Code") in _FINAL:
            return Verdict(about=f"write {number} of {len(others)} failed: {reason['Code']}")
    return None
