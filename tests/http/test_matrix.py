"""Every case in every profile and every event shape: the table of docs/http.md, row by row."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from kit.http_events import KEY, SHAPES, Http, Seen, respond, seen
from lambda_idempotency import HttpOptions, MemoryStore, idempotent
from lambda_idempotency.protocol.record import Claim, Record, Reply

PROFILES: Final = ["ietf", "stripe", "accepted"]
POST: Final = Http()
MARKERS: Final = {
    "ietf": "idempotency-replayed",
    "stripe": "idempotent-replayed",
    "accepted": "idempotency-replayed",
}
RAN: Final = 0
"""In the table below: the handler ran."""

#                              ietf  stripe  accepted
STATUSES: Final[dict[str, tuple[int, int, int]]] = {
    "missing": (400, RAN, RAN),
    "malformed": (400, 400, 400),
    "in flight": (409, 409, 202),
    "other payload": (422, 400, 400),
    "unavailable": (410, 410, 410),
    "not kept": (409, 409, 200),
    "parked": (500, 500, 500),
    "outage": (503, 503, 503),
}
KEPT: Final[dict[int, tuple[bool, bool, bool]]] = {
    200: (True, True, True),
    201: (True, True, True),
    204: (True, True, True),
    302: (True, True, False),
    400: (True, True, False),
    401: (False, False, False),
    402: (True, True, False),
    403: (False, False, False),
    404: (True, True, False),
    408: (False, False, False),
    409: (False, False, False),
    422: (True, True, False),
    425: (False, False, False),
    429: (False, False, False),
    500: (False, True, False),
    503: (False, True, False),
}


class Service:
    """A handler behind one profile and shape, and its clients."""

    def __init__(self, profile: str, shape: str, store: MemoryStore, clock: ManualClock) -> None:
        self.profile, self.shape, self.store, self.clock = profile, shape, store, clock
        self.runs = 0
        self.status = 200
        self.headers = {"Content-Type": "application/json", "X-Order": "7"}
        self.meanwhile: Callable[[], Any] = lambda: None
        self.options: dict[str, Any] = {}

    def handler(self, event: Any, context: Any) -> Any:
        self.runs += 1
        self.meanwhile()
        return respond(self.shape, self.status, f'{{"run": {self.runs}}}', self.headers)

    def send(self, http: Http = POST) -> Seen:
        options = {"http": self.profile, "store": self.store, "lease": 30, **self.options}
        return seen(self.shape, idempotent(**options)(self.handler)(SHAPES[self.shape](http), None))

    def expected(self, case: str) -> int:
        return STATUSES[case][PROFILES.index(self.profile)]

    def assert_refused(self, answer: Seen, case: str) -> None:
        """Check for the table's status, in the profile's form, with nothing quoted from the
        request.
        """
        assert answer.status == self.expected(case)
        assert KEY not in answer.body
        if self.profile == "stripe":
            assert answer.headers["content-type"] == "application/json"
            assert set(answer.json["error"]) == {"type", "code", "message"}
        elif answer.status == 202:
            assert answer.json == {"status": "in_progress"}
        else:
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json) == {"type", "title", "status", "detail"}
            assert answer.json["status"] == answer.status


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SHAPES)
def service(
    request: pytest.FixtureRequest, profile: str, store: MemoryStore, clock: ManualClock
) -> Service:
    return Service(profile, request.param, store, clock)


# The key ------------------------------------------------------------------------------------------


def test_missing(service: Service) -> None:
    answer = service.send(replace(POST, headers=()))
    if service.expected("missing") == RAN:
        assert (answer.status, service.runs) == (200, 1)
        service.send(replace(POST, headers=()))
        assert service.runs == 2
    else:
        service.assert_refused(answer, "missing")
        assert service.runs == 0


MALFORMED: Final = (
    "",  # empty
    '""',  # empty string
    "k" * 10_240,  # 10 KB
    "k" * 256,  # 256 characters
    "a\x07b",  # control character
    "a\nb",  # newline
    "schlüssel",  # utf-8
    '"abc',  # not closed
    '"abc"d',  # after the string
    r'"a\bc"',  # bad escape
    "k1, k2",  # list
    '"k1", "k2"',  # list of strings
    "k1,",  # list with nothing
)


def test_malformed(service: Service) -> None:
    for value in MALFORMED:
        answer = service.send(replace(POST, headers=(("Idempotency-Key", value),)))
        service.assert_refused(answer, "malformed")
        assert value == "" or value not in answer.body
    assert service.runs == 0


def test_two_values(service: Service) -> None:
    two = (("Idempotency-Key", "one"), ("Idempotency-Key", "two"))
    answer = service.send(replace(POST, headers=two))
    if service.shape == "alb":  # without multi-value headers it passes on only the last one
        assert (answer.status, service.runs) == (200, 1)
    else:
        service.assert_refused(answer, "malformed")
        assert service.runs == 0


def test_one_value_twice_is_one_key(service: Service) -> None:
    service.send()
    service.send(replace(POST, headers=(("Idempotency-Key", KEY), ("idempotency-key", f'"{KEY}"'))))
    assert service.runs == 1


@pytest.mark.parametrize("value", [KEY, f'"{KEY}"', f' "{KEY}" ', f'"{KEY}"; v=1', f"{KEY}\t"])
def test_quoted_and_bare_are_one_key(service: Service, value: str) -> None:
    first = service.send()
    again = service.send(replace(POST, headers=(("IDEMPOTENCY-KEY", value),)))
    assert (again.body, service.runs) == (first.body, 1)


# First and replay ---------------------------------------------------------------------------------


def test_the_first_answer_is_the_handlers(service: Service) -> None:
    answer = service.send()
    expected = {name.lower(): value for name, value in service.headers.items()}
    assert answer == Seen(200, expected, '{"run": 1}')


def test_a_replay_is_the_first_answer_with_a_marker(service: Service) -> None:
    first, again = service.send(), service.send()
    marker = {MARKERS[service.profile]: "true"}
    assert again == Seen(first.status, {**first.headers, **marker}, first.body)
    assert service.runs == 1


def test_headers_of_one_exchange_are_not_replayed_and_not_recorded(service: Service) -> None:
    service.headers |= {
        "Set-Cookie": "session=4711",
        "date": "Tue, 15 Nov 1994 08:12:31 GMT",
        "Connection": "close",
        "Transfer-Encoding": "chunked",
        "WWW-Authenticate": "Basic",
        "X-Amzn-Trace-Id": "Root=1",
        "traceparent": "00-1",
        "Access-Control-Allow-Origin": "https://shop.example",
    }
    first, again = service.send(), service.send()
    assert {"set-cookie", "date", "access-control-allow-origin"} <= set(first.headers)
    assert set(again.headers) == {"content-type", "x-order", MARKERS[service.profile]}
    [record] = service.store.records().values()
    assert "4711" not in str(record.data)


def test_headers_that_are_named_are_not_replayed_either(service: Service) -> None:
    service.options = {"http": HttpOptions(not_replayed=("X-Order",))}
    service.headers["Set-Cookie"] = "session=4711"
    service.send()
    again = service.send()
    assert "x-order" not in again.headers
    assert "set-cookie" not in again.headers


def test_a_header_of_one_exchange_is_replayed_if_it_is_named(service: Service) -> None:
    service.options = {"http": HttpOptions(replayed=("set-COOKIE",))}
    service.headers |= {"Set-Cookie": "session=4711", "Date": "Tue, 15 Nov 1994 08:12:31 GMT"}
    service.send()
    again = service.send()
    assert again.headers["set-cookie"] == "session=4711"
    assert "date" not in again.headers


def test_a_body_in_base64_is_replayed_byte_for_byte(service: Service) -> None:
    body = base64.b64encode(bytes(range(256))).decode()
    response = {**respond(service.shape, 200, body, service.headers), "isBase64Encoded": True}
    service.handler = lambda event, context: response  # type: ignore[method-assign]
    options: dict[str, Any] = {"http": service.profile, "store": service.store}
    handler = idempotent(**options)(service.handler)
    event = SHAPES[service.shape](POST)
    assert handler(event, None) is response
    again = handler(event, None)
    assert (again["body"], again["isBase64Encoded"]) == (body, True)


# In flight ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("passed", "rest"), [(0, "5"), (27, "3"), (29.5, "1")])
def test_in_flight(service: Service, passed: float, rest: str) -> None:
    answers: list[Seen] = []

    def duplicate() -> None:
        service.clock.advance(passed)
        answers.append(service.send())

    service.meanwhile = duplicate
    service.send()
    [answer] = answers
    service.assert_refused(answer, "in flight")
    assert service.runs == 1
    assert answer.headers.get("retry-after") == (None if service.profile == "stripe" else rest)
    assert ("location" in answer.headers) == (service.profile == "accepted")


# What makes another request -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [{"body": '{"amount": 6}'}, {"body": None}, {"query": (("dry", "yes"),)}], ids=str
)
def test_other_payload(service: Service, change: dict[str, Any]) -> None:
    service.send()
    service.assert_refused(service.send(replace(POST, **change)), "other payload")
    assert service.runs == 1


@pytest.mark.parametrize(
    "change",
    [{"body": '{ "amount": 5.0 }'}, {"in_base64": True}],
    ids=str,
)
def test_the_same_payload_written_otherwise(service: Service, change: dict[str, Any]) -> None:
    first, again = service.send(), service.send(replace(POST, **change))
    assert (again.body, service.runs) == (first.body, 1)


def test_other_principal(service: Service) -> None:
    alice, bob = (service.send(replace(POST, caller=name)) for name in ("alice", "bob"))
    nobody = service.send()
    assert len({alice.body, bob.body, nobody.body}) == service.runs == 3
    assert service.send(replace(POST, caller="alice")).body == alice.body
    assert len({record.scope for record in service.store.records().values()}) == 3


def test_other_stage(service: Service) -> None:
    first, other = service.send(), service.send(replace(POST, stage="test"))
    staged = service.shape in ("rest", "http-1.0", "http-2.0")
    assert (first.body != other.body) == staged
    assert service.runs == (2 if staged else 1)


@pytest.mark.parametrize(
    "change",
    [{"parameters": {"id": "8"}}, {"template": "/carts/{id}"}, {"method": "PUT"}],
    ids=str,
)
def test_other_route(service: Service, change: dict[str, Any]) -> None:
    first, other = service.send(), service.send(replace(POST, **change))
    assert first.body != other.body
    assert service.runs == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_safe_methods_pass(service: Service, method: str) -> None:
    for _ in range(2):
        assert service.send(replace(POST, method=method)).status == 200
    assert service.runs == 2
    assert service.store.records() == {}


# What is kept -------------------------------------------------------------------------------------


def test_statuses(service: Service) -> None:
    for status, profiles in KEPT.items():
        kept = profiles[PROFILES.index(service.profile)]
        service.status, service.runs = status, 0
        request = replace(POST, headers=(("Idempotency-Key", f"of {status}"),))
        first, again = service.send(request), service.send(request)
        assert (first.status, again.status) == (status, status)
        assert service.runs == (1 if kept else 2)
        assert (MARKERS[service.profile] in again.headers) == kept


def test_a_response_that_is_not_to_be_kept(service: Service) -> None:
    service.options = {"store_response": False}
    assert service.send().body == '{"run": 1}'
    again = service.send()
    if service.profile != "accepted":
        service.assert_refused(again, "not kept")
    else:
        assert (again.status, again.body) == (service.expected("not kept"), "")
        assert again.headers[MARKERS[service.profile]] == "true"
    assert service.runs == 1


@pytest.mark.parametrize(
    ("kept", "status"), [(("2xx",), 200), (("201", "2xx"), 200), (("2xx", "404"), 409)], ids=str
)
def test_a_success_is_told_where_nothing_else_is_kept(
    service: Service, kept: tuple[str, ...], status: int
) -> None:
    http = HttpOptions(profile=service.profile, store_statuses=kept)  # type: ignore[arg-type]
    service.options = {"store_response": False, "http": http}
    service.send()
    assert service.send().status == status


def test_an_exception_passes_and_frees_the_key(service: Service) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    service.meanwhile = fail
    with pytest.raises(ZeroDivisionError):
        service.send()
    service.meanwhile = lambda: None
    assert service.send().status == 200
    assert service.runs == 2


# What cannot be answered --------------------------------------------------------------------------


def test_outage(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    class Down(MemoryStore):
        def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
            raise ConnectionError("no route")

    service.store = Down()
    answer = service.send()
    service.assert_refused(answer, "outage")
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert service.runs == 0
    assert "The store failed: ConnectionError." in caplog.text
    assert "no route" not in caplog.text


def test_parked(service: Service) -> None:
    service.options = {"max_attempts": 1}
    plant_dead_attempt(service)
    service.assert_refused(service.send(), "parked")
    service.assert_refused(service.send(), "parked")
    assert service.runs == 0


def plant_dead_attempt(service: Service) -> None:
    """Leave the claim of a worker that never comes back."""
    answers: list[Any] = []

    class Watching(MemoryStore):
        def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
            answers.append(claim)
            raise ConnectionError

    own, service.store = service.store, Watching()
    service.send()
    service.store = own
    own.claim(answers[0])
    service.clock.advance(31)


def test_unavailable(service: Service) -> None:
    response = {**respond(service.shape, 200, "", {}), "body": {1, 2}}
    options: dict[str, Any] = {"http": service.profile, "store": service.store}
    handler = idempotent(**options)(lambda event, context: response)
    event = SHAPES[service.shape](POST)
    assert handler(event, None) is response
    service.assert_refused(seen(service.shape, handler(event, None)), "unavailable")
