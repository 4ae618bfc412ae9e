"""The table of docs/choosing.md says what records cost."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
import redis

from kit.pages import cells_of, text_of
from kit.redis.servers import RedisServer
from lambda_idempotency import DynamoDBStore, RedisStore
from lambda_idempotency.protocol.record import Claim, Completion
from lambda_idempotency.protocol.steps import Returned
from lambda_idempotency.response.compression import pack

ROWS = {
    float(cells[0].split()[0]): cells[1:]
    for line in text_of("choosing").splitlines()
    if len(cells := cells_of(line)) == 8 and "KB" in cells[0]
}
WRITE_UNIT, ECPU, GB_HOUR = 0.625e-6, 0.0023e-6, 0.084  # dollars
RECORDS = 100
ECPUS = 14
"""Of a first call: each of two scripts takes the time of seven SETs."""


def _answer(kilobytes: float) -> str:
    """A list of orders, as JSON."""
    dice = random.Random(1)
    orders = ""
    while len(orders) < kilobytes * 1000:
        status, number = dice.choice(["paid", "open", "shipped"]), f"{dice.getrandbits(64):016x}"
        amount, customer = dice.randrange(10_000), f"customer-{dice.randrange(10**6)}"
        order = {"order_id": number, "status": status, "amount": amount, "customer": customer}
        orders += json.dumps(order) + ", "
    return f"[{orders[:-2]}]"


def _completion(kilobytes: float) -> Completion:
    packed = pack(Returned(None, data=_answer(kilobytes)), max_data=None)
    return Completion(
        key=f"Payments#{kilobytes:064}",
        owner="b" * 32,
        attempt=1,
        expires_after_ms=24 * 3600 * 1000,
        fingerprint="c" * 64,
        data=packed.data,
        encoding=packed.encoding,
    )


def _put(store: RedisStore, completion: Completion, number: int) -> None:
    completion = completion._replace(key=f"Payments#{number:064}")
    store.claim(Claim(completion.key, completion.owner, lease_ms=5000, expires_after_ms=86_400_000))
    store.complete(completion)


def _bytes_per_record(client: redis.Redis) -> float:
    """Return what a record takes: its value, its key, and its entries in the server's tables.

    The server counts these when asked; what it uses in all is known to its own clock only.
    """
    sizes = [client.memory_usage(key, samples=0) or 0 for key in client.scan_iter()]
    assert len(sizes) == RECORDS
    expiries: int = client.memory_stats()["db.0"]["overhead.hashtable.expires"]
    return (sum(sizes) + expiries) / RECORDS


class _Caught:
    """A DynamoDB client that keeps the last item."""

    item: dict[str, dict[str, Any]]

    def put_item(self, **request: Any) -> dict[str, Any]:
        self.item = request["Item"]
        return {"ResponseMetadata": {"HTTPHeaders": {}}}


def _units(item: dict[str, dict[str, Any]]) -> int:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    size = 0
    for name, typed in item.items():
        [(kind, value)] = typed.items()
        size += len(name) + (len(value) // 2 + 2 if kind == "N" else len(value))
    return -(-size // 1024)


@pytest.mark.parametrize("kilobytes", ROWS)
def test_the_units_and_dollars_of_dynamodb_are_those_of_the_records(kilobytes: float) -> None:
    client = _Caught()
    DynamoDBStore("table", client=client).complete(_completion(kilobytes))
    replay = _units(client.item)
    first = 1 + replay
    dollars = [f"${units * WRITE_UNIT * 1e6 + 1e-9:.2f}" for units in (first, replay)]
    assert ROWS[kilobytes][:4] == [str(first), str(replay), *dollars]


@pytest.mark.parametrize("kilobytes", ROWS)
def test_the_bytes_and_dollars_of_redis_are_about_those_of_the_records(kilobytes: float) -> None:
    with RedisServer() as server, server.admin() as client:
        store = RedisStore(client)
        for number in range(RECORDS):
            _put(store, _completion(kilobytes), number)
        measured = _bytes_per_record(client)
    told = int(ROWS[kilobytes][4].replace(",", ""))
    # Allocators differ, and Valkey keeps a key in its entry.
    assert measured == pytest.approx(told, rel=0.2)
    for hours, column in ((24, 5), (1, 6)):
        dollars = told / 1e9 * GB_HOUR * hours * 1e6 + ECPUS * ECPU * 1e6
        assert float(re.sub(r"[^0-9.]", "", ROWS[kilobytes][column])) == pytest.approx(
            dollars, rel=0.02
        )
