"""Durable executions of the local AWS that start and go on as Lambda's do.

The emulator (ministack 1.5.33) has their records, operations, timers and API. Its CloudFormation
leaves the configuration of a durable function out, and it waits for a switch in there that AWS does
not have. It knows no names, answers with what one invocation said, repeats none that has failed,
and takes a callback's timeout of 0, which is none, for one that has passed. Its IAM does not know
these requests.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from typing import Any, Final
from urllib.parse import unquote

from ministack.core import iam_actions
from ministack.core.responses import error_response_json
from ministack.services import iam, lambda_durable, lambda_svc
from ministack.services.cloudformation import provisioners

FAILURES: Final = 5
"""Invocations of an execution that may fail, one after the other."""

_POLICY: Final = "service-role/AWSLambdaBasicDurableExecutionRolePolicy"
_ACTIONS: Final = {"checkpoint": "CheckpointDurableExecution", "state": "GetDurableExecutionState"}
_EXECUTIONS: Final = "/2025-12-01/durable-executions/"


def keep_configurations() -> None:
    """Let CloudFormation give a durable function its configuration."""
    provisioner = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create = provisioner["create"]

    def configured(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        created = create(logical_id, props, stack_name)
        if (config := props.get("DurableConfig")) is not None:
            lambda_svc._functions[created[0]]["config"]["DurableConfig"] = config
        return created

    provisioner["create"] = configured


def start_executions() -> None:
    """Let each invocation of a durable function start an execution, or find the one of its name.
    A payload that was another is an error; here JSON is compared, where Lambda compares bytes."""
    invoke_any = lambda_svc._invoke

    async def invoke(name: str, event: Any, headers: dict[str, str], *rest: Any) -> Any:
        function = lambda_svc._functions.get(name) or {"config": {}}
        config = function["config"].get("DurableConfig")
        if not config or headers.get("x-amz-invocation-type") == "DryRun":
            return await invoke_any(name, event, headers, *rest)
        named, payload = headers.get("x-amz-durable-execution-name"), json.dumps(event)
        found = _named(name, named)
        if found is not None and found["InputPayload"] != payload:
            code = "DurableExecutionAlreadyStartedException"
            return error_response_json(code, f"{named} was started with another payload", 409)
        if found is None:
            found = lambda_durable.create_execution_for_invoke(
                function_arn=lambda_svc._func_arn(name),
                version="$LATEST",
                input_payload=payload,
                name=named,
                execution_timeout=config.get("ExecutionTimeout"),
            )
            arguments = (name, found["DurableExecutionArn"], event)
            run = contextvars.copy_context().run
            resume = lambda_svc.invoke_durable_resume
            threading.Thread(target=run, args=(resume, *arguments), daemon=True).start()
        told = {"X-Amz-Durable-Execution-Arn": found["DurableExecutionArn"]}
        if headers.get("x-amz-invocation-type") == "Event":
            return 202, told, b""
        while found["Status"] == "RUNNING":
            await asyncio.sleep(0.02)
        return _answer(found, told)

    lambda_svc._invoke = invoke


def _named(function: str, name: str | None) -> dict[str, Any] | None:
    wanted = (lambda_svc._func_arn(function), name)
    for record in lambda_durable._executions.values():
        if (record["FunctionArn"], record["DurableExecutionName"]) == wanted:
            found: dict[str, Any] = record
            return found
    return None


def _answer(record: dict[str, Any], told: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Return what a caller gets who has waited for an execution's end."""
    if record["Status"] == "SUCCEEDED":
        return 200, told, (record["Result"] or "null").encode()
    error = record["Error"] or {}
    payload = {"errorType": error.get("ErrorType"), "errorMessage": error.get("ErrorMessage")}
    return 200, {**told, "X-Amz-Function-Error": "Unhandled"}, json.dumps(payload).encode()


def repeat_failed_invocations() -> None:
    """Invoke the function again where an invocation has failed, or its process has died."""
    invoke_once = lambda_svc.invoke_durable_resume

    def invoke(function: str, arn: str, event: Any) -> None:
        record = lambda_durable._executions[arn]
        for _ in range(FAILURES):
            invoke_once(function, arn, event)
            last = record["History"][-1]
            if record["Status"] != "RUNNING" or not _has_failed(last):
                return
            record["CheckpointToken"] = lambda_durable.new_checkpoint_token()
        lambda_durable.mark_execution_completed(arn, None, {"ErrorMessage": "its invocations fail"})

    lambda_svc.invoke_durable_resume = invoke


def _has_failed(event: dict[str, Any]) -> bool:
    return "Error" in event.get("InvocationCompletedDetails", {})


def keep_callbacks() -> None:
    """Let a callback without a timeout wait."""
    apply = lambda_durable._apply_update

    def applied(record: dict[str, Any], update: dict[str, Any]) -> None:
        options = update.get("CallbackOptions") or {}
        given = {name: seconds for name, seconds in options.items() if seconds != 0}
        apply(record, {**update, "CallbackOptions": given})

    lambda_durable._apply_update = applied


def fence_executions() -> None:
    """Let IAM decide who may checkpoint an execution, read its state, or ask what has become of it;
    the managed policy of a durable function's role has the rights that it has in AWS."""
    action_of, arn_of = iam_actions._lambda_action, iam_actions.extract_resource_arn

    def action(method: str, path: str) -> str | None:
        if path.startswith(_EXECUTIONS):
            return _ACTIONS.get(path.rpartition("/")[2], "GetDurableExecution")
        found: str | None = action_of(method, path)
        return found

    def resource(service: str, method: str, path: str, *rest: Any) -> Any:
        if service == "lambda" and path.startswith(_EXECUTIONS):
            arn, _, last = unquote(path.removeprefix(_EXECUTIONS)).rpartition("/")
            return arn if last in _ACTIONS else f"{arn}/{last}"
        return arn_of(service, method, path, *rest)

    iam_actions._lambda_action, iam_actions.extract_resource_arn = action, resource
    rights = [
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
        *(f"lambda:{name}" for name in _ACTIONS.values()),
    ]
    statement = {"Effect": "Allow", "Action": rights, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    record = iam._make_aws_managed_record(_POLICY, document)
    iam._aws_managed_policies[record["Arn"]] = record
