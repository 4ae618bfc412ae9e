"""A request has one fingerprint, whether the process knows it already or reads it: a retry with
other bytes of one meaning is no mismatch, and another payload is one.
"""

from __future__ import annotations

import base64
import gzip
import tracemalloc
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.clocks import ManualClock
from kit.counted import CountedStore
from kit.http_events import SHAPES, Http, seen
from kit.payloads import FORM, JSON, PLAIN, meaning
from kit.planted import plant, refutes
from kit.strategies import thorough
from lambda_idempotency import MissingKeyError, idempotent
from lambda_idempotency.http import payload, shapes
from lambda_idempotency.http.payload import payload_of
from lambda_idempotency.identity.canonical import canonical_json
from lambda_idempotency.identity.events import http_shape
from lambda_idempotency.identity.fingerprints import KnownFingerprints, Parts
from lambda_idempotency.identity.keys import KeyRule, RequestParts

RULE: Final = KeyRule("shop", "pay")
PACKED: Final = [
    base64.b64encode(gzip.compress(b'{"a":1}', mtime=time)).decode() for time in (1, 2)
]
MEMBERS: Final[list[tuple[str, list[Any]]]] = [
    ("body", ['{"a":1}', '{"a": 1.0}', "a=1", "eyJhIjoxfQ==", *PACKED, '{"a":1,"a":1}', "", None]),
    ("isBase64Encoded", [False, True]),
    ("content-type", [None, JSON, PLAIN, FORM]),
    ("content-encoding", [None, "gzip", "identity"]),
    (
        "query",
        [(), (("a", "1"),), (("a", "2"),), (("b", "1"), ("a", "1")), (("a", "1"), ("b", "1"))],
    ),
]
REQUESTS: Final = st.fixed_dictionaries({name: st.sampled_from(each) for name, each in MEMBERS})
TEXT: Final = {
    "isBase64Encoded": False,
    "content-type": PLAIN,
    "content-encoding": None,
    "query": (),
}
PAIRS: Final = REQUESTS.flatmap(
    lambda request: st.tuples(
        st.just(request),
        REQUESTS
        | st.sampled_from(MEMBERS).flatmap(
            lambda member: st.sampled_from(member[1]).map(
                lambda value: {**request, member[0]: value}
            )
        ),
    )
)


def event_of(shape: str, request: dict[str, Any]) -> dict[str, Any]:
    names = ("content-type", "content-encoding")
    headers = tuple((name, request[name]) for name in names if request[name] is not None)
    event = SHAPES[shape](Http(headers=headers, query=request["query"]))
    return {**event, **{name: request[name] for name in ("body", "isBase64Encoded")}}


def fingerprint(
    event: dict[str, Any], known: KnownFingerprints | None = None, number: int = -1
) -> str | None:
    """Return the fingerprint of an event under the key of a number; None if it is ambiguous."""
    shape = http_shape(event)
    assert shape is not None
    parts = RequestParts(f"{number}", lambda: payload_of(shapes.SHAPES[shape](event)))
    try:
        return RULE._replace(known=known).identify(event, request=parts).fingerprint
    except MissingKeyError:
        return None


@thorough
@given(st.sampled_from(sorted(SHAPES)), PAIRS)
def test_a_fingerprint_is_the_same_where_it_is_known(
    shape: str, pair: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    known = KnownFingerprints()
    events = [event_of(shape, request) for request in pair]
    read = [fingerprint(event) for event in events]
    for _ in range(2):
        assert [fingerprint(event, known) for event in events] == read
    if None not in read:
        one, other = map(meaning, events)
        assert (read[0] == read[1]) == (one == other)


PROPERTY: Final = test_a_fingerprint_is_the_same_where_it_is_known
ARGUMENTS: Final = (st.sampled_from(sorted(SHAPES)), PAIRS)


@pytest.mark.parametrize("lost", range(3))
def test_a_part_of_the_raw_request_that_is_forgotten_is_found(
    monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    whole: Callable[..., Parts | None] = payload._raw

    def defect(*given: Any) -> Parts | None:
        raw = whole(*given)
        return None if raw is None else (*raw[:lost], *raw[lost + 1 :])

    plant(monkeypatch, payload_of, "_raw", defect)
    assert refutes(PROPERTY, *ARGUMENTS)


@pytest.mark.parametrize("lost", range(3))
def test_a_part_of_a_bodys_form_that_is_forgotten_is_found(
    monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    plant(monkeypatch, payload_of, "repr", lambda form: str((*form[:lost], *form[lost + 1 :])))
    assert refutes(PROPERTY, *ARGUMENTS)


def test_a_fingerprint_that_is_known_for_other_bytes_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def by_record(self: KnownFingerprints, record: str, _: str) -> str | None:
        return self._by_record[record][1] if record in self._by_record else None

    monkeypatch.setattr(KnownFingerprints, "get", by_record)
    assert refutes(PROPERTY, *ARGUMENTS)


def test_nothing_of_a_body_stays_in_memory() -> None:
    known = KnownFingerprints()
    request = {**TEXT, "body": "x" * 100_000}
    fingerprint(event_of("rest", request), known)  # loads modules
    tracemalloc.start()
    try:
        for number in range(20):
            fingerprint(event_of("rest", {**request, "body": f"{number}" * 50_000}), known, number)
        assert len(known) == 21
        assert tracemalloc.get_traced_memory()[0] < 50_000
    finally:
        tracemalloc.stop()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list of the texts that are read as JSON from now on."""
    texts: list[str] = []

    def noted(text: str) -> bytes:
        texts.append(text)
        return canonical_json(text)

    monkeypatch.setattr(payload, "canonical_json", noted)
    return texts


@pytest.mark.parametrize("shape", SHAPES)
def test_a_retry_of_the_same_bytes_asks_the_store_once_and_is_not_read(
    read: list[str], shape: str
) -> None:
    store = CountedStore(ManualClock())
    handler = idempotent(store=store)(lambda event, context: {"statusCode": 201})
    answers = [seen(shape, handler(SHAPES[shape](Http()))) for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 201]
    assert store.sent == ["claim", "complete", "claim", "claim"]
    assert read == [Http().body]


def test_a_retry_of_other_bytes_is_read_and_is_a_replay_where_it_means_the_same(
    read: list[str],
) -> None:
    store = CountedStore(ManualClock())
    handler = idempotent(store=store)(lambda event, context: {"statusCode": 201})
    bodies = ['{"amount": 5}', '{"amount":5.0}', '{"amount":6}']
    answers = [seen("rest", handler(SHAPES["rest"](Http(body=body)))) for body in bodies]
    assert [answer.status for answer in answers] == [201, 201, 422]
    assert store.sent == ["claim", "complete", "claim", "claim"]
    assert read == bodies


def test_no_callers_retry_shows_what_another_has_sent(read: list[str]) -> None:
    handler = idempotent(store=CountedStore(ManualClock()))(lambda *_: {"statusCode": 201})
    for caller in ("alice", "bob"):
        handler(SHAPES["rest"](Http(caller=caller)))
    assert len(read) == 2
