"""An environment with a process for each of eight invocations at once, as on Managed Instances.

Lambda's own client starts the processes, and asks for invocations:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import time
from typing import Any

import pytest

from kit.aws.local import LocalAws
from kit.aws.runtime_api import FunctionError, RuntimeApi, process
from kit.harnesses import CLIENTS, create_table
from kit.network.processes import Server, until
from kit.redis.servers import RedisServer
from lambda_idempotency import DynamoDBStore, RedisStore, Store
from lambda_idempotency.protocol.record import INPROGRESS, Claim, Conflict, Record

PROCESSES = 8


class Environment:
    """The environment, and what its function has noted."""

    def __init__(self, api: RuntimeApi, server: Server, store: Store, files: Path) -> None:
        self.api = api
        self.server = server
        self._store = store
        self._files = files

    @property
    def charges(self) -> Counter[str]:
        """The effects, by order."""
        return Counter(self._notes("charges"))

    def begun(self, order: str) -> tuple[int, str]:
        """Wait until a process has begun with an order. Return its id, and the record's."""
        until(lambda: self._begun(order), "an order is begun")
        found, key = self._begun(order)[-1]
        return int(found), key

    def go(self, name: str) -> None:
        """Let an order go on that waits."""
        (self._files / name).touch()

    def record(self, key: str) -> Record:
        """Return a record."""
        reply = self._store.read(key)
        assert isinstance(reply, Conflict)
        return reply.record

    def end_lease(self, key: str) -> None:
        """Let the lease of a record end now."""
        found = self.record(key)
        assert found.status == INPROGRESS
        self._store.renew(
            Claim(
                key=key,
                owner=found.owner,
                lease_ms=-1,
                expires_after_ms=60_000,
                attempt=found.attempt,
                fingerprint=found.fingerprint,
                revision=found.revision + 1,
            )
        )

    def answer(self, order: str) -> Any:
        """Invoke the function for an order until it is in progress no more; return the answer."""
        answers: list[Any] = []

        def is_answered() -> bool:
            with suppress(InProgress):
                answers.append(_answer(self.api.invoke({"order": order})))
            return bool(answers)

        until(is_answered, "an order is answered")
        return answers[0]

    def _begun(self, order: str) -> list[tuple[str, str]]:
        lines = [line.split() for line in self._notes("begun")]
        return [(found, key) for name, found, key in lines if name == order]

    def _notes(self, file: str) -> list[str]:
        path = self._files / file
        return path.read_text().splitlines() if path.exists() else []


class InProgress(Exception):  # noqa: N818 - no error of the test
    """The answer to a duplicate of an order that is under way."""


def _answer(invocation: Future[Any]) -> Any:
    """Return an answer. Raises `InProgress`."""
    try:
        return invocation.result(60)
    except FunctionError as error:
        if error.kind == "InProgressError":
            raise InProgress from None
        raise


@pytest.fixture(scope="module", params=["dynamodb", "redis"])
def place(request: pytest.FixtureRequest, local_aws: LocalAws) -> Iterator[str]:
    """Yield the place of the records, as `kit.orders` reads it."""
    if request.param == "dynamodb":
        table = f"orders-{os.getpid()}"
        with closing(CLIENTS["boto3"](local_aws.endpoint)) as client:
            create_table(client, table)
        yield table
        return
    with RedisServer() as server:
        yield f"redis://:{server.admin_password}@{server.host}:{server.plain_port}"


@contextmanager
def _store(place: str, local_aws: LocalAws) -> Iterator[Store]:
    if place.startswith("redis:"):
        with closing(RedisStore(place)) as store:
            yield store
        return
    with closing(CLIENTS["light"](local_aws.endpoint)) as client:
        dynamodb = DynamoDBStore(place)
        dynamodb._client = client
        yield dynamodb


@pytest.fixture(scope="module")
def environment(
    place: str, local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    files = tmp_path_factory.mktemp("orders")
    variables = {"ORDERS_STORE": place, "ORDERS_FILES": str(files)}
    with RuntimeApi() as api, _store(place, local_aws) as store:
        server = process(
            api,
            "kit.orders.handler",
            log=files / "log",
            environment={**local_aws.environment(), **variables},
            concurrency=PROCESSES,
        )
        try:
            yield Environment(api, server, store, files)
        finally:
            server.stop()


def test_duplicates_in_eight_processes_charge_an_order_once(environment: Environment) -> None:
    orders = [f"order-{number}" for number in range(12)]
    held = environment.api.invoke({"order": "held", "waits": "held"})
    busy, _ = environment.begun("held")
    invocations = [environment.api.invoke({"order": order}) for order in orders * 5]
    processes = set()
    for invocation in invocations:
        with suppress(InProgress):
            processes.add(_answer(invocation)["process"])
    environment.go("held")
    assert _answer(held)["process"] == busy not in processes
    answers = {order: environment.answer(order) for order in orders}
    assert {order: environment.answer(order) for order in orders} == answers
    assert [environment.charges[order] for order in orders] == [1] * len(orders)


def test_an_order_that_outlives_its_timeout_keeps_its_key(environment: Environment) -> None:
    timeout_s = 4
    late = environment.api.invoke({"order": "late", "waits": "late"}, timeout_s=timeout_s)
    ends = (time() + timeout_s) * 1000
    _, key = environment.begun("late")
    lease = (timeout_s + 2) * 1000
    # A renewal after the timeout, which nobody enforces
    until(lambda: environment.record(key).lease_end > ends + lease, "the lease is renewed")
    with pytest.raises(InProgress):
        _answer(environment.api.invoke({"order": "late"}))
    environment.go("late")
    answer = _answer(late)
    assert answer["left"] == 0
    assert environment.answer("late") == answer
    assert environment.charges["late"] == 1


def test_the_order_of_a_process_that_dies_is_charged_by_another(environment: Environment) -> None:
    lost = environment.api.invoke({"order": "lost", "waits": "never"})
    dead, key = environment.begun("lost")
    os.kill(dead, signal.SIGKILL)
    with pytest.raises(FunctionError, match=r"Runtime\.ExitError"):
        lost.result(60)
    with pytest.raises(InProgress):
        _answer(environment.api.invoke({"order": "lost"}))
    environment.end_lease(key)
    answer = environment.answer("lost")
    assert answer["process"] != dead
    assert environment.answer("lost") == answer
    assert environment.charges["lost"] == 1


def test_the_processes_outlive_their_parent_and_what_they_run_ends(
    environment: Environment,
) -> None:
    last = environment.api.invoke({"order": "last", "waits": "last"})
    environment.begun("last")
    parent = environment.server._process
    assert parent is not None
    parent.terminate()
    assert parent.wait(60) == -signal.SIGTERM
    with pytest.raises(InProgress):
        _answer(environment.api.invoke({"order": "last"}))
    environment.go("last")
    assert environment.answer("last") == _answer(last)
    assert environment.charges["last"] == 1
    assert environment.answer("next")["order"] == "next"
