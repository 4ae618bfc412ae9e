"""A completion with writes: the record and the business's items change together, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.harnesses import CLIENTS, DynamoDBHarness
from kit.network.proxy import LossyProxy
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.record import (
    COMPLETED,
    Absent,
    Applied,
    Claim,
    Completion,
    Conflict,
    WritesRefused,
)
from lambda_idempotency.stores.dynamodb import DynamoDBStore

ME = "a" * 32
OTHER = "b" * 32
TABLE = "idempotency"


def _me(harness: DynamoDBHarness) -> str:
    """Return an owner that no other test has, as in production: DynamoDB remembers tokens."""
    return harness.key[-32:]


def _claim(harness: DynamoDBHarness, owner: str | None = None) -> int:
    """Claim the harness's key, and return the claim's expiration."""
    owner = _me(harness) if owner is None else owner
    claim = Claim(key=harness.key, owner=owner, lease_ms=60_000, expires_after_ms=3_600_000)
    done = harness.store.claim(claim)
    assert isinstance(done, Applied)
    return claim.record(done.now).expiration


def _completion(
    harness: DynamoDBHarness, *writes: Any, expiration: int = 4_000_000_000
) -> Completion:
    return Completion(
        key=harness.key,
        owner=_me(harness),
        attempt=1,
        expires_after_ms=3_600_000,
        data='"answer"',
        expiration=expiration,
        strict=True,
        writes=writes,
    )


def _row(harness: DynamoDBHarness, name: str = "row") -> str:
    return f"{harness.key}/{name}"


def _put(harness: DynamoDBHarness, name: str = "row", **more: Any) -> dict[str, Any]:
    item = {"id": {"S": _row(harness, name)}, "blob": {"B": b"\x00\xff"}}
    return {"Put": {"TableName": TABLE, "Item": item, **more}}


def _count(harness: DynamoDBHarness) -> dict[str, Any]:
    """Return a write that adds one to a counter: applied twice, it would show."""
    return {
        "Update": {
            "TableName": TABLE,
            "Key": {"id": {"S": _row(harness, "counter")}},
            "UpdateExpression": "ADD charges :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def _charges(harness: DynamoDBHarness) -> int:
    found = _found(harness, "counter")
    return 0 if found is None else int(found["charges"]["N"])


def _found(harness: DynamoDBHarness, name: str = "row") -> dict[str, Any] | None:
    answer = harness.client.get_item(
        TableName=TABLE, Key={"id": {"S": _row(harness, name)}}, ConsistentRead=True
    )
    item: dict[str, Any] | None = answer.get("Item")
    return item


def test_the_answer_and_the_writes_take_effect_together(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb)
    assert isinstance(
        dynamodb.store.complete(_completion(dynamodb, _put(dynamodb), _count(dynamodb))), Applied
    )
    stored = dynamodb.stored()
    assert stored is not None
    assert (stored.status, stored.data) == (COMPLETED, '"answer"')
    row = _found(dynamodb)
    assert row is not None
    assert row["blob"]["B"] == b"\x00\xff"
    assert _charges(dynamodb) == 1


def test_every_try_writes_the_same_expiration(dynamodb: DynamoDBHarness) -> None:
    expiration = _claim(dynamodb)
    dynamodb.store.complete(_completion(dynamodb, _count(dynamodb), expiration=expiration))
    stored = dynamodb.stored()
    assert stored is not None
    assert stored.expiration == expiration


def test_a_failed_condition_of_the_business_leaves_everything_as_it_was(
    dynamodb: DynamoDBHarness,
) -> None:
    _claim(dynamodb)
    before = dynamodb.stored()
    guarded = _put(dynamodb, ConditionExpression="attribute_exists(id)")
    reply = dynamodb.store.complete(_completion(dynamodb, _count(dynamodb), guarded))
    assert isinstance(reply, WritesRefused)
    assert reply.about == "write 2 of 2 failed: ConditionalCheckFailed"
    assert dynamodb.stored() == before
    assert _charges(dynamodb) == 0


def test_a_met_condition_of_the_business_is_no_hindrance(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb)
    guarded = _put(dynamodb, ConditionExpression="attribute_not_exists(id)")
    assert isinstance(dynamodb.store.complete(_completion(dynamodb, guarded)), Applied)


def test_a_write_that_is_not_valid_is_refused(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb)
    before = dynamodb.stored()
    unknown = {"Put": {"TableName": "no-such-table", "Item": {"id": {"S": "1"}}}}
    reply = dynamodb.store.complete(_completion(dynamodb, unknown))
    assert isinstance(reply, WritesRefused)
    assert dynamodb.stored() == before


def test_another_owner_s_record_stops_the_writes(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb, OTHER)
    reply = dynamodb.store.complete(_completion(dynamodb, _count(dynamodb)))
    assert isinstance(reply, Conflict)
    assert reply.record.owner == OTHER
    assert _charges(dynamodb) == 0


def test_an_absent_record_stops_the_writes(dynamodb: DynamoDBHarness) -> None:
    reply = dynamodb.store.complete(_completion(dynamodb, _count(dynamodb)))
    assert isinstance(reply, Absent)
    assert _charges(dynamodb) == 0
    assert dynamodb.stored() is None


def test_without_a_claim_the_writes_take_effect_where_there_is_no_record(
    dynamodb: DynamoDBHarness,
) -> None:
    completion = _completion(dynamodb, _count(dynamodb))._replace(strict=False, expiration=None)
    assert isinstance(dynamodb.store.complete(completion), Applied)
    assert _charges(dynamodb) == 1
    stored = dynamodb.stored()
    assert stored is not None
    assert (stored.owner, stored.status) == (_me(dynamodb), COMPLETED)


def test_without_a_claim_another_record_stops_the_writes(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb, OTHER)
    completion = _completion(dynamodb, _count(dynamodb))._replace(strict=False, expiration=None)
    assert isinstance(dynamodb.store.complete(completion), Conflict)
    assert _charges(dynamodb) == 0


def test_a_second_try_finds_the_own_answer_and_writes_nothing(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb)
    completion = _completion(dynamodb, _count(dynamodb))
    dynamodb.store.complete(completion)
    reply = dynamodb.store.complete(completion)
    # If DynamoDB knows the token, it reports success; later, or elsewhere, the condition decides.
    if isinstance(reply, Conflict):
        assert (reply.record.owner, reply.record.status) == (_me(dynamodb), COMPLETED)
    else:
        assert isinstance(reply, Applied)
    assert _charges(dynamodb) == 1


@pytest.mark.parametrize("name", CLIENTS)
def test_a_lost_reply_does_not_repeat_the_writes(
    request: pytest.FixtureRequest,
    name: str,
    local_dynamodb: dict[str, Any],
    proxy: LossyProxy,
    once: None,
) -> None:
    client = CLIENTS[name](proxy.endpoint)
    request.addfinalizer(client.close)
    harness = DynamoDBHarness(local_dynamodb["boto3"], TABLE)
    store = DynamoDBStore(TABLE, client=client)
    _claim(harness)
    completion = _completion(harness, _count(harness))
    proxy.lose_reply(1)
    with pytest.raises(StoreError, match="transact_write_items"):
        store.complete(completion)
    reply = store.complete(completion)
    assert isinstance(reply, Applied | Conflict)
    assert _charges(harness) == 1


class _CancelledError(Exception):
    """An error as a client raises it; the reasons are those of its transaction's items."""

    def __init__(self, code: str, *reasons: str) -> None:
        super().__init__(code)
        self.response = {
            "Error": {"Code": code, "Message": "a secret of the payload"},
            "CancellationReasons": [{"Code": reason} for reason in reasons],
        }


class _Client:
    """A client that answers every transaction with one error."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.requests: list[dict[str, Any]] = []

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        raise self._error

    def get_item(self, **request: Any) -> dict[str, Any]:
        return {}  # the record is absent


def _complete(harness: Callable[[], Any], error: Exception) -> Any:
    return DynamoDBStore(TABLE, client=_Client(error)).complete(harness())


def _any_completion() -> Completion:
    return Completion(
        key="shop#1", owner=ME, attempt=1, expires_after_ms=1000, strict=True, writes=({"Put": {}},)
    )


@pytest.mark.parametrize(
    "reasons",
    [
        ("None", "TransactionConflict"),
        ("TransactionConflict", "None"),
        ("None", "ThrottlingError"),
        ("None", "ProvisionedThroughputExceeded"),
    ],
)
def test_a_conflict_or_a_throttle_is_tried_again(reasons: tuple[str, ...]) -> None:
    with pytest.raises(StoreError, match="TransactionCanceledException") as failed:
        _complete(_any_completion, _CancelledError("TransactionCanceledException", *reasons))
    assert failed.value.applied is False


@pytest.mark.parametrize(
    "reason", ["ConditionalCheckFailed", "ItemCollectionSizeLimitExceeded", "ValidationError"]
)
def test_what_will_fail_again_is_refused_at_once(reason: str) -> None:
    error = _CancelledError("TransactionCanceledException", "None", reason)
    reply = _complete(_any_completion, error)
    assert isinstance(reply, WritesRefused)
    assert reply.about == f"write 1 of 1 failed: {reason}"


def test_the_fence_is_judged_before_the_business() -> None:
    error = _CancelledError(
        "TransactionCanceledException", "ConditionalCheckFailed", "ConditionalCheckFailed"
    )
    assert isinstance(_complete(_any_completion, error), Absent)


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"]
)
def test_an_error_before_any_write_is_a_refusal_without_the_service_s_words(code: str) -> None:
    reply = _complete(_any_completion, _CancelledError(code))
    assert isinstance(reply, WritesRefused)
    assert code in reply.about
    assert "secret" not in reply.about


@pytest.mark.parametrize("code", ["InternalServerError", "TransactionInProgressException"])
def test_an_error_of_unknown_outcome_is_none(code: str) -> None:
    with pytest.raises(StoreError, match=code) as failed:
        _complete(_any_completion, _CancelledError(code))
    assert failed.value.applied is None


def test_every_try_sends_the_same_request() -> None:
    client = _Client(_CancelledError("InternalServerError"))
    store = DynamoDBStore(TABLE, client=client)
    completion = _any_completion()._replace(expiration=4_000_000_000)
    for _ in range(3):
        with pytest.raises(StoreError):
            store.complete(completion)
    assert client.requests[0] == client.requests[1] == client.requests[2]
    assert client.requests[0]["ClientRequestToken"] == ME


# A step with writes -------------------------------------------------------------------------------


def _step(harness: DynamoDBHarness, *writes: Any, revision: int = 2, steps: str = "{}") -> Claim:
    return Claim(
        key=harness.key,
        owner=_me(harness),
        lease_ms=60_000,
        expires_after_ms=3_600_000,
        revision=revision,
        steps=steps,
        writes=writes,
    )


def test_each_step_of_an_attempt_is_a_transaction_of_its_own(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb)
    for revision in (2, 3):
        step = _step(dynamodb, _count(dynamodb), revision=revision)
        reply = dynamodb.store.renew(step)
        assert isinstance(reply, Applied)
        assert dynamodb.stored() == step.record(reply.now)
    assert _charges(dynamodb) == 2
    assert isinstance(dynamodb.store.complete(_completion(dynamodb, _count(dynamodb))), Applied)
    assert _charges(dynamodb) == 3


def test_a_step_that_is_sent_again_later_is_applied_once(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb)
    step = _step(dynamodb, _count(dynamodb))
    assert isinstance(dynamodb.store.renew(step), Applied)
    reply = dynamodb.store.renew(step._replace(lease_ms=step.lease_ms + 5))  # as time passes
    assert isinstance(reply, Conflict)
    assert (reply.record.owner, reply.record.revision) == (step.owner, step.revision)
    assert _charges(dynamodb) == 1


def test_a_step_whose_writes_are_refused_is_not_recorded(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb)
    before = dynamodb.stored()
    guarded = _put(dynamodb, ConditionExpression="attribute_exists(id)")
    reply = dynamodb.store.renew(_step(dynamodb, _count(dynamodb), guarded))
    assert isinstance(reply, WritesRefused)
    assert dynamodb.stored() == before
    assert _charges(dynamodb) == 0


def test_the_writes_of_a_step_that_is_recorded_are_not_applied(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb)
    step = _step(dynamodb, _count(dynamodb))
    assert isinstance(dynamodb.store.renew(step._replace(writes=())), Applied)
    # No token is known: it is the revision that tells.
    assert isinstance(dynamodb.store.renew(step), Conflict)
    assert _charges(dynamodb) == 0


def test_a_step_of_another_owner_s_record_writes_nothing(dynamodb: DynamoDBHarness) -> None:
    _claim(dynamodb, OTHER)
    reply = dynamodb.store.renew(_step(dynamodb, _count(dynamodb), revision=9))
    assert isinstance(reply, Conflict)
    assert reply.record.owner == OTHER
    assert _charges(dynamodb) == 0


def test_a_step_is_no_record_of_its_own(dynamodb: DynamoDBHarness) -> None:
    assert isinstance(dynamodb.store.renew(_step(dynamodb, _count(dynamodb))), Absent)
    assert _charges(dynamodb) == 0
