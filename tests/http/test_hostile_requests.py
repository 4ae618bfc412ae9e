"""Requests and responses made to do harm: each is answered, at a limited cost."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from kit.counted import CountedStore
from kit.http_events import SHAPES, Http, Seen, alb_multi, http_2, rest, seen
from lambda_idempotency import HttpOptions, MemoryStore, current, idempotent
from lambda_idempotency.identity.canonical import canonical, parse

POST: Final = Http()
LEVELS: Final = 100_000


class Handler:
    """A handler that counts its runs."""

    def __init__(self, response: Any = None) -> None:
        self.runs = 0
        self.response = {"statusCode": 201} if response is None else response

    def __call__(self, event: Any, context: Any) -> Any:
        self.runs += 1
        return self.response


def nested(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


# Bodies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "[" * LEVELS,
        "[" * LEVELS + "]" * LEVELS,
        '{"a":' * LEVELS + "0" + "}" * LEVELS,
        "[1e" + "9" * LEVELS + "]",
        '{"id": 1, "id": 2}',
        "[NaN]",
    ],
    ids=["open", "arrays", "objects", "exponent", "name twice", "NaN"],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_body_that_cannot_be_read_is_answered_and_asks_no_store(shape: str, body: str) -> None:
    store, handler = CountedStore(ManualClock()), Handler()
    event = SHAPES[shape](replace(POST, body=body))
    answer = seen(shape, idempotent(store=store)(handler)(event, None))
    assert (answer.status, handler.runs, store.sent) == (400, 0, [])


@pytest.mark.parametrize(
    "body",
    ["1" * 1_000_000, "1." + "1" * 1_000_000],
    ids=["an integer", "a fraction"],
)
def test_a_number_takes_memory_for_its_digits_and_not_for_more(body: str) -> None:
    tracemalloc.start()
    try:
        canonical(parse(body), parsed=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * len(body)


def test_a_key_of_megabytes_makes_a_record_like_any_other(store: MemoryStore) -> None:
    handler = idempotent(store=store, key="id", namespace="shop")(lambda *_: current().key)
    assert len(handler({"id": "k" * 6_000_000}, None)) == len("shop#") + 64


# Headers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "k\r\nSet-Cookie: a=b",
        "k\x00",
        "\u043a\u043b\u044e\u0447",
        "\U0001f511",
        "\ud800",
        "k\u200b",
        "k" * 6_000_000,
        '"' + "\\" * 1_000_001,
        "a,b," * 50_000,
    ],
    ids=["CR LF", "NUL", "Cyrillic", "emoji", "surrogate", "no width", "long", "slashes", "commas"],
)
@pytest.mark.parametrize("profile", ["ietf", "stripe", "accepted"])
def test_a_hostile_key_is_refused_and_in_no_answer(
    store: MemoryStore, key: str, profile: Any
) -> None:
    handler = Handler()
    event = rest(replace(POST, headers=(("Idempotency-Key", key),)))
    answer = seen("rest", idempotent(store=store, http=profile)(handler)(event, None))
    assert (answer.status, handler.runs) == (400, 0)
    assert len(repr(answer)) < 600
    assert not any(ord(character) < 32 for value in answer.headers.values() for character in value)


def test_a_guessed_anonymous_key_tells_nothing_without_the_payload(
    store: MemoryStore,
) -> None:
    handler = Handler({"statusCode": 201, "body": "card 4111"})
    call = idempotent(store=store)(handler)
    call(rest(POST), None)
    guessed = seen("rest", call(rest(replace(POST, body='{"amount": 6}')), None))
    assert (guessed.status, handler.runs) == (422, 1)
    assert "4111" not in repr(guessed)
    assert "4111" in seen("rest", call(rest(POST), None)).body  # with its body, it is a replay


def test_a_client_is_not_told_where_in_the_code_its_request_was_read(store: MemoryStore) -> None:
    def find(event: Any) -> Any:
        return event["body"]["amount"]["cents"]

    expressions: list[dict[str, Any]] = [{"key": find}, {"fingerprint": find}]
    for options in expressions:
        handler = Handler()
        protect = idempotent(store=store, name=next(iter(options)), **options)
        answer = seen("rest", protect(handler)(rest(POST), None))
        assert (answer.status, handler.runs) == (400, 0)
        assert "find" not in answer.body
        assert "TypeError" not in answer.body


def test_a_flood_of_headers_changes_nothing(store: MemoryStore) -> None:
    handler = Handler()
    call = idempotent(store=store)(handler)
    flood = tuple((f"X-Flood-{number}", "x" * 10) for number in range(20_000))
    for headers in (POST.headers, POST.headers + flood):
        answer = seen("alb-multi", call(alb_multi(replace(POST, headers=headers)), None))
    assert (answer.status, handler.runs) == (201, 1)
    assert answer.headers == {"idempotency-replayed": "true"}


def test_an_origin_that_is_not_allowed_is_in_no_answer(store: MemoryStore) -> None:
    options = HttpOptions(cors=("https://shop.example",))
    headers = (("Origin", "https://evil.example\r\nSet-Cookie: a=b"),)
    event = rest(replace(POST, headers=headers))
    answer = seen("rest", idempotent(store=store, http=options)(Handler())(event, None))
    assert answer.status == 400
    assert "evil" not in repr(answer)


def test_a_path_with_line_breaks_is_in_no_answer(store: MemoryStore) -> None:
    answers: list[Seen] = []
    event = http_2(POST)
    event["rawPath"] = "/prod\r\nSet-Cookie: a=b/orders/7"

    def handler(*_: Any) -> Any:
        answers.append(seen("http-2.0", call(event, None)))
        return {"statusCode": 201}

    call = idempotent(store=store, http="accepted")(handler)
    call(event, None)
    [answer] = answers
    assert answer.status == 202
    assert answer.headers["location"].startswith("/idempotency/")


# Responses ----------------------------------------------------------------------------------------


def test_a_response_that_is_nested_too_deeply_is_done_and_not_repeated(store: MemoryStore) -> None:
    handler = Handler(nested(LEVELS))
    call = idempotent(store=store, http=HttpOptions(profile="ietf"))(handler)
    call(http_2(POST), None)
    answer = seen("http-2.0", call(http_2(POST), None))
    assert (answer.status, handler.runs) == (410, 1)
