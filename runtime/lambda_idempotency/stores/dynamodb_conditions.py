"""The conditions of writes, as DynamoDB's condition expressions.

They decide about expiry: TTL deletes within days, not at the second
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html).
"""

from __future__ import annotations

from typing import Final

from ..clients.aws.clock import ClockReading
from ..clients.aws.typed import encoded, number, text
from ..contract.names import PARTITION_KEY, TTL_ATTRIBUTE
from ..protocol.record import INPROGRESS, PARKED

_ABSENT: Final = "attribute_not_exists(#id)"
_EXPIRED: Final = "#expiration <= :now"
_ORPHAN: Final = (
    "(#status = :inprogress AND #owner = :seen AND #revision = :revision AND "
    "#lease_end <= :now_ms AND #expiration > :now)"
)
_OWN: Final = "(#status = :inprogress AND #owner = :me AND #expiration > :now)"
_NOT_AHEAD: Final = (
    "(#status = :inprogress AND #owner = :me AND #revision <= :revision AND #expiration > :now)"
)
_WITHOUT_STEPS: Final = (
    "(#status = :inprogress AND #owner = :me AND attribute_not_exists(#steps) AND "
    "#expiration > :now)"
)
_PARKED: Final = "(#status = :parked AND #expiration > :now)"


class Condition:
    """A condition expression, with only the names and values it uses: DynamoDB refuses others."""

    def __init__(self, *clauses: str) -> None:
        expression = " OR ".join(clauses)
        names = {
            "#id": PARTITION_KEY,
            "#status": "status",
            "#owner": "owner",
            "#expiration": TTL_ATTRIBUTE,
            "#lease_end": "in_progress_expiration",
            "#revision": "revision",
            "#steps": "steps",
        }
        values = {":inprogress": INPROGRESS, ":parked": PARKED}
        used = set(expression.replace("(", " ").replace(")", " ").split())
        request = {
            "ConditionExpression": expression,
            "ExpressionAttributeNames": {name: names[name] for name in names if name in used},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        self._request = encoded(request).removeprefix("{").removesuffix("}")
        self._constants = [text(name, values[name]) for name in values if name in used]
        self._seconds = ":now" in used
        self._milliseconds = ":now_ms" in used

    def at(self, reading: ClockReading, **demanded: str | int) -> str:
        """Return what makes a request conditional, as members of its JSON; `demanded` are its
        `:me`, `:seen` and `:revision`."""
        now = reading.now if reading.checked else 0  # by an unconfirmed clock nothing has expired
        values = [*self._constants]
        if self._seconds:
            values.append(number(":now", now // 1000))
        if self._milliseconds:
            values.append(number(":now_ms", now))
        for name, value in demanded.items():
            place = f":{name}"
            values.append(text(place, value) if isinstance(value, str) else number(place, value))
        return f'{self._request},"ExpressionAttributeValues":{{{",".join(values)}}}'


CLAIM: Final = Condition(_ABSENT, _EXPIRED)
TAKE_OVER: Final = Condition(_ORPHAN)
IF_OWN: Final = Condition(_OWN)
IF_NOT_AHEAD: Final = Condition(_NOT_AHEAD)
IF_WITHOUT_STEPS: Final = Condition(_WITHOUT_STEPS)
COMPLETE: Final = Condition(_OWN, _PARKED)
COMPLETE_OR_CREATE: Final = Condition(_OWN, _PARKED, _ABSENT, _EXPIRED)
