"""Large responses: in objects of a real S3, and calls while it cannot be reached."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final, TypeAlias

import pytest

from kit.aws.local import LocalAws
from kit.http_events import Http, http_2, seen
from kit.network.fault_server import FaultServer, Request, Step, answer
from lambda_idempotency import (
    HttpOptions,
    MemoryStore,
    ResponseUnavailableError,
    StoreError,
    current,
    idempotent,
    idempotent_function,
)
from lambda_idempotency.clients.aws import s3 as module
from lambda_idempotency.contract.settings import Settings
from lambda_idempotency.protocol.record import Completion, Conflict, Record, Reply

BUCKET: Final = "large-responses"
LARGE: Final = os.urandom(5000).hex()
"""A text that compresses to half its size."""

SUFFIXES: Final = count()

Settle: TypeAlias = Callable[..., None]


class Store(MemoryStore):
    """A store that holds little, and lets a test see its only record."""

    def __init__(self, max_data: int | None = 9000) -> None:
        super().__init__()
        self.max_data: int | None = max_data
        self.key = ""
        self.before: Callable[[], None] = lambda: None

    def complete(self, completion: Completion) -> Reply:
        self.before()
        self.key = completion.key
        return super().complete(completion)

    @property
    def record(self) -> Record:
        reply = self.read(self.key)
        assert isinstance(reply, Conflict)
        return reply.record


@pytest.fixture(scope="module")
def s3(local_aws: LocalAws) -> Iterator[Any]:
    client = local_aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the clients that a test has opened."""
    made: list[module.S3] = []

    class Noted(module.S3):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(module, "S3", Noted)
    yield
    for client in made:
        client.close()


@pytest.fixture
def settle(monkeypatch: pytest.MonkeyPatch, local_aws: LocalAws, s3: Any, clients: None) -> Settle:
    """Return a function that sets the environment of a function in that AWS, with its settings."""

    def settle(endpoint: str = local_aws.endpoint, **settings: Any) -> None:
        values: dict[str, Any] = {
            "large_responses": BUCKET,
            "large_response_size": 4000,
            "namespace": "shop",
            "url_suffix": f"suffix-{next(SUFFIXES)}",  # not used here, but another client is
        }
        for name in Settings.kinds:
            monkeypatch.delenv(f"IDEMPOTENCY_{name.upper()}", raising=False)
        variables = Settings(**{**values, **settings}).to_environment()
        environment = local_aws.environment() | {"AWS_ENDPOINT_URL": endpoint} | variables
        for name, value in environment.items():
            if name.startswith(("AWS_", "IDEMPOTENCY_")):
                monkeypatch.setenv(name, value)

    return settle


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def faulty() -> Iterator[FaultServer]:
    with FaultServer(otherwise=_error("InternalError", 500)) as server:
        yield server


def _error(code: str, status: int) -> Step:
    return answer(f"<Error><Code>{code}</Code></Error>".encode(), status=status)


def _name(record: Record) -> str:
    return f"shop/{record.key.removeprefix('shop#')}/{record.owner}"


def _names(s3: Any) -> set[str]:
    return {found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}


class Handler:
    """A handler that counts its runs; a new application takes the settings of the moment."""

    def __init__(self, store: Store, result: Any = LARGE, **options: Any) -> None:
        self.runs = 0
        self.result = result
        self._call = idempotent(store=store, name="handler", **options)(self._run)

    def _run(self, event: Any, context: Any) -> Any:
        self.runs += 1
        return self.result

    def __call__(self, event: Any = None, context: Any = None) -> Any:
        return self._call(event or {"id": 1}, context)


class Hurried:
    """The context of an invocation with little time left."""

    def get_remaining_time_in_millis(self) -> int:
        return 200


# Where a body goes --------------------------------------------------------------------------------


def test_a_large_response_is_an_object_and_is_replayed(
    settle: Settle, store: Store, s3: Any
) -> None:
    settle()
    handler = Handler(store)
    assert handler() == handler() == LARGE
    assert handler.runs == 1
    assert store.record.encoding == "s3 zlib"
    assert len(store.record.data or "") == 64
    assert _name(store.record) in _names(s3)


def test_the_object_is_there_before_the_completion(settle: Settle, store: Store, s3: Any) -> None:
    settle()
    before = _names(s3)
    written: list[set[str]] = []
    store.before = lambda: written.append(_names(s3) - before)
    Handler(store)()
    assert written == [{_name(store.record)}]


def test_what_does_not_compress_is_an_object_all_the_same(
    settle: Settle, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_idempotency.response.compression.compressed", lambda data: data)
    settle()
    handler = Handler(store, "ü" * 3000)
    assert handler() == handler() == "ü" * 3000
    assert store.record.encoding == "s3"


@pytest.mark.parametrize("result", ["small", "x" * 500_000], ids=["small", "compressed"])
def test_what_is_not_large_stays_in_the_record(
    settle: Settle, store: Store, s3: Any, result: str
) -> None:
    settle()
    before = _names(s3)
    handler = Handler(store, result)
    assert handler() == handler() == result
    assert _names(s3) == before


def test_what_the_store_cannot_hold_is_large_whatever_the_size(settle: Settle, s3: Any) -> None:
    settle(large_response_size=10**9)
    store = Store(max_data=1000)
    handler = Handler(store)
    assert handler() == handler() == LARGE
    assert _name(store.record) in _names(s3)


def test_without_a_bucket_it_is_unavailable_and_the_log_says_what_to_do(
    settle: Settle, caplog: pytest.LogCaptureFixture
) -> None:
    settle(large_responses=None)
    handler = Handler(Store(max_data=1000))
    assert handler() == LARGE
    with pytest.raises(ResponseUnavailableError):
        handler()
    assert "large_responses" in caplog.text
    assert LARGE not in caplog.text


def test_a_large_http_response_is_replayed(settle: Settle, store: Store) -> None:
    settle()
    handler = Handler(store, {"statusCode": 201, "body": LARGE})
    answers = [seen("http_2", handler(http_2(Http()))) for _ in range(2)]
    assert [(one.status, one.body) for one in answers] == [(201, LARGE)] * 2
    assert store.record.encoding == "s3 zlib"


def test_an_answer_that_is_not_kept_is_no_object(settle: Settle, store: Store, s3: Any) -> None:
    settle()
    before = _names(s3)
    handler = Handler(store, {"statusCode": 500, "body": LARGE})
    for _ in range(2):
        handler(http_2(Http()))
    assert handler.runs == 2
    assert _names(s3) == before


def test_a_functions_large_result_is_restored(settle: Settle, store: Store) -> None:
    settle()

    @idempotent_function(store=store)
    def parts(order: int) -> tuple[str, ...]:
        return LARGE, LARGE

    assert parts(1) == parts(1) == (LARGE, LARGE)
    assert store.record.encoding == "s3 zlib"


def test_an_async_functions_large_result_is_restored(settle: Settle, store: Store) -> None:
    settle()
    runs: list[str] = []

    @idempotent_function(store=store, name="parts")
    async def parts(order: int) -> tuple[str, ...]:
        runs.append(current().key)
        return LARGE, LARGE

    async def twice() -> list[Any]:
        return [await parts(1), await parts(1)]

    assert asyncio.run(twice()) == [(LARGE, LARGE)] * 2
    assert len(runs) == 1
    assert store.record.encoding == "s3 zlib"


def test_a_call_that_is_cancelled_during_the_upload_is_recorded(
    settle: Settle, store: Store, faulty: FaultServer
) -> None:
    settle(faulty.endpoint)

    async def main() -> None:
        def uploading(_: Request) -> Step:
            loop.call_soon_threadsafe(task.cancel)
            return _error("AccessDenied", 403)

        @idempotent_function(store=store)
        async def parts(order: int) -> str:
            return LARGE

        loop = asyncio.get_running_loop()
        faulty.script(uploading)
        task = asyncio.create_task(parts(1))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert store.record.status == "COMPLETED"


# Damage, and S3 out of reach ----------------------------------------------------------------------


def test_a_response_that_cannot_be_uploaded_stays_in_the_record_where_it_fits(
    settle: Settle, store: Store, faulty: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    faulty.script(_error("AccessDenied", 403))
    settle(faulty.endpoint)
    handler = Handler(store)
    assert handler() == handler() == LARGE
    assert store.record.encoding == "zlib"
    assert "could not be written to the bucket of large_responses: AccessDenied" in caplog.text


def test_a_response_that_fits_nowhere_completes_without_a_body(
    settle: Settle, faulty: FaultServer
) -> None:
    faulty.script(_error("AccessDenied", 403))
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
    s3.delete_object(Bucket=BUCKET, Key=_name(store.record))
    handler = Handler(store)
    with pytest.raises(ResponseUnavailableError, match="S3 object"):
        handler()
    assert handler.runs == 0


def test_an_object_that_was_changed_makes_its_response_unavailable(
    settle: Settle, store: Store, s3: Any
) -> None:
    _recorded(settle, store)
    s3.put_object(Bucket=BUCKET, Key=_name(store.record), Body=json.dumps("forged").encode())
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
    faulty.script(_error("AccessDenied", 403))
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
    s3.delete_object(Bucket=BUCKET, Key=_name(store.record))
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
        s3.delete_object(Bucket=BUCKET, Key=_name(store.record))

    handler = Handler(store, [LARGE, "own"])
    store.before = overtake
    key = ""

    def run(event: Any, context: Any) -> Any:
        nonlocal key
        key = current().key
        return [LARGE, "own"]

    assert idempotent(store=store)(run)({"id": 1}, None) == [LARGE, "own"]
    assert handler.runs == 0


# Steps --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_large_step_is_an_object_of_its_own(
    settle: Settle, store: Store, s3: Any, kind: str
) -> None:
    settle()
    tried: list[int] = []

    def steps() -> Any:
        tried.append(1)
        return current().step("large", lambda: f"{len(tried)} {LARGE}")

    def sync(event: Any, context: Any) -> Any:
        got = steps()
        return got if len(tried) > 1 else 1 / 0

    async def asynchronous(event: Any, context: Any) -> Any:
        got = await steps()
        return got if len(tried) > 1 else 1 / 0

    handler: Any = idempotent(store=store)(sync if kind == "sync" else asynchronous)
    with pytest.raises(ZeroDivisionError):
        handler({"id": kind}, None)
    [record] = store.records().values()
    assert len(record.steps or "") < 500
    assert handler({"id": kind}, None) == f"1 {LARGE}"


def test_while_s3_cannot_be_reached_a_step_is_told_to_be_done_and_not_the_operation(
    settle: Settle, store: Store
) -> None:
    def handler(event: Any, context: Any) -> Any:
        current().step("large", lambda: LARGE)
        raise ZeroDivisionError

    settle()
    with pytest.raises(ZeroDivisionError):
        idempotent(store=store)(handler)({"id": 1}, None)
    settle("http://127.0.0.1:9")
    with pytest.raises(StoreError, match=r"^Step .large. under record .* is done, but its resp"):
        idempotent(store=store)(handler)({"id": 1}, Hurried())


def test_a_step_that_finds_the_record_full_is_an_object_although_it_is_small(
    settle: Settle, s3: Any
) -> None:
    settle()
    store, ran = Store(max_data=2000), list[int]()

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        got = [
            current().step(str(n), lambda n=n: ran.append(n) or os.urandom(400).hex())  # type: ignore[misc, func-returns-value]
            for n in range(4)
        ]
        if len(ran) == 4:
            ran.append(-1)
            raise ZeroDivisionError
        return [len(text) for text in got]

    with pytest.raises(ZeroDivisionError):
        handler({"id": 1}, None)
    assert handler({"id": 1}, None) == [800] * 4
    assert ran == [0, 1, 2, 3, -1]


def test_a_step_whose_object_cannot_be_written_stays_in_the_record(
    settle: Settle, faulty: FaultServer
) -> None:
    settle(faulty.endpoint)
    store = Store(max_data=None)

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> Any:
        got = current().step("large", lambda: LARGE)
        return got if store.key else 1 / 0

    with pytest.raises(ZeroDivisionError):
        handler({"id": 1}, None)
    [record] = store.records().values()
    assert len(record.steps or "") > 5000
