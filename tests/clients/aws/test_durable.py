"""Durable executions: the requests that botocore makes, and their answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from kit.network.fault_server import FaultServer, answer
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.clients.aws.durable import DurableExecutions

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:pay:$LATEST/durable-execution/a-b_c/0-1"
NOW = 1_800_000_000


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def client(server: FaultServer) -> Iterator[DurableExecutions]:
    environment = {
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_ENDPOINT_URL_LAMBDA": server.endpoint,
    }
    with closing(DurableExecutions(environment=environment, clock=lambda: NOW)) as client:
        yield client


def _botocore(server: FaultServer) -> Any:
    return boto3.client(
        "lambda",
        region_name="eu-west-1",
        endpoint_url=server.endpoint,
        aws_access_key_id="AKID",
        aws_secret_access_key="secret",
        aws_session_token="token",
    )


@pytest.mark.parametrize("data", [False, True])
def test_the_request_is_botocores(
    server: FaultServer, client: DurableExecutions, *, data: bool
) -> None:
    server.script(answer({"Status": "RUNNING", "StartTimestamp": 1.5}), answer({}))
    found = client.get_durable_execution(ARN, data=data)
    assert found["Status"] == "RUNNING"
    with closing(_botocore(server)) as oracle:
        oracle.get_durable_execution(DurableExecutionArn=ARN, IncludeExecutionData=data)
    ours, theirs = server.requests
    assert (ours.method, ours.path, ours.body) == (theirs.method, theirs.path, theirs.body)


def test_the_request_for_the_state_is_botocores(
    server: FaultServer, client: DurableExecutions
) -> None:
    server.script(answer({"Operations": [], "NextMarker": "more"}), answer({}))
    token, marker = "a+b/c=", "d&e"
    found = client.get_durable_execution_state(ARN, token=token, marker=marker)
    assert found["NextMarker"] == "more"
    with closing(_botocore(server)) as oracle:
        oracle.get_durable_execution_state(
            DurableExecutionArn=ARN, CheckpointToken=token, Marker=marker
        )
    ours, theirs = server.requests
    assert (ours.method, ours.path, ours.body) == (theirs.method, theirs.path, theirs.body)


def test_the_request_is_signed_as_botocore_signs_it(
    server: FaultServer, client: DurableExecutions
) -> None:
    client.get_durable_execution(ARN, data=False)
    [sent] = server.requests
    request = AWSRequest(
        "GET",
        f"{server.endpoint}{urlsplit(sent.path).path}",
        headers={"host": sent.headers["host"]},
        params={"IncludeExecutionData": "false"},
    )
    moment = datetime.fromtimestamp(NOW, UTC)
    with patch("botocore.auth.get_current_datetime", lambda *_, **__: moment):
        SigV4Auth(BotocoreCredentials("AKID", "secret", "token"), "lambda", "eu-west-1").add_auth(
            request
        )
    assert sent.headers["authorization"] == request.headers["Authorization"]


def test_the_code_of_an_error_is_told(server: FaultServer, client: DurableExecutions) -> None:
    body = json.dumps({"Type": "User", "Message": "gone"}).encode()
    headers = {"x-amzn-errortype": "ResourceNotFoundException:http://internal/"}
    server.script(answer(body, status=404, headers=headers))
    with pytest.raises(ServiceError) as raised:
        client.get_durable_execution(ARN, data=False)
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"
