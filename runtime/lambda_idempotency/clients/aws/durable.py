"""Lambda's durable executions: what has become of one, and the rest of its state.

https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecution.html
https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecutionState.html
"""

from __future__ import annotations

from typing import Any, Final

from ..net.deadline import current
from ..net.waiting import run
from .client import Request
from .services import BUDGET_S, TRY_S, JsonClient, Service

_LAMBDA: Final = Service(
    name="Lambda",
    endpoint="lambda",
    variable="LAMBDA",
    target="",  # a REST service: the path says what is asked for
    content_type="application/json",
)
_PATH: Final = "2025-12-01/durable-executions/"


class DurableExecutions(JsonClient):
    """The durable executions of the function's region."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_LAMBDA, **options)

    def get_durable_execution(self, arn: str, *, data: bool) -> dict[str, Any]:
        """Return the response about an execution; only with `data` it has the result. Raises
        `ServiceError`."""
        query = f"IncludeExecutionData={'true' if data else 'false'}"
        return self._get("GetDurableExecution", arn, "", query)

    def get_durable_execution_state(self, arn: str, *, token: str, marker: str) -> dict[str, Any]:
        """Return a page of the operations of the execution that is running, to which its checkpoint
        token belongs. Raises `ServiceError`."""
        query = f"CheckpointToken={_quoted(token)}&Marker={_quoted(marker)}"
        return self._get("GetDurableExecutionState", arn, "/state", query)

    def _get(self, operation: str, arn: str, suffix: str, query: str) -> dict[str, Any]:
        path = f"{self._path}{_PATH}{_quoted(arn)}{suffix}"
        template = self.template("GET", path, {"host": self._headers["host"]}, query=query)
        request = Request(operation, template)
        return run(self.send(request, self._blocking, current(BUDGET_S), try_s=TRY_S))


def _quoted(text: str) -> str:
    from urllib.parse import quote  # few durable executions have duplicates

    return quote(text, safe="-_.~")
