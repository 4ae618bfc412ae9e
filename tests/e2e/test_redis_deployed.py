"""The example with its records in Redis: deployed with IAM enforced, and rotated under load."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from kit.aws.local import LocalAws
from kit.aws.web import Site, http_api
from kit.http_events import Seen
from kit.redis.app import PAYMENTS, STAND_INS, STEPS, USER, DeployedRotation, RedisForApp
from kit.redis.servers import connect, until

CALLERS = 4
ROTATIONS = 6


class App:
    """The deployed example."""

    def __init__(self, aws: LocalAws, redis_: RedisForApp, outputs: dict[str, str]) -> None:
        self.aws = aws
        self.redis = redis_
        self._site: Site = http_api(aws.port, outputs["ApiId"])
        self._ledger = outputs["LedgerName"]

    def pay(self, key: str) -> Seen:
        """Make one request."""
        body = {"payment_id": key, "amount": 1}
        return self._site.send("POST", "/payments", body, {"Idempotency-Key": key})

    def effects(self) -> list[str]:
        """Return the payments in the ledger, each as often as it took effect."""
        with closing(self.aws.client("dynamodb")) as dynamodb:
            pages = dynamodb.get_paginator("scan").paginate(TableName=self._ledger)
            return [row["payment_id"]["S"] for page in pages for row in page["Items"]]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the synthesized app."""
    return tmp_path_factory.mktemp("redis-app")


@pytest.fixture(scope="module")
def app(guarded_aws: LocalAws, directory: Path) -> Iterator[App]:
    """Yield the example, deployed with `-c store=redis`."""
    with RedisForApp(guarded_aws, *PAYMENTS, directory=directory) as redis_:
        outputs = guarded_aws.deploy(
            app="python3 app.py", output=directory, context=redis_.context, stand_ins=STAND_INS
        )
        yield App(guarded_aws, redis_, outputs["Payments"])


@pytest.fixture(scope="module")
def rotation(app: App) -> Iterator[DeployedRotation]:
    """Yield the example's rotation function."""
    with closing(DeployedRotation(app.aws, app.redis)) as rotation:
        yield rotation


def _accepts(app: App, password: str) -> bool:
    with connect(app.redis.server.plain_port, username=USER, password=password) as client:
        try:
            client.time()
        except redis.AuthenticationError:
            return False
        return True


def test_duplicates_have_one_effect_and_one_answer(app: App) -> None:
    key = uuid4().hex
    with ThreadPoolExecutor(max_workers=CALLERS) as pool:
        answers = list(pool.map(lambda _: app.pay(key), range(CALLERS)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    replay = app.pay(key)
    assert replay.headers["idempotency-replayed"] == "true"
    assert app.effects().count(key) == 1


def test_no_call_fails_and_none_repeats_while_the_password_is_rotated(
    app: App, rotation: DeployedRotation
) -> None:
    passwords = [app.redis.password()]
    numbers, ended = count(), threading.Event()

    def call() -> list[tuple[str, list[Seen]]]:
        """Pay and send each payment again, until the rotations are over."""
        seen = []
        while not ended.is_set():
            key = f"rotation-{next(numbers)}-{uuid4().hex}"
            seen.append((key, [app.pay(key), app.pay(key)]))
        return seen

    with ThreadPoolExecutor(max_workers=CALLERS) as pool:
        callers = [pool.submit(call) for _ in range(CALLERS)]
        try:
            for _ in range(ROTATIONS):
                rotation.rotate()
                passwords.append(app.redis.password())
        finally:
            ended.set()
        calls = [call for caller in callers for call in caller.result()]
    assert len(set(passwords)) == ROTATIONS + 1
    assert len(calls) > ROTATIONS
    failed = [answer for _, answers in calls for answer in answers if answer.status != 201]
    assert failed == []
    effects = app.effects()
    assert {effects.count(key) for key, _ in calls} == {1}
    assert all(first.body == second.body for _, (first, second) in calls)
    assert [_accepts(app, password) for password in passwords] == [False] * ROTATIONS + [True]


def _state(app: App, step: str) -> Any:
    """Return what a step changes for others to see."""
    if step == "createSecret":
        return app.redis.pending()
    if step == "finishSecret":
        return app.redis.password()
    with app.redis.server.admin() as admin:
        if step == "setSecret":
            return admin.acl_getuser(USER)["passwords"]
        return admin.info("commandstats").get("cmdstat_time", {}).get("calls")


@pytest.mark.parametrize("killed", STEPS)
def test_a_step_that_is_killed_half_way_is_repeated(
    app: App, rotation: DeployedRotation, killed: str
) -> None:
    before = app.redis.password()
    token = rotation.announce()
    for step in STEPS[: STEPS.index(killed)]:
        rotation.step(step, token)
    seen = _state(app, killed)
    with ThreadPoolExecutor(max_workers=1) as pool:
        dying = pool.submit(_succeeds, lambda: rotation.step(killed, token))
        until(lambda: _state(app, killed) != seen or dying.done(), "the step has had an effect")
        rotation.kill()
        dying.result()
    assert app.pay(uuid4().hex).status == 201
    until(lambda: _succeeds(lambda: rotation.rotate(token)), "the rotation goes on")
    assert app.redis.password() != before
    assert not _accepts(app, before)
    assert _accepts(app, app.redis.password())
    assert app.pay(uuid4().hex).status == 201


def _succeeds(action: Callable[[], Any]) -> bool:
    try:
        action()
    except RuntimeError:
        return False
    return True


def test_no_password_is_anywhere_but_in_its_secret(
    app: App, rotation: DeployedRotation, directory: Path
) -> None:
    passwords = [app.redis.password(), app.redis.password(app.redis.admin_secret)]
    assert app.pay(uuid4().hex).status == 201
    rotation.rotate()
    assert app.pay(uuid4().hex).status == 201
    passwords.append(app.redis.password())
    places = {
        "template": "".join(path.read_text() for path in directory.rglob("*.json")),
        "environment": _environments(app),
        "log": _logs(app),
        "parameter": _parameters(app),
        "record": _records(app),
    }
    for place, text in places.items():
        assert len(text) > 100, f"nothing was searched: {place}"
        for password in passwords:
            assert password not in text, place


def _environments(app: App) -> str:
    with closing(app.aws.client("lambda")) as lambda_:
        return json.dumps([f.get("Environment") for f in lambda_.list_functions()["Functions"]])


def _logs(app: App) -> str:
    with closing(app.aws.client("logs")) as logs:
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        found = [logs.filter_log_events(logGroupName=group)["events"] for group in groups]
        return "\n".join(event["message"] for events in found for event in events)


def _parameters(app: App) -> str:
    with closing(app.aws.client("ssm")) as ssm:
        found = ssm.describe_parameters()["Parameters"]
        return json.dumps(
            [ssm.get_parameter(Name=each["Name"])["Parameter"]["Value"] for each in found]
        )


def _records(app: App) -> str:
    with app.redis.server.admin() as admin:
        return repr([(key, admin.hgetall(key)) for key in admin.keys("*")])
