"""Records forged by somebody who may write into the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from kit.harnesses import DynamoDBHarness
from lambda_idempotency import IdempotencyError, idempotent
from lambda_idempotency.identity.keys import KeyRule

_NINES: Final = "9" * 38  # as many digits as a number of DynamoDB has


@pytest.mark.parametrize("expiration", [_NINES, "-1", "0", "1.5"])
@pytest.mark.parametrize("lease_end", [_NINES, f"-{_NINES}", "0.5"])
@pytest.mark.parametrize("attempt", [_NINES, f"-{_NINES}", "0.1"])
def test_a_record_with_senseless_numbers_is_refused_by_name_or_runs_at_most_once(
    dynamodb: DynamoDBHarness, attempt: str, lease_end: str, expiration: str
) -> None:
    runs: list[int] = []
    namespace, _, _ = dynamodb.key.partition("#")
    options: dict[str, Any] = {"store": dynamodb.store, "namespace": namespace, "max_attempts": 5}
    options["name"] = "handler"
    call = idempotent(**options)(lambda *_: runs.append(1))
    event = {"id": dynamodb.key}
    key = KeyRule(namespace, "handler").identify(event).key
    dynamodb.put(
        {
            "id": {"S": key},
            "status": {"S": "INPROGRESS"},
            "owner": {"S": "x"},
            "attempt": {"N": attempt},
            "expiration": {"N": expiration},
            "in_progress_expiration": {"N": lease_end},
        }
    )
    refusals = [_refusal(call, event) for _ in range(2)]
    assert all(key in refusal for refusal in refusals if refusal)
    assert len(runs) == (0 if refusals[0] else 1)


def _refusal(call: Callable[[Any, Any], Any], event: Any) -> str:
    try:
        call(event, None)
    except IdempotencyError as error:
        return str(error)
    return ""
