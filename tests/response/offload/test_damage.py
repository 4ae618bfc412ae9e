"""Objects that are gone or changed, and calls while S3 cannot be reached."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.http_events import Http, http_2, seen
from kit.network.fault_server import FaultServer
from kit.offload import (
    BUCKET,
    LARGE,
    Handler,
    Hurried,
    Settle,
    Store,
    error_of,
    object_of,
)
from lambda_idempotency import (
    HttpOptions,
    ResponseUnavailableError,
    StoreError,
    current,
    idempotent,
)
from lambda_idempotency.protocol.record import Conflict


def test_a_response_that_cannot_be_uploaded_stays_in_the_record_where_it_fits(
    settle: Settle, store: Store, faulty: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    faulty.script(error_of("AccessDenied", 403))
    settle(faulty.endpoint)
    handler = Handler(store)
    assert handler() == handler() == LARGE
    assert store.record.encoding == "zlib"
    assert "could not be written to the bucket of large_responses: AccessDenied" in caplog.text


def test_a_response_that_fits_nowhere_completes_without_a_body(
    settle: Settle, faulty: FaultServer
) -> None:
    faulty.script(error_of("AccessDenied", 403))
    settle(faulty.endpoint)
    handler = Handler(Store(max_data=1000))
    assert handler() == LARGE
    with pytest.raises(ResponseUnavailableError):
        handler()
    assert handler.runs == 1


def _recorded(settle: Settle, store: Store, **options: Any) -> None:
    """Leave a large response on record."""
    settle()
    Handler(store, **options)()


def test_an_object_that_is_gone_makes_its_response_unavailable(
    settle: Settle, store: Store, s3: Any
) -> None:
    _recorded(settle, store)
    s3.delete_object(Bucket=BUCKET, Key=object_of(store.record))
    handler = Handler(store)
    with pytest.raises(ResponseUnavailableError, match="S3 object"):
        handler()
    assert handler.runs == 0


def test_an_object_that_was_changed_makes_its_response_unavailable(
    settle: Settle, store: Store, s3: Any
) -> None:
    _recorded(settle, store)
    s3.put_object(Bucket=BUCKET, Key=object_of(store.record), Body=json.dumps("forged").encode())
    with pytest.raises(ResponseUnavailableError, match="S3 object"):
        Handler(store)()


@pytest.mark.parametrize("leads", ["../../other/{digest}/{owner}", "{owner}?acl", "", "\u00e9"])
def test_a_record_leads_to_no_object_but_its_own(
    settle: Settle, store: Store, faulty: FaultServer, leads: str
) -> None:
    _recorded(settle, store)
    digest = store.key.removeprefix("shop#")
    forged = store.record._replace(owner=leads.format(digest=digest, owner=store.record.owner))
    store.put(forged)
    settle(faulty.endpoint)
    with pytest.raises(ResponseUnavailableError, match="S3 object"):
        Handler(store)()
    assert faulty.requests == []


def test_a_function_without_the_bucket_cannot_replay_it(settle: Settle, store: Store) -> None:
    _recorded(settle, store)
    settle(large_responses=None)
    with pytest.raises(ResponseUnavailableError, match="S3 object"):
        Handler(store)()


def test_an_object_that_may_not_be_read_makes_its_response_unavailable(
    settle: Settle, store: Store, faulty: FaultServer
) -> None:
    _recorded(settle, store)
    faulty.script(error_of("AccessDenied", 403))
    settle(faulty.endpoint)
    with pytest.raises(ResponseUnavailableError, match="S3 object"):
        Handler(store)()


@pytest.mark.parametrize("fail_open", [False, True])
def test_while_s3_cannot_be_reached_a_duplicate_is_told_to_retry_and_nothing_runs(
    settle: Settle, store: Store, *, fail_open: bool
) -> None:
    _recorded(settle, store)
    settle("http://127.0.0.1:9")
    handler = Handler(store, fail_open=fail_open, lease=0.2)
    with pytest.raises(StoreError, match="is done, but its response could not be read from S3"):
        handler()
    assert handler.runs == 0
    settle()
    assert Handler(store)() == LARGE


def test_over_http_that_is_503(settle: Settle, store: Store) -> None:
    settle()
    Handler(store, {"statusCode": 201, "body": LARGE})(http_2(Http()))
    settle("http://127.0.0.1:9")
    duplicate = Handler(store, lease=0.2)(http_2(Http()))
    assert seen("http_2", duplicate).status == 503


@pytest.mark.parametrize(("endpoint", "status"), [("", 201), ("http://127.0.0.1:9", 503)])
def test_who_polls_for_it_gets_it_while_s3_can_be_reached(
    settle: Settle, store: Store, endpoint: str, status: int
) -> None:
    settle()
    accepted: Any = {"http": HttpOptions(profile="accepted")}
    Handler(store, {"statusCode": 201, "body": LARGE}, **accepted)(http_2(Http(caller="me")))
    poll = Http.status_of(store.record.key, caller="me")
    settle(*filter(None, [endpoint]))
    handler = Handler(store, **accepted)
    context = Hurried() if endpoint else None
    assert seen("http_2", handler(http_2(poll), context)).status == status


def test_over_http_a_missing_object_is_410(settle: Settle, store: Store, s3: Any) -> None:
    settle()
    handler = Handler(store, {"statusCode": 201, "body": LARGE})
    handler(http_2(Http()))
    s3.delete_object(Bucket=BUCKET, Key=object_of(store.record))
    assert seen("http_2", handler(http_2(Http()))).status == 410


def test_an_attempt_that_was_overtaken_has_its_own_answer_where_the_others_is_gone(
    settle: Settle, store: Store, s3: Any
) -> None:
    settle()

    def overtake() -> None:
        store.before = lambda: None
        reply = store.read(key)
        assert isinstance(reply, Conflict)
        store.release(key, reply.record.owner)
        Handler(store)()
        s3.delete_object(Bucket=BUCKET, Key=object_of(store.record))

    handler = Handler(store, [LARGE, "own"])
    store.before = overtake
    key = ""

    def run(event: Any, context: Any) -> Any:
        nonlocal key
        key = current().key
        return [LARGE, "own"]

    assert idempotent(store=store)(run)({"id": 1}, None) == [LARGE, "own"]
    assert handler.runs == 0
