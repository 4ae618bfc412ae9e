"""A caller who has lost a right: a replay asks the authorizer, and no handler."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from kit.http_events import Http, Seen, rest, seen
from lambda_idempotency import MemoryStore, idempotent

POST: Final = Http(caller="alice")


class Shop:
    """A shop whose handler asks whether the caller may still buy."""

    def __init__(self, store: MemoryStore, **options: Any) -> None:
        self.members = {"alice"}
        self._call = idempotent(store=store, **options)(self._handler)

    def _handler(self, event: Any, _: Any) -> Any:
        caller = event["requestContext"]["authorizer"]["claims"]["sub"]
        return {"statusCode": 201 if caller in self.members else 403, "body": caller}

    def post(self, http: Http = POST) -> Seen:
        return seen("rest", self._call(self.event(http), None))

    def event(self, http: Http) -> dict[str, Any]:
        event = rest(http)
        event["requestContext"]["authorizer"]["claims"]["member"] = bool(self.members)
        return event


def test_the_answer_to_a_request_stays_its_caller_s_own_also_without_the_right(
    store: MemoryStore,
) -> None:
    shop = Shop(store)
    assert shop.post().status == 201
    shop.members.clear()
    assert shop.post().status == 201
    assert shop.post(replace(POST, parameters={"id": "8"})).status == 403


def test_a_right_that_is_part_of_the_key_ends_the_replays(store: MemoryStore) -> None:
    key = '[multiValueHeaders."idempotency-key", requestContext.authorizer.claims.member]'
    shop = Shop(store, key=key)
    assert [shop.post().status, shop.post().status] == [201, 201]
    shop.members.clear()
    assert shop.post().status == 403


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("profile", ["ietf", "stripe", "accepted"])
def test_a_refusal_is_not_kept_so_a_right_that_is_given_counts_at_once(
    store: MemoryStore, profile: Any, status: int
) -> None:
    answers = [status, 201]
    call = idempotent(store=store, http=profile)(lambda *_: {"statusCode": answers.pop(0)})
    assert [seen("rest", call(rest(POST), None)).status for _ in range(2)] == [status, 201]
