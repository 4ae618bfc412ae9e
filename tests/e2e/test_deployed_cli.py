"""The command line on the deployed app, with the rights that its page names and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kit.aws.deployed import Deployed
from kit.aws.local import LocalAws
from kit.operator import Operator, allowing
from kit.pages import text_of
from kit.redis.app import RedisForApp, secret_of

pytestmark = pytest.mark.xdist_group("deployed")

PAGE = text_of("cli")
_INSTALL = "pip install 'cdk-idempotency[cli]'\n"
_FINDING = (
    "cloudformation:ListStackResources",
    "cloudformation:GetTemplate",
    "lambda:GetFunctionConfiguration",
)
REDIS = allowing(
    *_FINDING,
    "ssm:GetParameter",
    "secretsmanager:GetSecretValue",
)
"""What the page says that Redis needs."""


@pytest.fixture(scope="module")
def policy() -> dict[str, Any]:
    """Return the policy of the page, for the deployed stack."""
    [text] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, Any] = json.loads(text.replace("Payments", "E2E"))
    return found


@pytest.fixture(scope="module")
def operator(guarded_aws: LocalAws, policy: dict[str, Any]) -> Operator:
    """Return an operator with that policy."""
    return Operator.allowed(guarded_aws, policy)


def _blocks(section: str) -> str:
    """Return the commands of a section of the page."""
    [text] = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))


def test_the_way_from_an_alarm_to_the_release_is_as_the_page_says(
    operator: Operator, deployed: Deployed
) -> None:
    event = {"id": "p-1", "amount": 1, "die_in_attempt": 1}
    assert deployed.invoke("Park", event).error is not None
    deployed.until("Park", event, lambda result: "parked" in str(result.error).lower())
    lines = _blocks("From an alarm to the release")
    lines = lines.replace("Payments/Payments", "E2E/Park").replace("=Payments", "=E2E")
    identified, shown, released = operator.script(lines)
    assert identified.out.startswith("E2E/Park#")
    assert shown.out.split()[:3] == [identified.out.strip(), "state", "parked:"]
    assert released.code == 0
    assert deployed.invoke("Park", {**event, "die_in_attempt": 0}).error is None


def test_every_other_command_of_the_page_runs(
    guarded_aws: LocalAws, deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "event.json").write_text('{"id": "p-1"}')
    monkeypatch.chdir(tmp_path)
    sections = ("The id of a record", "Many records", "Doctor")
    lines = "".join(map(_blocks, sections)).replace("Payments/Payments", "E2E/Default")
    operator = Operator(guarded_aws)
    done = operator.script("export CDK_IDEMPOTENCY_STACK=E2E\n" + lines)
    assert len(done) == 6
    assert {ran.code for ran in done} <= {0, 5}, [ran.err for ran in done]


def test_the_page_has_no_other_commands() -> None:
    sections = ("From an alarm to the release", "The id of a record", "Many records", "Doctor")
    scripts = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    assert sum(map(len, map(_blocks, sections))) == len(scripts) - len(_INSTALL)


def test_the_id_is_the_one_that_the_deployed_function_has(
    operator: Operator, deployed: Deployed
) -> None:
    key = uuid4().hex
    record = deployed.invoke("Default", {"id": key, "amount": 1}).payload["record"]
    ran = operator.run("id", "--stack", "E2E", "--function", "E2E/Default", "--key", key)
    assert ran.out.strip() == record


def test_a_live_attempt_is_not_released_and_its_duplicate_stays_refused(
    operator: Operator, deployed: Deployed
) -> None:
    event: dict[str, Any] = {"id": uuid4().hex, "amount": 1, "die_in_attempt": 1}
    assert deployed.invoke("LongLease", event).error is not None
    place = ("--stack", "E2E")
    key = operator.run(
        "id", *place, "--function", "E2E/LongLease", "--key", event["id"]
    ).out.strip()
    assert operator.run("release", key, *place, "--yes").code == 4
    assert "in progress" in str(deployed.invoke("LongLease", event).error)
    assert operator.run("release", key, *place, "--force", "--confirm", key).code == 0
    assert deployed.answer("LongLease", {**event, "die_in_attempt": 0})["attempt"] == 1


def test_records_are_listed_and_purged_with_the_rights_of_the_page(
    operator: Operator, deployed: Deployed
) -> None:
    key = deployed.invoke("WholePayload", {"id": uuid4().hex, "amount": 1}).payload["record"]
    chosen = ("--stack", "E2E", "--function", "E2E/WholePayload", "--state", "completed")
    assert key in {each["id"] for each in operator.run("list", *chosen, "--json").json}
    assert operator.run("purge", *chosen, "--yes").code == 0
    assert operator.run("list", *chosen, "--json").json == []


@pytest.mark.parametrize(
    "action", ["dynamodb:GetItem", "dynamodb:DeleteItem", "lambda:GetFunctionConfiguration"]
)
def test_each_right_of_the_page_is_needed(
    guarded_aws: LocalAws,
    policy: dict[str, Any],
    deployed: Deployed,
    action: str,
) -> None:
    key = deployed.invoke("Default", {"id": uuid4().hex, "amount": 1}).payload["record"]
    reduced = json.loads(json.dumps(policy).replace(f'"{action}"', '"sts:GetCallerIdentity"'))
    ran = Operator.allowed(guarded_aws, reduced).run("release", key, "--stack", "E2E", "--yes")
    assert ran.code == 1
    assert "AccessDenied" in ran.err


def test_a_record_on_redis_is_found_shown_and_released(
    guarded_aws: LocalAws, deployed: Deployed
) -> None:
    event = {"id": uuid4().hex}
    first = deployed.invoke("AwayRedisShop", event).payload
    operator, place = Operator.allowed(guarded_aws, REDIS), ("--stack", "Away")
    function = ("--function", "Away/RedisShop/Handler", "--handler", "shop.create")
    key = operator.run("id", *place, *function, "--key", event["id"]).out.strip()
    assert key == first["record"]
    [shown] = operator.run("show", key, *place, "--json", "--reveal").json
    assert shown["answer"] == first
    assert operator.run("release", key, *place, "--yes").code == 0
    assert operator.run("show", key, *place).code == 3
    assert deployed.invoke("AwayRedisShop", event).error is None


@pytest.mark.parametrize("times", [1, 1000])
def test_an_encrypted_answer_is_revealed_also_from_its_object(
    guarded_aws: LocalAws, deployed: Deployed, times: int
) -> None:
    event = {"id": uuid4().hex, "card": uuid4().hex, "times": times}
    first = deployed.answer("Private", event)
    show = ("show", first["record"], "--stack", "Private", "--json", "--reveal")
    [shown] = Operator(guarded_aws).run(*show).json
    assert shown["answer"] == first
    reading = allowing(*_FINDING, "dynamodb:GetItem")
    [refused] = Operator.allowed(guarded_aws, reading).run(*show).json
    assert "answer" not in refused
    assert "AccessDenied" in refused["no_answer"]


def test_the_password_of_redis_is_not_shown(
    guarded_aws: LocalAws, deployed: Deployed, redis_of_worker: RedisForApp
) -> None:
    key = deployed.invoke("AwayRedisShop", {"id": uuid4().hex}).payload["record"]
    with redis_of_worker.server.admin() as admin:
        [user] = [each for each in admin.acl_users() if each == "shop-0"]
        before = admin.acl_getuser(user)
        admin.execute_command("ACL", "SETUSER", user, "off")
        try:
            ran = Operator.allowed(guarded_aws, REDIS).run("show", key, "--stack", "Away")
        finally:
            admin.execute_command("ACL", "SETUSER", user, "on")
    assert before["enabled"]
    assert ran.code == 1
    assert "refuses the credentials from secret" in ran.err
    password = redis_of_worker.password(secret_of("Away/RedisShop/Handler"))
    assert password not in ran.out + ran.err
