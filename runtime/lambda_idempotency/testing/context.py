"""A Lambda context for tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class LambdaContext:
    """What Lambda hands to a handler. `remaining_ms` is what the invocation has left."""

    function_name: str = "function"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 128
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    tenant_id: str | None = None
    remaining_ms: int = 3000

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN in the account 111122223333."""
        return f"arn:aws:lambda:eu-west-1:111122223333:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that the invocation has left."""
        return self.remaining_ms
