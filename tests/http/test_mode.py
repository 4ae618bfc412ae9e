"""The options of HTTP mode, events that are bent, and results that are not responses."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest

from kit.http_events import KEY, SHAPES, Http, Seen, alb, http_1, http_2, respond, rest, seen, url
from lambda_idempotency import ConfigurationError, HttpOptions, MemoryStore, current, idempotent

POST: Final = Http()
MARKER: Final = "idempotency-replayed"


class Handler:
    """A handler that returns the number of its runs, or the given result."""

    def __init__(self, result: Any = None) -> None:
        self.runs = 0
        self.result = result

    def __call__(self, event: Any, context: Any) -> Any:
        self.runs += 1
        answer = {"statusCode": 200, "headers": {}, "body": str(self.runs)}
        return answer if self.result is None else self.result


def send(event: Any, handler: Any, store: MemoryStore, **options: Any) -> Seen:
    return seen("rest", idempotent(store=store, name="handler", **options)(handler)(event, None))


# Options ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("http", ["stripe", HttpOptions(profile="stripe")], ids=["name", "options"])
def test_the_option_is_a_name_or_options(store: MemoryStore, http: Any) -> None:
    handler = Handler({"statusCode": 500, "body": ""})
    for _ in range(2):
        send(rest(POST), handler, store, http=http)
    assert handler.runs == 1


def test_the_option_wins_over_the_setting(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_HTTP", '{"profile":"stripe"}')
    no_key = replace(POST, headers=())
    assert send(rest(no_key), Handler(), store).status == 200
    assert send(rest(no_key), Handler(), store, http="ietf").status == 400


@pytest.mark.parametrize("off", ["option", "setting"])
def test_none_turns_http_mode_off(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore, off: str
) -> None:
    if off == "setting":
        monkeypatch.setenv("IDEMPOTENCY_HTTP", "off")
    options = {"http": None} if off == "option" else {}
    handler = Handler()
    for event in (rest(POST), rest(POST), rest(replace(POST, headers=()))):
        send(event, handler, store, key="body", **options)
    assert handler.runs == 1
    with pytest.raises(ConfigurationError, match=r"no key\. HTTP mode is off .*Pass key="):
        send(rest(POST), handler, MemoryStore(), **options)


@pytest.mark.parametrize("http", ["rest", "", 5, {"profile": "ietf"}, True])
def test_a_senseless_option_is_refused(store: MemoryStore, http: Any) -> None:
    with pytest.raises(ConfigurationError, match="@idempotent: http is "):
        idempotent(store=store, http=http)


def test_a_key_expression_replaces_the_header(store: MemoryStore) -> None:
    handler = Handler()
    for key in ("one", "two"):
        headers = (("Idempotency-Key", key),)
        assert send(rest(replace(POST, headers=headers)), handler, store, key="body.amount").body
    assert handler.runs == 1
    missing = send(rest(replace(POST, body="{}")), handler, store, key="body.amount")
    assert missing.status == 400


def test_a_fingerprint_expression_replaces_body_and_query(store: MemoryStore) -> None:
    handler = Handler()
    for body in ('{"amount": 5, "at": 1}', '{"amount": 5, "at": 2}', '{"amount": 6, "at": 2}'):
        answer = send(rest(replace(POST, body=body)), handler, store, fingerprint="body.amount")
    assert (answer.status, handler.runs) == (422, 1)


@pytest.mark.parametrize("http", ["ietf", "stripe"])
def test_a_request_with_a_key_and_without_its_fingerprint_never_runs(
    store: MemoryStore, http: Any
) -> None:
    handler = Handler()
    options: dict[str, Any] = {"http": http, "fingerprint": "body.other"}
    response = idempotent(store=store, **options)(handler)(rest(POST), None)
    assert (response["statusCode"], handler.runs) == (400, 0)


def test_a_request_that_may_run_without_a_key_needs_no_caller_either(store: MemoryStore) -> None:
    event = http_2(replace(POST, headers=()))
    event["requestContext"]["authorizer"] = {"lambda": None}
    assert send(event, Handler(), store, http="stripe").status == 200


def test_bypass_lets_a_request_without_a_key_run(store: MemoryStore) -> None:
    no_key = replace(POST, headers=())
    assert send(rest(no_key), Handler(), store, on_missing_key="bypass").status == 200
    two = replace(POST, headers=(("Idempotency-Key", "a, b"),))
    assert send(rest(two), Handler(), store, on_missing_key="bypass").status == 400


def test_the_log_names_an_expression_that_finds_nothing_and_the_answer_does_not(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    answer = send(rest(POST), Handler(), store, key="order_id")
    assert answer.status == 400
    assert "order_id" not in answer.body
    assert "The option key is 'order_id'." in caplog.text


def test_wait_waits_before_it_answers_409(store: MemoryStore, slept: list[float]) -> None:
    answers: list[Seen] = []

    def handler(event: Any, context: Any) -> Any:
        answers.append(send(event, handler, store, on_in_progress="wait", wait_timeout=2))
        return {"statusCode": 200}

    send(rest(POST), handler, store)
    assert [answer.status for answer in answers] == [409]
    assert sum(slept) == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(
    ("statuses", "kept", "not_kept"),
    [(("2xx",), [200, 201], [404, 500]), (("5xx", "403"), [500, 403], [200, 401])],
)
def test_store_statuses(
    store: MemoryStore, statuses: tuple[str, ...], kept: list[int], not_kept: list[int]
) -> None:
    for number, status in enumerate(kept + not_kept):
        handler = Handler({"statusCode": status})
        event = rest(replace(POST, parameters={"id": str(number)}))
        for _ in range(2):
            send(event, handler, store, http=HttpOptions(store_statuses=statuses))
        assert handler.runs == (1 if status in kept else 2)


ORIGIN: Final = "https://shop.example"


@pytest.mark.parametrize(
    ("cors", "origin", "allowed"),
    [
        ((), ORIGIN, None),
        (("*",), ORIGIN, "*"),
        ((ORIGIN,), ORIGIN, ORIGIN),
        ((ORIGIN, "https://two.example"), "https://two.example", "https://two.example"),
        ((ORIGIN,), "https://other.example", None),
        ((ORIGIN,), None, None),
    ],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_cors_is_on_what_the_layer_answers_alone(
    store: MemoryStore, shape: str, cors: tuple[str, ...], origin: str | None, allowed: str | None
) -> None:
    headers = (("Idempotency-Key", KEY), *((("Origin", origin),) if origin else ()))
    options: Any = {"store": store, "http": HttpOptions(cors=cors)}
    handler = idempotent(**options)(lambda event, context: {"statusCode": 200})
    event = SHAPES[shape](replace(POST, headers=headers))
    first, again, refused = (
        seen(shape, handler(sent, None))
        for sent in (event, event, SHAPES[shape](replace(POST, headers=headers[1:])))
    )
    assert "access-control-allow-origin" not in first.headers
    for answer in (again, refused):
        assert answer.headers.get("access-control-allow-origin") == allowed
        exposed = answer.headers.get("access-control-expose-headers", "")
        assert ("Retry-After" in exposed) == (allowed is not None)
        assert (answer.headers.get("vary") == "Origin") == (cors not in ((), ("*",)))


@pytest.mark.parametrize("shape", SHAPES)
def test_cors_adds_to_what_the_handler_said(store: MemoryStore, shape: str) -> None:
    headers = {"vary": "Accept", "Access-Control-Expose-Headers": "X-Order", "X-Order": "7"}
    function = idempotent(store=store, http=HttpOptions(cors=(ORIGIN,)))
    handler = function(lambda event, context: respond(shape, 200, "", headers))
    sent = replace(POST, headers=(("Idempotency-Key", KEY), ("Origin", ORIGIN)))
    handler(SHAPES[shape](sent), None)
    again = seen(shape, handler(SHAPES[shape](sent), None))
    assert again.headers["vary"] == "Accept, Origin"
    assert again.headers["access-control-expose-headers"].startswith("X-Order, Location")
    assert again.headers["x-order"] == "7"


# Bent events --------------------------------------------------------------------------------------


def _never_by_accident(event: Any, store: MemoryStore, **options: Any) -> int:
    """Return the status, checked never to be a 500; 0 if the configuration is refused."""
    try:
        status = send(event, Handler(), store, **options).status
    except ConfigurationError:
        return 0
    assert status in (200, 400)
    return status


@pytest.mark.parametrize("make", [rest, http_1, http_2, url, alb])
@pytest.mark.parametrize(
    "change",
    [
        {"headers": None, "multiValueHeaders": None},
        {"headers": [], "multiValueHeaders": "x"},
        {"headers": {"Idempotency-Key": None}, "multiValueHeaders": {"Idempotency-Key": None}},
        {"headers": {5: 5}, "multiValueHeaders": {5: [5, None]}},
    ],
    ids=str,
)
def test_headers_that_are_bent_hold_no_key(store: MemoryStore, make: Any, change: Any) -> None:
    assert _never_by_accident({**make(POST), **change}, store) == 400


@pytest.mark.parametrize("make", [rest, http_1, http_2, url, alb])
@pytest.mark.parametrize(
    "change",
    [
        {"pathParameters": None, "queryStringParameters": None, "rawQueryString": None},
        {"pathParameters": [1], "multiValueQueryStringParameters": [1], "rawPath": 5, "path": 5},
        {"body": None},
        {"body": "not base64!", "isBase64Encoded": True},
        {"body": "{broken"},
        {"body": {"already": "decoded"}},
        {"resource": None, "routeKey": None},
    ],
    ids=str,
)
def test_what_is_bent_elsewhere_runs_once(store: MemoryStore, make: Any, change: Any) -> None:
    event, handler = {**make(POST), **change}, Handler()
    for _ in range(2):
        assert send(event, handler, store).status == 200
    assert handler.runs == 1


@pytest.mark.parametrize("body", ['{"a": 1, "a": 2}', '{"a": NaN}', "[" * 100_000])
def test_a_body_that_does_not_say_one_thing_is_refused(store: MemoryStore, body: str) -> None:
    answer = send(rest(replace(POST, body=body)), Handler(), store)
    assert (answer.status, answer.json["title"]) == (400, "Idempotency key unusable")


@pytest.mark.parametrize("body", ["NaN", '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 100_000])
@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("key", [None, 'headers."idempotency-key"'])
def test_a_body_that_is_declared_as_something_else_than_json_is_a_text(
    store: MemoryStore, body: str, kind: str, key: str | None
) -> None:
    event = rest(replace(POST, body=body, headers=(*POST.headers, ("Content-Type", kind))))
    assert send(event, Handler(), store, key=key).status == 200


@pytest.mark.parametrize("make", [rest, alb])
def test_a_body_of_6_mb_is_no_matter(store: MemoryStore, make: Any) -> None:
    event, handler = make(replace(POST, body='{"x": "' + "y" * 6_000_000 + '"}')), Handler()
    started = time.monotonic()
    for _ in range(2):
        assert send(event, handler, store).status == 200
    assert handler.runs == 1
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("context", [None, "x", {}])
def test_a_rest_event_without_its_context_is_served(store: MemoryStore, context: Any) -> None:
    assert _never_by_accident({**rest(POST), "requestContext": context}, store) == 200


@pytest.mark.parametrize(
    "event", [{**http_2(POST), "version": "secret"}, {**rest(POST), "version": 7}]
)
def test_an_unknown_version_is_a_configuration_error(store: MemoryStore, event: Any) -> None:
    handler = Handler()
    expected = r"^The version of this HTTP event is unknown; expected '1\.0' or '2\.0'"
    with pytest.raises(ConfigurationError, match=expected):
        send(event, handler, store)
    assert handler.runs == 0
    assert send(event, handler, MemoryStore(), http=None, key="body").status == 200


@pytest.mark.parametrize("authorizer", ["alice", {"lambda": None}, {"jwt": {"claims": {}}}])
def test_an_unknown_authorizer_is_a_configuration_error(
    store: MemoryStore, authorizer: Any
) -> None:
    event = http_2(POST)
    event["requestContext"]["authorizer"] = authorizer
    handler = Handler()
    with pytest.raises(ConfigurationError, match="principal_claim"):
        send(event, handler, store)
    assert handler.runs == 0


def test_other_events_follow_the_other_rules(store: MemoryStore) -> None:
    handler = Handler()
    function = idempotent(store=store)(handler)
    ping = {"source": "warm-up"}
    assert function(ping, None) == function(ping, None)
    assert handler.runs == 1


def test_a_pass_has_an_attempt_of_its_own(store: MemoryStore) -> None:
    keys: list[str] = []

    def handler(event: Any, context: Any) -> Any:
        keys.append(current().key)
        return {"statusCode": 200}

    for _ in range(2):
        send(rest(replace(POST, method="GET")), handler, store)
    assert len(set(keys)) == 2


def test_the_query_in_another_order_is_the_same(store: MemoryStore) -> None:
    handler = Handler()
    for query in ("b=1&a=2&a=1", "a=2&b=1&a=1"):
        assert send({**http_2(POST), "rawQueryString": query}, handler, store).status == 200
    other = send({**http_2(POST), "rawQueryString": "a=1&a=2&b=1"}, handler, store)
    assert (other.status, handler.runs) == (422, 1)


# Results that are no responses --------------------------------------------------------------------


@pytest.mark.parametrize("make", [http_2, url])
@pytest.mark.parametrize(
    ("result", "body"),
    [({"id": 7}, '{"id": 7}'), ([1, 2], "[1, 2]"), (5, "5"), ({"n": Decimal("1.5")}, '{"n": 1.5}')],
    ids=str,
)
def test_an_inferred_response_is_replayed_with_what_is_inferred(
    store: MemoryStore, make: Any, result: Any, body: str
) -> None:
    handler = idempotent(store=store)(lambda event, context: result)
    assert handler(make(POST), None) is result
    again = seen("http-2.0", handler(make(POST), None))
    expected = {"content-type": "application/json", MARKER: "true"}
    assert again == Seen(200, expected, body)


@pytest.mark.parametrize("result", ["text", None])
def test_what_is_not_certainly_inferred_is_replayed_as_it_is(
    store: MemoryStore, result: Any
) -> None:
    runs: list[int] = []

    def function(event: Any, context: Any) -> Any:
        runs.append(1)
        return result

    handler = idempotent(store=store)(function)
    assert handler(http_2(POST), None) == handler(http_2(POST), None) == result
    assert runs == [1]


@pytest.mark.parametrize("make", [rest, http_1, alb])
@pytest.mark.parametrize(
    "result",
    [
        *("text", None, 5, [1], {"statusCode": "many"}, {"statusCode": 9}),
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": 5},
        {"statusCode": 200, "headers": ["a: b"]},
    ],
)
def test_a_result_that_the_source_cannot_read_is_done_and_not_repeated(
    store: MemoryStore, make: Any, result: Any, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[int] = []

    def function(event: Any, context: Any) -> Any:
        runs.append(1)
        return result

    handler = idempotent(store=store)(function)
    assert handler(make(POST), None) is result  # of which the client sees a 502
    assert f"returned a {type(result).__name__} that is no response" in caplog.text
    again = seen("rest", handler(make(POST), None))
    assert (again.status, again.json["title"]) == (410, "Response unavailable")
    assert runs == [1]


@pytest.mark.parametrize(
    ("make", "result"),
    [
        (http_2, {"statusCode": "many"}),
        (http_2, {"statusCode": 9}),
        (http_2, {"statusCode": 200, "body": {"a": 1}}),
        (alb, {"body": "x"}),
    ],
)
def test_a_response_that_its_own_source_cannot_read_is_done_and_not_repeated(
    store: MemoryStore, make: Any, result: Any
) -> None:
    handler = Handler(result)
    function = idempotent(store=store)(handler)
    assert function(make(POST), None) is result
    assert seen("rest", function(make(POST), None)).status == 410
    assert handler.runs == 1


@pytest.mark.parametrize("status", ["200", 200.0, None])
def test_a_status_may_be_written_otherwise(store: MemoryStore, status: Any) -> None:
    handler = Handler({"statusCode": status, "body": ""})
    function = idempotent(store=store)(handler)
    for _ in range(2):
        function(rest(POST), None)
    assert handler.runs == 1


def test_a_result_that_raises_when_it_is_read_runs_once(store: MemoryStore) -> None:
    class Hostile(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise ZeroDivisionError

    result = Hostile()
    handler = Handler(result)
    function = idempotent(store=store)(handler)
    assert function(rest(POST), None) is result
    assert seen("rest", function(rest(POST), None)).status == 410
    assert handler.runs == 1


def test_an_async_handler_is_served(store: MemoryStore) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> Any:
        loops.append(asyncio.get_running_loop())
        return {"statusCode": 201, "body": "x"}

    assert [seen("rest", handler(rest(POST), None)).status for _ in range(2)] == [201, 201]
    [loop] = loops
    loop.close()
