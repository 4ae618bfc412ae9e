"""The lease of a call, and whether a heartbeat renews it: a table of where the code runs."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import pytest

from kit.clocks import ManualClock
from lambda_idempotency import MemoryStore, current, idempotent, idempotent_function
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.drivers import heartbeat
from lambda_idempotency.protocol.record import Claim, Conflict

IN_LAMBDA: Final = {"AWS_LAMBDA_FUNCTION_NAME": "payments"}
MULTI: Final = {**IN_LAMBDA, "AWS_LAMBDA_MAX_CONCURRENCY": "10"}
OUTSIDE: Final[dict[str, str]] = {}
MINUTE: Final = 60_000
LONGEST: Final = 900_000


class _Context:
    def __init__(self, left: int) -> None:
        self._left = left

    def get_remaining_time_in_millis(self) -> int:
        return self._left


class _Silent(MemoryStore):
    """A store that has no renew()."""

    renews = False

    def renew(self, claim: Claim) -> Any:
        raise AssertionError


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the leases for which a heartbeat has begun."""
    begun: list[int] = []
    begin = heartbeat.begin

    def note(claim: Claim, lease_ms: int, *others: Any) -> Any:
        begun.append(lease_ms)
        return begin(claim, lease_ms, *others)

    monkeypatch.setattr(heartbeat, "begin", note)
    return begun


def _set(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name in MULTI:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def _lease(store: MemoryStore, clock: ManualClock) -> int:
    reply = store.read(current().key)
    assert isinstance(reply, Conflict)
    return reply.record.lease_end - int(clock() * 1000)


Row: TypeAlias = tuple[dict[str, str], dict[str, Any], int | None, int, bool]

TABLE: Final[list[Row]] = [
    # where, options, milliseconds left, lease, renewed
    (IN_LAMBDA, {}, 8_000, 10_000, False),
    (IN_LAMBDA, {"lease": 5}, 8_000, 10_000, False),
    (IN_LAMBDA, {"lease": 60}, 8_000, 60_000, False),
    (IN_LAMBDA, {"heartbeat": True}, 8_000, 10_000, False),
    (MULTI, {}, 8_000, MINUTE, True),
    (MULTI, {}, 100_000, 102_000, True),
    (MULTI, {"heartbeat": False}, 8_000, LONGEST, False),
    (MULTI, {"lease": 20}, 8_000, 20_000, False),
    (MULTI, {"lease": 5}, 8_000, 10_000, False),
    (MULTI, {"lease": 20, "heartbeat": True}, 8_000, 20_000, True),
    (OUTSIDE, {}, 8_000, MINUTE, True),
    (OUTSIDE, {}, None, MINUTE, True),
    (OUTSIDE, {"heartbeat": False}, None, LONGEST, False),
    (OUTSIDE, {"lease": 0.5}, None, 500, False),
    (OUTSIDE, {"lease": 20, "heartbeat": True}, None, 20_000, True),
    ({**IN_LAMBDA, "IDEMPOTENCY_TIMEOUT": "30"}, {}, None, 32_000, False),
    ({**IN_LAMBDA, "IDEMPOTENCY_TIMEOUT": "30"}, {"lease": 5}, None, 5_000, False),
    ({"IDEMPOTENCY_HEARTBEAT": "false"}, {}, None, LONGEST, False),
]


@pytest.mark.parametrize("row", TABLE, ids=repr)
def test_a_lease_follows_from_where_the_code_runs(
    monkeypatch: pytest.MonkeyPatch, begun: list[int], row: Row
) -> None:
    environment, options, left, lease, renewed = row
    _set(monkeypatch, environment)
    clock = ManualClock()
    store = MemoryStore(clock)
    handler: Any = idempotent(store=store, **options)(lambda event, context: _lease(store, clock))
    assert handler({"id": 1}, None if left is None else _Context(left)) == lease
    assert begun == ([lease] if renewed else [])


@pytest.mark.parametrize(
    ("environment", "kind"),
    [(IN_LAMBDA, MemoryStore), (OUTSIDE, _Silent)],
    ids=["in Lambda without an invocation", "on a store that does not renew"],
)
def test_a_function_that_nothing_ends_or_renews_has_the_longest_lease(
    monkeypatch: pytest.MonkeyPatch,
    begun: list[int],
    environment: dict[str, str],
    kind: type[MemoryStore],
) -> None:
    _set(monkeypatch, environment)
    clock = ManualClock()
    store = kind(clock)
    charge: Any = idempotent_function(store=store, name="charge")(
        lambda order: _lease(store, clock)
    )
    assert charge(1) == LONGEST
    assert begun == []


@pytest.mark.parametrize(
    ("environment", "enforced"), [(IN_LAMBDA, True), (MULTI, False), (OUTSIDE, False)]
)
def test_only_lambda_with_one_invocation_at_a_time_kills_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, enforced: bool
) -> None:
    _set(monkeypatch, environment)
    assert deadline.is_enforced() is enforced
