"""Durable functions in processes of their own: Lambda's client runs them, the SDK's web runner is
the service, and one is killed in the middle of a step.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from aws_durable_execution_sdk_python_testing.runner import WebRunner, WebRunnerConfig
from aws_durable_execution_sdk_python_testing.web.server import WebServiceConfig

from kit.aws.local import LocalAws
from kit.aws.runtime_api import RuntimeApi, process
from kit.harnesses import CLIENTS, create_table
from kit.network.processes import free_port, until
from kit.redis.servers import RedisServer

ORDER = {"order": "7"}
HANDLERS = {
    "inside": "kit.durable_orders.inside",
    "outside": "kit.durable_orders.outside",
    "wrapped": "lambda_idempotency.wrap.handler",
}


class Service:
    """Lambda's service for durable functions: the SDK's web runner. Use as a context manager."""

    def __init__(self, lambda_endpoint: str) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        service = WebServiceConfig(host="127.0.0.1", port=self.port)
        config = WebRunnerConfig(web_service=service, lambda_endpoint=lambda_endpoint)
        self._runner: Any = WebRunner(config)

    def __enter__(self) -> Service:
        self._runner.start()
        self._executor, self._server = self._runner._executor, self._runner._server
        self._executor.RETRY_BACKOFF_SECONDS = 0
        self._loop = self._runner._scheduler._loop
        self._thread = threading.Thread(target=self._runner.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._runner.stop()
        self._loop.close()

    def start(self, event: Any) -> str:
        """Start an execution; return its ARN."""
        body = {
            "AccountId": "000000000000",
            "FunctionName": "pay",
            "FunctionQualifier": "1",
            "ExecutionName": f"pay-{os.urandom(4).hex()}",
            "ExecutionTimeoutSeconds": 300,
            "ExecutionRetentionPeriodDays": 1,
            "Input": json.dumps(event),
        }
        request = Request(f"{self.endpoint}/start-durable-execution", json.dumps(body).encode())
        with urlopen(request) as response:
            return str(json.load(response)["ExecutionArn"])

    def ended(self, arn: str) -> dict[str, Any]:
        """Wait for an execution's end; return its details."""
        until(lambda: self._details(arn)["Status"] != "RUNNING", "the execution ends")
        return self._details(arn)

    def callback(self, arn: str) -> str:
        """Wait until an execution waits for a callback; return the callback's id."""
        found: list[str] = []

        def has_one() -> bool:
            operations = self._executor.get_execution(arn).operations
            found[:] = [
                each.callback_details.callback_id for each in operations if each.callback_details
            ]
            return bool(found)

        until(has_one, "the execution waits for a callback")
        return found[0]

    def answer(self, callback: str, result: Any) -> None:
        """Let a callback succeed."""
        self._executor.send_callback_success(callback, json.dumps(result).encode())

    def _details(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self._executor.get_execution_details(arn).to_dict()
        return found


@pytest.fixture(
    params=[("inside", "redis"), ("outside", "dynamodb"), ("wrapped", "dynamodb")],
    ids="-".join,
)
def function(
    request: pytest.FixtureRequest,
    local_aws: LocalAws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Service, Path]]:
    """Yield the service of a function with two processes, and the directory of its files."""
    form, kind = request.param
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    table = f"durable-{form}-{os.getpid()}"
    with RedisServer() as redis, RuntimeApi() as api, Service(api.endpoint) as service:
        if kind == "dynamodb":
            with closing(CLIENTS["boto3"](local_aws.endpoint)) as client:
                create_table(client, table)
        url = f"redis://:{redis.admin_password}@{redis.host}:{redis.plain_port}"
        server = process(
            api,
            HANDLERS[form],
            log=tmp_path / "log",
            environment={
                **local_aws.environment(),
                "AWS_ENDPOINT_URL_LAMBDA": service.endpoint,
                "DURABLE_STORE": url if kind == "redis" else table,
                "DURABLE_FILES": str(tmp_path),
                "IDEMPOTENCY_HANDLER": "kit.durable_orders.plain",
                "IDEMPOTENCY_TABLE": table,
                "IDEMPOTENCY_NAMESPACE": "shop",
                "IDEMPOTENCY_KEY": "order",
                "IDEMPOTENCY_EXECUTION_TIMEOUT": "300",
            },
            concurrency=2,
        )
        try:
            yield service, tmp_path
        finally:
            server.stop()


def test_a_process_that_is_killed_in_a_step_costs_no_effect(
    function: tuple[Service, Path],
) -> None:
    service, files = function
    (files / "hold").touch()
    arn = service.start(ORDER)
    notes = files / "notes"
    until(lambda: notes.exists() and notes.read_text(), "a process begins to charge")
    os.kill(int(notes.read_text().split()[1]), signal.SIGKILL)
    (files / "hold").unlink()
    callback = service.callback(arn)
    refused = service.ended(service.start(ORDER))
    assert refused["Status"] == "FAILED"
    assert refused["Error"]["ErrorType"].endswith("InProgressError")
    service.answer(callback, "yes")
    first, again = service.ended(arn), service.ended(service.start(ORDER))
    assert json.loads(first["Result"]) == {"charge": "charge of 7", "approval": '"yes"'}
    assert (again["Status"], again["Result"]) == ("SUCCEEDED", first["Result"])
    effects = Counter(line for line in notes.read_text().splitlines() if "begins" not in line)
    assert effects == {"charges 7": 1, "ships 7": 1}
