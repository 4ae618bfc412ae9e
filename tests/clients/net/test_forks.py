"""Forks with idle connections: nobody gets another's answer, and nobody loses a connection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from kit.aws.credentials import function_environment
from kit.aws.light import DynamoDB
from kit.aws.local import REGION
from kit.network.fault_server import FaultServer, Request, Step, answer
from kit.network.tls import certificates
from lambda_idempotency.clients.net.connection import Connection
from lambda_idempotency.clients.net.process import ProcessLock

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from 3.12 on

ROUNDS: Final = 100
ITEM: Final = {
    "status": {"S": "COMPLETED"},
    "owner": {"S": "a" * 32},
    "attempt": {"N": "1"},
    "expiration": {"N": "4000000000"},
}


def _echo(request: Request) -> Step:
    """Answer with the record that is asked for, whose data are its key."""
    key = request.parsed.get("Key", {"id": {"S": "written"}})["id"]
    return answer({"Item": {**ITEM, "id": key, "data": key}})


@pytest.mark.parametrize("kind", ["memory", "DynamoDB", "DynamoDB, boto3", "DynamoDB, cached"])
def test_parents_and_children_get_their_own_answers(kind: str) -> None:
    with FaultServer(otherwise=_echo) as server:
        ran = subprocess.run(
            [sys.executable, "-m", "kit.forks", kind, str(ROUNDS)],
            check=False,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                **function_environment(server.endpoint),
                "AWS_DEFAULT_REGION": REGION,  # boto3 reads this one
            },
        )
        assert (ran.stdout, ran.stderr) == ("0\n", "")
        if kind != "memory":
            assert server.opened >= 1 + ROUNDS  # the parent's, and one for each child


def test_a_child_does_not_end_its_parents_tls_connection(tmp_path: Path) -> None:
    files = certificates(tmp_path, "127.0.0.1")
    with FaultServer(otherwise=_echo, tls=files) as server:
        client = DynamoDB(
            environment=function_environment(server.endpoint, AWS_CA_BUNDLE=str(files.ca))
        )
        client.get_item(Key={"id": {"S": "before"}})
        if (child := os.fork()) == 0:
            try:
                client.close()
                client.get_item(Key={"id": {"S": "child"}})
                client.close()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        client.get_item(Key={"id": {"S": "after"}})
        client.close()
        assert [request.connection for request in server.requests] == [1, 2, 1]


@pytest.mark.parametrize("place", ["send", "receive"])
def test_a_fork_within_an_exchange_leaves_the_answer_to_the_parent(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    ended: list[int] = []
    original = getattr(Connection, place)

    async def forking(*arguments: object) -> object:
        if not ended:
            child = os.fork()
            ended.append(os.waitpid(child, 0)[1] if child else -1)
        return await original(*arguments)

    def touching(name: str) -> None:
        touch = getattr(Connection, name)

        def touched(connection: Connection, *arguments: object) -> object:
            if not connection.is_own:
                os._exit(2)
            return touch(connection, *arguments)

        monkeypatch.setattr(Connection, name, touched)

    with FaultServer(otherwise=_echo) as server:
        client = DynamoDB(environment=function_environment(server.endpoint))
        client.get_item(Key={"id": {"S": "before"}})
        monkeypatch.setattr(Connection, place, forking)
        touching("_write")
        touching("_read")
        item = client.get_item(Key={"id": {"S": "mine"}})["Item"]
        [connection] = client._connections._pool._idle
        if ended == [-1]:
            os._exit(1 if connection.reused else 0)  # it has asked again, on one of its own
        assert ended == [0]
        assert item["id"]["S"] == "mine"
        assert sorted(request.connection for request in server.requests) == [1, 1, 2]
        client.close()


def test_a_child_has_locks_of_its_own() -> None:
    lock = ProcessLock()
    assert lock.get().acquire()
    if (child := os.fork()) == 0:
        os._exit(0 if lock.get().acquire(blocking=False) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert not lock.get().acquire(blocking=False)
