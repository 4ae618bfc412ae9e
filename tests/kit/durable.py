"""Durable executions in the SDK's local runner, as Lambda shows them to a function.

Its executions are driven by `@durable_execution` itself. A function gets the envelope as Lambda
sends it, in JSON, and its answer goes through JSON, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from aws_durable_execution_sdk_python.execution import durable_execution
from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner

from lambda_idempotency.clients.aws.client import ServiceError

PATIENCE_S = 60
TIMEOUT_S = 300


class DiedError(Exception):
    """Stands for the death of an invocation: Lambda sees that it has failed, and repeats it."""


class Executions:
    """A durable function, and its executions. Use as a context manager.

    `before` and `after` are called with the number of each invocation, from 1. What they raise is
    the invocation's end, as Lambda sees it.
    """

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self._function = function
        self.invocations: list[Any] = []
        """The answers of invocations, or their errors."""
        self.after: Callable[[int, Any], None] = lambda _, __: None
        self.before: Callable[[int], None] = lambda _: None
        self.asked: list[tuple[str, bool]] = []
        """The requests about executions."""
        self.denied: str | None = None
        self.clock = 0.0
        """The seconds by which it is known how old an answer about an execution is."""
        self._exit = ExitStack()

    def __enter__(self) -> Executions:
        self._runner = self._exit.enter_context(
            DurableFunctionTestRunner(handler=self._invoke, poll_interval=0.02)
        )
        self._runner._executor.RETRY_BACKOFF_SECONDS = 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exit.close()
        self._runner._scheduler._loop.close()  # it only stops it

    def _invoke(self, event: Any, context: Any) -> Any:
        number = len(self.invocations) + 1
        self.invocations.append(None)
        try:
            self.before(number)
            answer = self._function(event, context)
            self.after(number, answer)
        except BaseException as error:
            self.invocations[number - 1] = error
            raise
        self.invocations[number - 1] = json.loads(json.dumps(answer))
        return json.loads(json.dumps(answer))

    def start(self, event: Any, *, timeout_s: int = TIMEOUT_S) -> str:
        """Start an execution, and return its ARN."""
        return str(self._runner.run_async(input=json.dumps(event), execution_timeout=timeout_s))

    def result(self, arn: str) -> Any:
        """Wait for an execution's end; return its result."""
        found = self._runner.wait_for_result(arn, timeout=PATIENCE_S)
        assert found.status.value == "SUCCEEDED", found.error
        return json.loads(found.result)

    def error(self, arn: str) -> Any:
        """Wait for an execution's end; return its error."""
        found = self._runner.wait_for_result(arn, timeout=PATIENCE_S)
        assert found.status.value == "FAILED", found.result
        return found.error

    def run(self, event: Any) -> Any:
        """Run an execution, and return its result."""
        return self.result(self.start(event))

    def fail(self, event: Any) -> Any:
        """Run an execution, and return its error."""
        return self.error(self.start(event))

    def callback(self, arn: str) -> str:
        """Wait until the execution is suspended for a callback; return the callback's id."""
        return str(self._runner.wait_for_callback(arn, timeout=PATIENCE_S))

    def answer(self, callback: str, result: Any = None) -> None:
        """Let a callback succeed."""
        self._runner.send_callback_success(callback, json.dumps(result).encode())

    def stop(self, arn: str) -> None:
        """Stop an execution, as StopDurableExecution does."""
        self._runner._executor.stop_execution(arn)

    def time_out(self, arn: str) -> None:
        """End an execution at its timeout."""
        self._runner._executor.on_timed_out(arn, ErrorObject("timed out", None, None, None))

    # GetDurableExecution --------------------------------------------------------------------------

    def get_durable_execution(self, arn: str, *, data: bool) -> dict[str, Any]:
        """Answer as Lambda does."""
        self.asked.append((arn, data))
        if self.denied is not None:
            raise ServiceError(
                "Lambda",
                "GetDurableExecution",
                {"Error": {"Code": self.denied, "Message": ""}, "ResponseMetadata": {}},
            )
        found: dict[str, Any] = self._runner._executor.get_execution_details(arn).to_dict()
        if not data:
            found.pop("Result", None)
        return found


def real(handler: Callable[[Any, Any], Any], outer: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a function that gets the envelope as Lambda sends it. `handler` gets a durable
    context; `outer` decorates what `@durable_execution` has made."""
    events: dict[str, Any] = {}
    inner = durable_execution(handler)

    @outer
    def function(envelope: Any, context: Any) -> Any:
        return inner(events[envelope["CheckpointToken"]], context)

    def invoke(event: Any, context: Any) -> Any:
        envelope = json.loads(json.dumps(event.to_json_dict()))
        events[envelope["CheckpointToken"]] = event
        return function(envelope, context)

    return invoke
