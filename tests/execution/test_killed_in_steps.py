"""Real processes that are killed within and between steps, on both real stores."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.aws.local import LocalAws
from kit.dies_in_steps import STEPS
from kit.harnesses import boto_client, create_table
from kit.redis.servers import RedisServer

PLACES = [f"{when} {name}" for name in STEPS for when in ("in", "after")]


def _process(place: str, dies: str, file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kit.dies_in_steps", place, dies, str(file)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _killed_everywhere(
    place: str, tmp_path: Path, end_lease: Callable[[], object]
) -> tuple[list[str], Counter[str]]:
    """Kill a process at each place, one after another, and let its lease end. Return the answer,
    and the effects."""
    file = tmp_path / "effects"
    for dies in PLACES:
        assert _process(place, dies, file).returncode == -signal.SIGKILL
        end_lease()
    answers = []
    for _ in range(2):
        ran = _process(place, "nowhere", file)
        assert ran.returncode == 0, ran.stderr
        answers.append(json.loads(ran.stdout))
    assert answers[0] == answers[1]
    return answers[0], Counter(file.read_text().split())


def _check(answer: list[str], effects: Counter[str]) -> None:
    # A process died within each step, so that one had its effect twice; never three times, although
    # six processes died.
    assert effects == dict.fromkeys(STEPS, 2)
    assert [part.split()[0] for part in answer] == list(STEPS)
    # Each step was recorded by the process that died right after it.
    assert len({part.split()[2] for part in answer}) == len(STEPS)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def test_processes_killed_on_redis_repeat_no_recorded_step(
    server: RedisServer, tmp_path: Path
) -> None:
    place = f"redis://:{server.admin_password}@{server.host}:{server.plain_port}"
    with server.admin() as admin:

        def end_lease() -> None:
            [key] = admin.keys("shop#*")
            admin.hset(key, "in_progress_expiration", 1)

        _check(*_killed_everywhere(place, tmp_path, end_lease))


def test_processes_killed_on_dynamodb_repeat_no_recorded_step(
    local_aws: LocalAws, tmp_path: Path
) -> None:
    table = f"steps-{os.getpid()}"
    client: Any = boto_client(local_aws.endpoint)
    create_table(client, table)

    def end_lease() -> None:
        [key] = (
            item["id"]["S"]
            for item in client.scan(TableName=table)["Items"]
            if item["id"]["S"].startswith("shop#")
        )
        client.update_item(
            TableName=table,
            Key={"id": {"S": key}},
            UpdateExpression="SET in_progress_expiration = :past",
            ExpressionAttributeValues={":past": {"N": "1"}},
        )

    place = f"dynamodb:{local_aws.endpoint} {table}"
    _check(*_killed_everywhere(place, tmp_path, end_lease))
    stock = client.get_item(TableName=table, Key={"id": {"S": "stock"}}, ConsistentRead=True)
    assert stock["Item"]["taken"] == {"N": "1"}
    client.close()
