"""A completion or a step together with the business's own writes: one TransactWriteItems.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from ..clients.aws.clock import ClockReading
from ..clients.aws.typed import encoded, quoted
from ..protocol.record import Claim, Completion
from ..tuples import NamedTuple
from .dynamodb_conditions import Condition

# They contain no time: every try has the same bytes, as the token demands. A record that has
# expired and still exists is still ours, and nobody else has run.
_OWN: Final = "#status = :inprogress AND #owner = :me"
_IF_OWN: Final = Condition(_OWN)
_IF_OWN_BEFORE: Final = Condition(f"{_OWN} AND #revision < :revision")
_IF_OWN_OR_ABSENT: Final = Condition("attribute_not_exists(#id)", f"({_OWN})")

_FINAL: Final = frozenset(
    {"ConditionalCheckFailed", "ItemCollectionSizeLimitExceeded", "ValidationError"}
)
"""Reasons that will be the same at the next try."""

CANCELED: Final = "TransactionCanceledException"
"""The error of a transaction that wrote nothing, because of one of its items."""

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


def condition(write: Completion | Claim, reading: ClockReading) -> str:
    """Return what makes the write of the record conditional, as `Condition.at` does."""
    if isinstance(write, Claim):
        return _IF_OWN_BEFORE.at(reading, me=write.owner, revision=write.revision)
    return (_IF_OWN if write.strict else _IF_OWN_OR_ABSENT).at(reading, me=write.owner)


def request(put: str, write: Completion | Claim) -> str:
    """Return the request, in JSON: the put of the record, and the writes beside it. A repetition is
    harmless: by its token for ten minutes, and by its condition always."""
    items = ",".join([f'{{"Put":{put}}}', *map(encoded, write.writes)])
    return f'{{"TransactItems":[{items}],"ClientRequestToken":{quoted(_token(put, write))}}}'


def _token(put: str, write: Completion | Claim) -> str:
    """Return the name of a transaction, of at most 36 characters: DynamoDB refuses another content
    that has it. A step that is sent again has a later lease."""
    if isinstance(write, Completion):
        return write.owner
    return sha256(put.encode()).hexdigest()[:32]


def verdict(code: str, response: Mapping[str, Any]) -> Verdict | None:
    """Return the meaning of an error; None: it may be gone at the next try, or nobody knows."""
    if code in _REFUSED:
        return Verdict(about=f"DynamoDB refused the transaction: {code}")
    if code != CANCELED:
        return None
    own, *others = response.get("CancellationReasons") or [{}]
    if own.get("Code") == "ConditionalCheckFailed":
        return Verdict(item=own.get("Item"))
    for number, reason in enumerate(others, start=1):
        if reason.get("Code") in _FINAL:
            return Verdict(about=f"write {number} of {len(others)} failed: {reason['Code']}")
    return None
