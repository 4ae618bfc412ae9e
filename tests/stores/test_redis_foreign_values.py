"""A Redis store whose key holds something else, or a record that is damaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.harnesses import RedisHarness
from kit.redis.access import DATA, DAY, ME, VERBS, WRITES, claim
from kit.redis.binaries import VERSIONS
from kit.watched import WatchedStore
from lambda_idempotency.drivers.sync import drive
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.machine import run_once
from lambda_idempotency.protocol.record import Absent, Applied, Conflict
from lambda_idempotency.protocol.steps import Call, Returned

_EACH_VERB = pytest.mark.parametrize("verb", VERBS)


@pytest.fixture(params=VERSIONS)
def harness(
    request: pytest.FixtureRequest, redis_harnesses: Callable[[str], RedisHarness]
) -> RedisHarness:
    """Return a store on a server of each version in turn."""
    return redis_harnesses(f"redis {request.param}")


# Values of somebody else --------------------------------------------------------------------------

FAR: Final = "9999999999"
_RECORD: Final = {"status": "COMPLETED", "owner": ME, "expiration": FAR, "data": DATA}
_LEASED: Final = {**_RECORD, "status": "INPROGRESS", "in_progress_expiration": f"{FAR}000"}


def _without(fields: dict[str, str], name: str) -> dict[str, str]:
    return {field: value for field, value in fields.items() if field != name}


_HASHES: Final[dict[str, dict[str, str]]] = {
    "Powertools record": _without(_RECORD, "owner"),
    "some other hash": {"price": "4111"},
    "no status": _without(_RECORD, "status"),
    "unknown status": {**_RECORD, "status": "EXPIRED"},
    "status in small letters": {**_RECORD, "status": "completed"},
    "empty owner": {**_RECORD, "owner": ""},
    "no expiration": _without(_RECORD, "expiration"),
    "expiration that is no number": {**_RECORD, "expiration": "4111 days"},
    "negative expiration": {**_RECORD, "expiration": "-1"},
    "expiration with an exponent": {**_RECORD, "expiration": "1e3"},
    "hexadecimal expiration": {**_RECORD, "expiration": "0x1"},
    "endless expiration": {**_RECORD, "expiration": "inf"},
    "expiration beyond all numbers": {**_RECORD, "expiration": "9" * 5000},
    "lease without an end": _without(_LEASED, "in_progress_expiration"),
    "lease that ends at no number": {**_LEASED, "in_progress_expiration": "soon"},
    "lease beyond the expiration": {**_LEASED, "in_progress_expiration": f"{FAR}001"},
    "lease without an owner": _without(_LEASED, "owner"),
    "orphan without an owner": {**_without(_LEASED, "owner"), "in_progress_expiration": "1"},
    "orphan with an empty owner": {**_LEASED, "owner": "", "in_progress_expiration": "1"},
}
_OTHERS: Final[dict[str, Callable[[Any, str], object]]] = {
    "string": lambda admin, key: admin.set(key, DATA),
    "list": lambda admin, key: admin.rpush(key, DATA),
    "set": lambda admin, key: admin.sadd(key, DATA),
    "sorted set": lambda admin, key: admin.zadd(key, {DATA: 1}),
    "stream": lambda admin, key: admin.xadd(key, {"field": DATA}),
}


def _plant(harness: RedisHarness, kind: str) -> bytes:
    """Put something under the key, and return its dump."""
    if kind in _OTHERS:
        _OTHERS[kind](harness.admin, harness.key)
    else:
        fields = _HASHES[kind]
        harness.put(*(part for field in fields.items() for part in field))
    return _dump(harness)


def _dump(harness: RedisHarness) -> bytes:
    dump: bytes = harness.admin.dump(harness.key)
    return dump


def _refused(harness: RedisHarness, verb: str) -> str:
    with pytest.raises(StoreError) as raised:
        VERBS[verb](harness.store, harness.key)
    assert harness.key in str(raised.value)
    assert "4111" not in str(raised.value)
    return str(raised.value)


@_EACH_VERB
@pytest.mark.parametrize("kind", [*_OTHERS, *_HASHES])
def test_what_is_no_record_is_refused_by_name_and_left_alone(
    harness: RedisHarness, kind: str, verb: str
) -> None:
    planted = _plant(harness, kind)
    assert "not an idempotency record of this library" in _refused(harness, verb)
    assert _dump(harness) == planted


@pytest.mark.parametrize(
    ("field", "value"), [("data", b"\xff"), ("owner", b"\xff"), ("attempt", b"9" * 5000)]
)
def test_a_record_that_cannot_be_read_is_refused_by_name_and_left_alone(
    harness: RedisHarness, field: str, value: bytes
) -> None:
    harness.put(*(part for entry in {**_RECORD, field: value}.items() for part in entry))
    planted = _dump(harness)
    for verb in VERBS:
        _refused(harness, verb)
    assert _dump(harness) == planted


@pytest.mark.parametrize("attempt", ["", "many", "-1", "0", "1.5"])
def test_an_attempt_that_is_no_number_counts_as_the_first(
    harness: RedisHarness, attempt: str
) -> None:
    harness.put(*(part for entry in {**_RECORD, "attempt": attempt}.items() for part in entry))
    found = harness.store.read(harness.key)
    assert isinstance(found, Conflict)
    assert found.record.attempt == 1


@pytest.mark.parametrize("kind", [kind for kind in _HASHES if "expiration" not in kind])
def test_what_has_expired_gives_way_record_or_not(harness: RedisHarness, kind: str) -> None:
    fields = {**_HASHES[kind], "expiration": "1"}
    for verb in VERBS:
        harness.put(*(part for field in fields.items() for part in field))
        reply = VERBS[verb](harness.store, harness.key)
        assert isinstance(reply, Applied if verb in WRITES else Absent)


@pytest.mark.parametrize("expiration", [None, "", "soon", "1e3"])
def test_an_orphan_without_an_expiration_has_expired(
    harness: RedisHarness, expiration: str | None
) -> None:
    fields = {**_LEASED, "in_progress_expiration": "1", "expiration": expiration}
    known = {field: value for field, value in fields.items() if value is not None}
    harness.put(*(part for field in known.items() for part in field))
    assert isinstance(harness.store.read(harness.key), Absent)
    assert isinstance(harness.store.claim(claim(harness.key)), Applied)


def test_a_lease_without_an_expiration_holds_its_key(harness: RedisHarness) -> None:
    harness.put(*(part for field in _without(_LEASED, "expiration").items() for part in field))
    planted = _dump(harness)
    found = harness.store.claim(claim(harness.key, owner="b" * 32))
    assert isinstance(found, Conflict)
    assert found.record.leased(found.now)
    assert _dump(harness) == planted


# Any hash -----------------------------------------------------------------------------------------

_TIMES: Final = [b"0", b"1", FAR.encode(), f"{FAR}000".encode()]
_JUNK: Final = [b"", b"0", b"-1", b"1.0", b"1e3", b" 1", b"1_0", b"\xff", b"9" * 20]
_FIELDS: Final = {
    "status": [b"INPROGRESS", b"COMPLETED", b"PARKED"],
    "owner": [ME.encode(), b"b" * 32, b""],
    "expiration": _TIMES,
    "in_progress_expiration": _TIMES,
    "attempt": [b"1", b"7"],
    "validation": [b"digest", b"other"],
    "data": [b'"answer"'],
    "blob": [b"\x00\xff"],
    "encoding": [b"zlib", b"none"],
    "scope": [b"alice"],
    "unknown": [b"4111"],
}


def _field(known: list[bytes]) -> st.SearchStrategy[bytes | None]:
    often = known * (24 // len(known))
    return st.sampled_from([*often, *_JUNK, None, None, None])


HASHES: Final[st.SearchStrategy[dict[str, bytes]]] = (
    st.fixed_dictionaries({name: _field(known) for name, known in _FIELDS.items()})
    .map(lambda fields: {name: value for name, value in fields.items() if value is not None})
    .filter(bool)
)
"""Records of ours with some fields missing or invalid."""


def _gives_way(fields: dict[str, bytes], verb: str) -> bool:
    """Tell whether a verb of ours may change it."""
    status = fields.get("status")
    if status == b"INPROGRESS" and fields.get("owner") == ME.encode():
        return verb != "read"
    if status == b"PARKED" and verb == "complete":
        return True
    ends = fields.get("expiration", b"")
    if not ends.isdigit() or len(ends) > 15:
        ends = fields.get("in_progress_expiration", b"") if status == b"INPROGRESS" else b""
        ends = ends[:-3] if len(ends) > 3 else ends
    return ends.isdigit() and int(ends) < int(FAR) and verb in WRITES


@_EACH_VERB
@given(fields=HASHES)
def test_any_hash_is_answered_or_refused_by_name(
    redis_harnesses: Callable[[str], RedisHarness], verb: str, fields: dict[str, bytes]
) -> None:
    harness = redis_harnesses("redis 7")
    harness.put(*(part for field in fields.items() for part in field))
    planted = _dump(harness)
    message = None
    try:
        VERBS[verb](harness.store, harness.key)
    except StoreError as error:
        message = str(error)
    if message is not None:
        assert harness.key in message
    if message is not None or not _gives_way(fields, verb):
        assert _dump(harness) == planted


@given(fields=HASHES)
def test_a_call_over_any_hash_ends_and_runs_at_most_once(
    redis_harnesses: Callable[[str], RedisHarness], fields: dict[str, bytes]
) -> None:
    harness = redis_harnesses("redis 7")
    harness.put(*(part for field in fields.items() for part in field))
    runs: list[Any] = []
    requests: list[str] = []

    class Endless(BaseException):
        """The error of a call that has gone on for too long."""

    def note(verb: str) -> None:
        requests.append(verb)
        if len(requests) > 10:
            raise Endless

    def run(step: Any) -> Returned:
        runs.append(step)
        return Returned("answer", '"answer"')

    call = Call(
        key=harness.key, owner=ME, lease_ms=30_000, expires_after_ms=DAY, fingerprint="digest"
    )
    drive(
        run_once(call),
        key=harness.key,
        store=WatchedStore(harness.store, note),
        run=run,
        remaining=lambda: 10_000,
        sleep=lambda _: None,
    )
    assert len(runs) <= 1
