"""`commit_with` on a real table, with messages lost: exactly once, for state kept in DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from kit.harnesses import CLIENTS
from kit.network.proxy import LossyProxy
from kit.redis.servers import until
from lambda_idempotency import CommitError, DynamoDBStore, InProgressError, current, idempotent
from lambda_idempotency.testing.store_harness import new_key

TABLE = "idempotency"
CLAIM, COMMIT, AGAIN = 1, 2, 3
"""The numbers of a call's requests, if nothing but the commit is lost."""


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, proxy: LossyProxy) -> Iterator[Any]:
    """Yield each client, behind the proxy."""
    client = CLIENTS[request.param](proxy.endpoint)
    yield client
    client.close()


@pytest.fixture
def account(local_dynamodb: dict[str, Any]) -> Callable[[], int]:
    """Return a function that returns how often a new account has been charged."""
    key = {"id": {"S": new_key()}}

    def charges() -> int:
        found = local_dynamodb["boto3"].get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        return int(found.get("Item", {"charges": {"N": "0"}})["charges"]["N"])

    charges.key = key  # type: ignore[attr-defined]
    return charges


def _charge(account: Any, *, client: Any, **options: Any) -> Callable[[], Any]:
    """Return a call that charges the account, by a handler whose store uses the client."""

    @idempotent(store=DynamoDBStore(TABLE, client=client), namespace="shop", name="handler")
    def handler(event: Any, context: Any) -> str:
        current().commit_with([_one_more(account, **options)])
        return "charged"

    return lambda: handler({"id": account.key["id"]["S"]}, None)


def _one_more(account: Any, **options: Any) -> dict[str, Any]:
    """Return a charge, as an item of a transaction."""
    update = {
        "TableName": TABLE,
        "Key": account.key,
        "UpdateExpression": "ADD charges :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
        **options,
    }
    return {"Update": update}


def test_nothing_is_lost_and_nothing_repeats(client: Any, account: Any) -> None:
    charge = _charge(account, client=client)
    assert charge() == charge() == "charged"
    assert account() == 1


def test_the_writes_take_no_more_requests(client: Any, account: Any, proxy: LossyProxy) -> None:
    _charge(account, client=client)()
    assert proxy.operations == ["PutItem", "TransactWriteItems"]


def test_a_lost_reply_is_found_out_by_the_next_try(
    client: Any, account: Any, proxy: LossyProxy
) -> None:
    proxy.lose_reply(COMMIT)
    assert _charge(account, client=client)() == "charged"
    assert account() == 1
    assert proxy.operations.count("TransactWriteItems") == 2


def test_lost_replies_in_a_row_do_not_add_up(client: Any, account: Any, proxy: LossyProxy) -> None:
    proxy.lose_reply(COMMIT, AGAIN)
    assert _charge(account, client=client)() == "charged"
    assert account() == 1


def test_a_lost_request_is_sent_again(client: Any, account: Any, proxy: LossyProxy) -> None:
    proxy.lose_request(COMMIT)
    assert _charge(account, client=client)() == "charged"
    assert account() == 1


def test_a_failed_condition_of_the_business_frees_the_key(client: Any, account: Any) -> None:
    guarded = _charge(account, client=client, ConditionExpression="attribute_exists(id)")
    with pytest.raises(CommitError, match="write 1 of 1 failed: ConditionalCheckFailed"):
        guarded()
    assert account() == 0
    assert _charge(account, client=client)() == "charged"
    assert account() == 1


@pytest.mark.parametrize("client", ["boto3"], indirect=True)  # it asks for no time left
def test_a_stalled_attempt_that_finishes_late_writes_nothing(client: Any, account: Any) -> None:
    """Another attempt overtakes it while it stalls, and it gets that attempt's committed answer."""
    attempts = []

    @idempotent(store=DynamoDBStore(TABLE, client=client), namespace="shop", lease=1)
    def handler(event: Any, context: Any) -> str:
        number = current().attempt
        attempts.append(number)
        if number == 1:
            until(overtaken, "the lease has ended, and another attempt has committed")
        current().commit_with([_one_more(account)])
        return f"charged by attempt {number}"

    def overtaken() -> bool:
        with suppress(InProgressError):
            return bool(handler(event, None))
        return False

    event = {"id": account.key["id"]["S"]}
    assert handler(event, None) == "charged by attempt 2"
    assert attempts == [1, 2]
    assert account() == 1
