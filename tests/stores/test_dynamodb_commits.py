"""`commit_with` on a real table, with messages lost: exactly once, for state kept in DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit.proxy import LossyProxy
from kit.worlds import CLIENTS, fresh_key
from lambda_idempotency import CommitError, DynamoDBStore, current, idempotent

TABLE = "idempotency"
CLAIM, COMMIT, AGAIN = 1, 2, 3
"""The numbers of a call's requests, if nothing but the commit is lost."""


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, proxy: LossyProxy) -> Iterator[Any]:
    """Each client, behind the proxy."""
    client = CLIENTS[request.param](proxy.endpoint)
    yield client
    client.close()


@pytest.fixture
def account(local_dynamodb: dict[str, Any]) -> Callable[[], int]:
    """How often a new account has been charged."""
    key = {"id": {"S": fresh_key()}}

    def charges() -> int:
        found = local_dynamodb["boto3"].get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        return int(found.get("Item", {"charges": {"N": "0"}})["charges"]["N"])

    charges.key = key  # type: ignore[attr-defined]
    return charges


def _charge(account: Any, *, client: Any, **options: Any) -> Callable[[], Any]:
    """Charges the account, by a handler whose store uses the client."""

    @idempotent(store=DynamoDBStore(TABLE, client=client), namespace="shop")
    def handler(event: Any, context: Any) -> str:
        update = {
            "TableName": TABLE,
            "Key": account.key,
            "UpdateExpression": "ADD charges :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            **options,
        }
        current().commit_with([{"Update": update}])
        return "charged"

    return lambda: handler({"id": account.key["id"]["S"]}, None)


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
