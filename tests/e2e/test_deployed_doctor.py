"""`doctor` on the deployed app: it finds what somebody changed after the deployment."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from kit.aws.deployed import Deployed
from kit.aws.local import LocalAws
from kit.operator import Operator, allowing
from kit.redis.app import secret_of
from kit.rotation.secrets import announce, remove_pending

pytestmark = pytest.mark.xdist_group("deployed")

FUNCTION = "Bypass"
CHANGED = ("--stack", "E2E", "--function", f"E2E/{FUNCTION}")


@pytest.fixture(scope="module")
def operator(guarded_aws: LocalAws) -> Operator:
    return Operator(guarded_aws)


@pytest.fixture(scope="module", autouse=True)
def table(guarded_aws: LocalAws, deployed: Deployed) -> Iterator[str]:
    """Yield the table of E2E, with TTL and recovery: the local CloudFormation enables neither."""
    name = str(deployed.configuration(FUNCTION)["Environment"]["Variables"]["IDEMPOTENCY_TABLE"])
    with closing(guarded_aws.client("dynamodb")) as client:
        _set(client, name, ttl=True, recovery=True)
        yield name
        _set(client, name, ttl=False, recovery=False)


def _set(client: Any, name: str, *, ttl: bool, recovery: bool) -> None:
    specification = {"Enabled": ttl, "AttributeName": "expiration"}
    client.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    client.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery},
    )


def found(operator: Operator, *arguments: str) -> dict[str, set[str]]:
    """Return what `doctor` says about each thing that is not as it should be."""
    ran = operator.run("doctor", *arguments, "--json")
    wrong = [each for each in ran.json if each["level"] != "ok"]
    errors = [each for each in wrong if each["level"] == "error"]
    assert ran.code == (5 if errors else 0)
    said: dict[str, set[str]] = {}
    for each in wrong:
        said.setdefault(each["about"], set()).add(each["text"])
    return said


@contextmanager
def configured(deployed: Deployed, **changes: Any) -> Iterator[None]:
    """Change the function's configuration by hand for a while."""
    before = deployed.configuration(FUNCTION)
    name = before["FunctionName"]
    with closing(deployed.client("lambda")) as client:
        client.update_function_configuration(FunctionName=name, **changes)
        try:
            yield
        finally:
            client.update_function_configuration(
                FunctionName=name,
                Environment=before["Environment"],
                Timeout=before["Timeout"],
                Layers=[each["Arn"] for each in before["Layers"]],
            )


def test_what_was_deployed_is_in_order(operator: Operator) -> None:
    assert found(operator, "--stack", "E2E") == {}


def test_people_get_a_table(operator: Operator, table: str) -> None:
    ran = operator.run("doctor", *CHANGED)
    assert ran.code == 0
    assert f"table {table} TTL" in ran.out


def test_a_variable_that_was_changed_added_or_removed_is_found(
    operator: Operator, deployed: Deployed
) -> None:
    before = deployed.configuration(FUNCTION)["Environment"]["Variables"]
    changed = {
        **before,
        "IDEMPOTENCY_KEY": "another",
        "IDEMPOTENCY_DISABLED": "true",
    }
    del changed["IDEMPOTENCY_ON_MISSING_KEY"]
    with configured(deployed, Environment={"Variables": changed}):
        said = found(operator, *CHANGED)[f"E2E/{FUNCTION} environment"]
    for part in (
        "IDEMPOTENCY_KEY was changed",
        "IDEMPOTENCY_ON_MISSING_KEY is missing",
        "nothing is protected",
    ):
        assert any(part in text for text in said), part


def test_a_variable_that_is_no_setting_is_found(operator: Operator, deployed: Deployed) -> None:
    before = deployed.configuration(FUNCTION)["Environment"]["Variables"]
    with configured(deployed, Environment={"Variables": {**before, "IDEMPOTENCY_METRIC": "1"}}):
        [(about, said)] = found(operator, *CHANGED).items()
    assert about == f"E2E/{FUNCTION} environment"
    assert any("IDEMPOTENCY_METRIC is no setting" in text for text in said)


def test_a_layer_that_is_missing_is_found(operator: Operator, deployed: Deployed) -> None:
    with configured(deployed, Layers=[]):
        assert set(found(operator, *CHANGED)) == {f"E2E/{FUNCTION} layer"}


def test_a_timeout_that_was_changed_is_found(operator: Operator, deployed: Deployed) -> None:
    with configured(deployed, Timeout=9):
        assert set(found(operator, *CHANGED)) == {f"E2E/{FUNCTION} timeout"}


def test_a_right_that_was_taken_away_is_found(operator: Operator, deployed: Deployed) -> None:
    role, name, document = deployed.policy(FUNCTION)
    reduced: dict[str, Any] = copy.deepcopy(document)
    [statement] = [each for each in reduced["Statement"] if "Condition" in each]
    statement["Action"].remove("dynamodb:PutItem")
    deployed.put_policy(role, name, reduced)
    try:
        said = found(operator, *CHANGED)
    finally:
        deployed.put_policy(role, name, document)
    assert said == {f"E2E/{FUNCTION} rights": {"its role lacks dynamodb:PutItem; deploy again"}}


@pytest.mark.parametrize("off", ["TTL", "recovery"])
def test_a_table_that_was_changed_is_found(
    operator: Operator, guarded_aws: LocalAws, table: str, off: str
) -> None:
    with closing(guarded_aws.client("dynamodb")) as client:
        _set(client, table, ttl=off != "TTL", recovery=off != "recovery")
        try:
            said = found(operator, *CHANGED)
        finally:
            _set(client, table, ttl=True, recovery=True)
    assert set(said) == {f"table {table} {off}"}


def test_a_server_is_asked_by_the_functions_own_user(operator: Operator) -> None:
    [(about, said)] = found(operator, "--stack", "Worker").items()
    assert about.endswith("when it is full")
    assert "+info" in "".join(said)


def test_a_rotation_that_has_not_ended_is_found(
    operator: Operator, guarded_aws: LocalAws, deployed: Deployed
) -> None:
    secret = secret_of("Away/RedisShop/Handler")
    function = ("--stack", "Away", "--function", "Away/RedisShop/Handler")
    with closing(guarded_aws.client("secretsmanager")) as secrets:
        announce(secrets, secret)
        try:
            said = found(operator, *function)
        finally:
            remove_pending(secrets, secret)
    assert "a rotation has not ended" in "".join(said[f"secret {secret}"])
    assert f"secret {secret}" not in found(operator, *function)


def test_without_rights_doctor_says_what_it_could_not_check(guarded_aws: LocalAws) -> None:
    reading = ("cloudformation:ListStackResources", "cloudformation:GetTemplate")
    limited = Operator.allowed(guarded_aws, allowing(*reading, "lambda:GetFunctionConfiguration"))
    said = found(limited, *CHANGED)
    assert said
    assert all("not checked" in text for texts in said.values() for text in texts)
