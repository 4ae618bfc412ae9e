"""The form in which a handler meets a durable execution: outside or inside of its decorator.

Both are told by attributes. The SDK is never imported: it imports boto3, and few functions have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

Form: TypeAlias = Literal["outside", "inside"]
"""Outside: the handler gets the envelope, and is the one that `@durable_execution` has made.
Inside: it gets the input and a durable context."""

PACKAGE: Final = "aws_durable_execution_sdk_python"
"""The SDK of durable executions. Where it is not loaded, no code runs in one."""

_ENVELOPE: Final = "DurableExecutionArn"


def form_of(event: Any, context: Any) -> Form | None:
    """Return the form; None for any other invocation."""
    if is_durable_context(context):
        return "inside"
    return "outside" if is_envelope(event) else None


def arn_of(form: Form, event: Any, context: Any) -> str | None:
    """Return the ARN of the execution; None if the envelope does not tell it."""
    if form == "inside":
        return str(context.execution_context.durable_execution_arn)
    if isinstance(event, Mapping):
        arn = event[_ENVELOPE]
        return arn if isinstance(arn, str) else None
    return str(event.durable_execution_arn)


def is_durable_context(context: Any) -> bool:
    """Tell whether it is the context of a durable execution, or of a branch of one."""
    execution = getattr(context, "execution_context", None)
    # A test's mock has every attribute, but no text in it.
    return execution is not None and isinstance(
        getattr(execution, "durable_execution_arn", None), str
    )


def is_envelope(event: Any) -> bool:
    """Tell whether it is what Lambda sends to a durable function, or the object that the SDK's
    local runner hands over in its place."""
    if type(event) is dict or isinstance(event, Mapping):  # most are, and `Mapping` takes longer
        return _ENVELOPE in event and "CheckpointToken" in event
    return hasattr(event, "initial_execution_state") and hasattr(event, "durable_execution_arn")
