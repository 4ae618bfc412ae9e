"""The operations on the local AWS, side by side with boto3's clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from kit.aws.light import SSM, DynamoDB, SecretsManager
from kit.aws.local import REGION, LocalAws
from kit.harnesses import create_table
from kit.network.fault_server import FaultServer, answer, failure
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.testing.store_harness import new_key

TABLE: Final = "services"
BINARY: Final = bytes(range(256))
ITEM: Final[dict[str, Any]] = {
    "text": {"S": "Grüße \U0001f600 \x00"},
    "number": {"N": "1"},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "texts": {"SS": ["a"]},
    "list": {"L": [{"S": "a"}, {"M": {"deep": {"N": "2"}}}]},
}


@pytest.fixture(scope="module")
def boto(local_aws: LocalAws) -> Any:
    """Return boto3's client, and the table."""
    client = local_aws.client("dynamodb")
    create_table(client, TABLE)
    return client


@pytest.fixture
def environment(local_aws: LocalAws) -> dict[str, str]:
    return {**local_aws.environment(), "AWS_ENDPOINT_URL": local_aws.endpoint}


@pytest.fixture
def light(environment: dict[str, str], boto: Any) -> Iterator[DynamoDB]:
    client = DynamoDB(environment=environment)
    yield client
    client.close()


@pytest.fixture
def key() -> dict[str, Any]:
    return {"id": {"S": new_key()}}


def _both(boto: Any, light: DynamoDB, operation: str, **request: Any) -> list[dict[str, Any]]:
    return [getattr(client, operation)(TableName=TABLE, **request) for client in (boto, light)]


def _failures(boto: Any, light: DynamoDB, operation: str, **request: Any) -> list[dict[str, Any]]:
    """Return the `response` of boto3's error and of ours."""
    with pytest.raises(ClientError) as expected:
        getattr(boto, operation)(**request)
    with pytest.raises(ServiceError) as found:
        getattr(light, operation)(**request)
    return [expected.value.response, found.value.response]


# Answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ITEM)
def test_an_item_comes_back_as_boto3_gives_it(
    boto: Any, light: DynamoDB, key: dict[str, Any], kind: str
) -> None:
    item = {**key, kind: ITEM[kind]}
    light.put_item(TableName=TABLE, Item=item)
    expected, found = _both(boto, light, "get_item", Key=key)
    assert found["Item"] == expected["Item"] == item


@pytest.mark.parametrize(
    "value",
    [
        {"B": BINARY},
        {"B": b""},
        {"BS": [b"\x00", b"\xff"]},
        {"L": [{"B": BINARY}]},
        {"M": {"deep": {"B": BINARY}, "deeper": {"L": [{"BS": [BINARY]}]}}},
    ],
    ids=["binary", "empty", "set", "in a list", "in a map"],
)
def test_binary_values_come_back_as_boto3_gives_them(
    boto: Any, light: DynamoDB, key: dict[str, Any], value: dict[str, Any]
) -> None:
    item = {**key, "value": value}
    light.put_item(TableName=TABLE, Item=item)
    expected, found = _both(boto, light, "get_item", Key=key)
    assert expected["Item"] == item
    assert found["Item"] == item


def test_an_absent_item_is_absent_as_boto3_says_it(
    boto: Any, light: DynamoDB, key: dict[str, Any]
) -> None:
    expected, found = _both(boto, light, "get_item", Key=key, ConsistentRead=True)
    assert set(found) == set(expected) == {"ResponseMetadata"}


def test_a_deleted_item_is_gone(boto: Any, light: DynamoDB, key: dict[str, Any]) -> None:
    boto.put_item(TableName=TABLE, Item=key)
    light.delete_item(TableName=TABLE, Key=key)
    assert "Item" not in boto.get_item(TableName=TABLE, Key=key)


def test_an_answer_says_about_itself_what_boto3_says(
    boto: Any, light: DynamoDB, key: dict[str, Any]
) -> None:
    expected, found = (
        response["ResponseMetadata"] for response in _both(boto, light, "get_item", Key=key)
    )
    assert found["HTTPStatusCode"] == expected["HTTPStatusCode"] == 200
    assert len(found["RequestId"]) == len(expected["RequestId"])
    assert set(found["HTTPHeaders"]) == set(expected["HTTPHeaders"])


# Errors -------------------------------------------------------------------------------------------


def _comparable(response: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of an error's response that callers may read."""
    metadata = response["ResponseMetadata"]
    error = response["Error"]
    return {
        "code": error["Code"],
        "message": error["Message"],
        "status": metadata["HTTPStatusCode"],
        "request id": len(metadata["RequestId"]),
        "headers": set(metadata["HTTPHeaders"]),
        "item": response.get("Item"),
        "reasons": response.get("CancellationReasons"),
    }


@pytest.mark.parametrize("returned", ["ALL_OLD", "NONE"])
def test_a_refused_condition_is_the_error_that_boto3_raises(
    boto: Any, light: DynamoDB, key: dict[str, Any], returned: str
) -> None:
    item = {**key, "value": {"B": BINARY}}
    boto.put_item(TableName=TABLE, Item=item)
    expected, found = _failures(
        boto,
        light,
        "put_item",
        TableName=TABLE,
        Item=key,
        ConditionExpression="attribute_not_exists(id)",
        ReturnValuesOnConditionCheckFailure=returned,
    )
    assert _comparable(found) == _comparable(expected)
    assert found["Error"]["Code"] == "ConditionalCheckFailedException"
    assert found.get("Item") == (item if returned == "ALL_OLD" else None)


def test_a_missing_table_is_the_error_that_boto3_raises(
    boto: Any, light: DynamoDB, key: dict[str, Any]
) -> None:
    expected, found = _failures(boto, light, "get_item", TableName="no-such-table", Key=key)
    assert _comparable(found) == _comparable(expected)


def _transaction(key: dict[str, Any]) -> dict[str, Any]:
    """Return two writes; the first may fail to find its item."""
    put = {
        "TableName": TABLE,
        "Item": key,
        "ConditionExpression": "attribute_not_exists(id)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    other = {"TableName": TABLE, "Item": {"id": {"S": f"{key['id']['S']}."}}}
    return {"TransactItems": [{"Put": put}, {"Put": other}]}


def test_a_cancelled_transaction_is_the_error_that_boto3_raises(
    boto: Any, light: DynamoDB, key: dict[str, Any]
) -> None:
    item = {**key, "value": {"B": BINARY}}
    boto.put_item(TableName=TABLE, Item=item)
    expected, found = _failures(boto, light, "transact_write_items", **_transaction(key))
    assert _comparable(found) == _comparable(expected)
    assert found["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in found["CancellationReasons"]] == [
        "ConditionalCheckFailed",
        "None",
    ]
    assert found["CancellationReasons"][0]["Item"] == item


def test_a_transaction_that_is_not_cancelled_takes_effect(
    boto: Any, light: DynamoDB, key: dict[str, Any]
) -> None:
    light.transact_write_items(**_transaction(key))
    assert boto.get_item(TableName=TABLE, Key=key)["Item"] == key


@pytest.mark.parametrize(
    "step",
    [
        failure("ConditionalCheckFailedException", message="refused", Item={"a": {"B": "AAH/"}}),
        failure(
            "TransactionCanceledException",
            Message="cancelled",
            CancellationReasons=[{"Code": "None"}, {"Code": "X", "Item": {"a": {"B": "AAH/"}}}],
        ),
        failure("ResourceNotFoundException"),
        answer(b"<html>", status=403),
        answer(b"", status=404),
    ],
    ids=["condition", "transaction", "no message", "no JSON", "nothing"],
)
def test_an_error_on_the_wire_is_read_as_boto3_reads_it(step: Any) -> None:
    options = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    with FaultServer(otherwise=step) as server:
        theirs = boto3.client(
            "dynamodb",
            endpoint_url=server.endpoint,
            region_name=REGION,
            config=Config(retries={"total_max_attempts": 1}),
            **options,
        )
        ours = DynamoDB(
            environment={
                "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL": server.endpoint,
                **{name.upper(): value for name, value in options.items()},
            }
        )
        request = {"TableName": TABLE, "Item": {}}
        expected, found = _failures(theirs, ours, "put_item", **request)
        theirs.close()
        ours.close()
    for response in (expected, found):
        response["ResponseMetadata"].setdefault("RequestId", "none")
        if response["Error"]["Code"].removeprefix("HTTP ") in ("403", "404"):
            response["Error"] = {"Code": response["Error"]["Code"][-3:], "Message": ""}
    assert _comparable(found) == _comparable(expected)


# SSM and Secrets Manager --------------------------------------------------------------------------


def test_a_parameter_is_read(local_aws: LocalAws, environment: dict[str, str]) -> None:
    ssm = local_aws.client("ssm")
    ssm.put_parameter(Name="/services/text", Value='{"host": "Grüße"}', Type="String")
    client = SSM(environment=environment)
    found = client.get_parameter(Name="/services/text")["Parameter"]
    expected = ssm.get_parameter(Name="/services/text")["Parameter"]
    client.close()
    assert found["Value"] == expected["Value"] == '{"host": "Grüße"}'
    assert set(found) == set(expected)


def test_a_secure_parameter_is_read_in_the_clear(
    local_aws: LocalAws, environment: dict[str, str]
) -> None:
    ssm = local_aws.client("ssm")
    ssm.put_parameter(Name="/services/secure", Value="the-secret", Type="SecureString")
    client = SSM(environment=environment)
    found = client.get_parameter(Name="/services/secure", WithDecryption=True)
    client.close()
    assert found["Parameter"]["Value"] == "the-secret"


def test_a_missing_parameter_is_named_by_its_code(
    local_aws: LocalAws, environment: dict[str, str]
) -> None:
    client = SSM(environment=environment)
    with pytest.raises(ServiceError) as raised:
        client.get_parameter(Name="/services/no-such-parameter")
    client.close()
    assert raised.value.response["Error"]["Code"] == "ParameterNotFound"
    assert str(raised.value).startswith("SSM GetParameter failed: ParameterNotFound (request id ")


def test_a_secret_is_read(local_aws: LocalAws, environment: dict[str, str]) -> None:
    local_aws.client("secretsmanager").create_secret(Name="services", SecretString="the-secret")
    client = SecretsManager(environment=environment)
    found = client.get_secret_value(SecretId="services")
    client.close()
    assert found["SecretString"] == "the-secret"


def test_a_binary_secret_is_read_as_boto3_gives_it(
    local_aws: LocalAws, environment: dict[str, str]
) -> None:
    theirs = local_aws.client("secretsmanager")
    theirs.create_secret(Name="services-binary", SecretBinary=BINARY)
    client = SecretsManager(environment=environment)
    found = client.get_secret_value(SecretId="services-binary")
    client.close()
    assert theirs.get_secret_value(SecretId="services-binary")["SecretBinary"] == BINARY
    assert found["SecretBinary"] == BINARY


def test_a_missing_secret_is_named_by_its_code(
    local_aws: LocalAws, environment: dict[str, str]
) -> None:
    client = SecretsManager(environment=environment)
    with pytest.raises(ServiceError) as raised:
        client.get_secret_value(SecretId="no-such-secret")
    client.close()
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert "no-such-secret" not in str(raised.value)
