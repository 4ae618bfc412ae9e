"""Lambda's GetDurableExecution: what has become of a durable execution.

https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecution.html
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
        from urllib.parse import quote  # few durable executions have duplicates

        template = self.template(
            "GET",
            f"{self._path}{_PATH}{quote(arn, safe='-_.~')}",
            {"host": self._headers["host"]},
            query=f"IncludeExecutionData={'true' if data else 'false'}",
        )
        request = Request("GetDurableExecution", template)
        return run(self.send(request, self._blocking, current(BUDGET_S), try_s=TRY_S))
