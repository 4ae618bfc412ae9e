"""The code of docs/durable.md runs, in whatever language."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner
from botocore.stub import Stubber
from ministack.services.stepfunctions import _evaluate_intrinsic

from kit.aws.local import cdk_command
from kit.pages import block, run, synthesized, text_of
from lambda_idempotency import execution_name

KEYS = ["o-17", 'ü 😀 " \\ \n\u2028', ["acme", "o-17"]]


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK's runner close its event loop, which it only stops."""
    close = DurableFunctionTestRunner.close

    def closed(runner: DurableFunctionTestRunner) -> None:
        close(runner)  # type: ignore[no-untyped-call]
        runner._scheduler._loop.close()

    monkeypatch.setattr(DurableFunctionTestRunner, "close", closed)


def test_the_stack_synthesizes(tmp_path: Path) -> None:
    code = block("class Orders(", page="durable")
    [stack] = synthesized(code, "Orders", tmp_path, module="orders").stacks
    assert "lambda:GetDurableExecution" in json.dumps(stack.template)


@pytest.mark.usefixtures("runner")
def test_the_order_is_charged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDEMPOTENCY_STORE", "memory")
    monkeypatch.setenv("IDEMPOTENCY_EXECUTION_TIMEOUT", "60")
    names = run("create_callback", page="durable")
    paid: list[tuple[int, str]] = []
    names["pay"] = lambda amount, key: paid.append((amount, key)) or len(paid)  # type: ignore[func-returns-value]
    order = json.dumps({"order_id": "o-17", "amount": 5})
    with DurableFunctionTestRunner(handler=names["handler"]) as runner:
        first = runner.run_async(input=order)
        runner.send_callback_success(runner.wait_for_callback(first), b"ann")
        answer = runner.wait_for_result(first).result
        assert runner.run(input=order).result == answer
    assert json.loads(str(answer)) == {"receipt": 1, "approved_by": "ann"}
    [(amount, key)] = paid
    assert (amount, len(key)) == (5, 64)


@pytest.mark.usefixtures("runner")
def test_the_users_test_passes() -> None:
    run("DurableFunctionTestRunner")["test_an_order_that_is_sent_twice_is_charged_once"]()


def test_an_execution_is_named_after_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("ORDERS_FUNCTION", "orders")
    names = run("DurableExecutionName=", page="durable")
    with Stubber(names["client"]) as stubbed:
        expected = {
            "FunctionName": "orders:live",
            "InvocationType": "Event",
            "DurableExecutionName": execution_name("o-17", function="orders"),
            "Payload": '{"amount": 5, "order_id": "o-17"}',
        }
        stubbed.add_response("invoke", {"StatusCode": 202}, expected)
        assert names["start"]({"order_id": "o-17", "amount": 5})["StatusCode"] == 202
    names["client"].close()


def _block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", text_of("durable"), re.DOTALL)
    return str(found)


def test_typescript_makes_the_same_names(tmp_path: Path) -> None:
    calls = "\n".join(f"console.log(executionName({json.dumps(key)}, 'orders'));" for key in KEYS)
    program = tmp_path / "names.mts"
    program.write_text(f"{_block('typescript')}\n{calls}\n")
    [node, _] = cdk_command()
    done = subprocess.run([node, program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [execution_name(key, function="orders") for key in KEYS]


@pytest.mark.parametrize("key", ["o-17", "it's {}", 17])
def test_step_functions_makes_the_same_name(key: Any) -> None:
    task = json.loads(_block("json"))["Parameters"]
    order = {"order_id": key, "amount": 5}
    name = _evaluate_intrinsic(task["DurableExecutionName.$"], order, {})
    function = task["FunctionName"].partition(":")[0]
    assert name == execution_name(key, function=function)
    assert json.loads(_evaluate_intrinsic(task["Payload.$"], order, {})) == order
