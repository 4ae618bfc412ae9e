"""The envelope of a durable execution: what Lambda sends, and what the function answers.

The input is JSON text in the EXECUTION operation; all else in the envelope changes whenever the
execution resumes. https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-sdk.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from ...errors import ConfigurationError
from ...protocol.record import NO_BODY
from ...protocol.steps import Returned
from ...tuples import NamedTuple

More: TypeAlias = Callable[[str, str, str], Mapping[str, Any]]
"""Returns a page of an execution's operations, for its ARN, checkpoint token and marker."""

Status: TypeAlias = Literal["SUCCEEDED", "FAILED", "PENDING"]

_STATUSES: Final = ("SUCCEEDED", "FAILED", "PENDING")


class Envelope(NamedTuple):
    """What an envelope says. `started` is in epoch milliseconds, None where it is not told;
    `resumed`: an earlier invocation has come to its first checkpoint."""

    execution: str
    input: Any
    started: int | None
    resumed: bool


def opened(event: Any, more: More | None = None) -> Envelope:
    """Read an envelope; `more` asks for what it leaves out. Raises `ConfigurationError`, which
    quotes nothing of the input, and what `more` raises."""
    found = event if isinstance(event, Mapping) else event.to_json_dict()
    arn = found["DurableExecutionArn"]
    if not isinstance(arn, str) or not arn:
        raise _malformed(f"its DurableExecutionArn is a {type(arn).__name__}, or empty")
    state = found.get("InitialExecutionState")
    operations = state.get("Operations") if isinstance(state, Mapping) else None
    if not isinstance(state, Mapping) or not isinstance(operations, list):
        raise _malformed("it has no InitialExecutionState with Operations")
    resumed = len(operations) > 1 or bool(state.get("NextMarker"))
    if (own := _execution_in(operations)) is None:
        own, resumed = _execution_after(found, state.get("NextMarker"), more)
        resumed = resumed or bool(operations)
    if own is None:
        raise _malformed(
            f"the first page of its state has {len(operations)} operations and no EXECUTION "
            "operation, in which the input is, and there is no other page. Put @idempotent under "
            "@durable_execution: there, the SDK has read the state"
        )
    started = own.get("StartTimestamp")
    return Envelope(
        execution=arn,
        input=_input(own),
        started=int(started) if isinstance(started, int | float) else None,
        resumed=resumed,
    )


def _execution_in(operations: Any) -> Mapping[str, Any] | None:
    for operation in operations if isinstance(operations, list) else ():
        if isinstance(operation, Mapping) and operation.get("Type") == "EXECUTION":
            return operation
    return None


def _execution_after(
    found: Mapping[str, Any], marker: Any, more: More | None
) -> tuple[Mapping[str, Any] | None, bool]:
    """Return the EXECUTION operation of a later page, and whether there are others, too. A large
    input has no room on the first."""
    arn, token = found["DurableExecutionArn"], found["CheckpointToken"]
    others = False
    while more is not None and isinstance(marker, str) and marker:
        page = more(arn, token, marker)
        operations, marker = page.get("Operations", []), page.get("NextMarker")
        if (own := _execution_in(operations)) is not None:
            started = own.get("StartTimestamp")  # in seconds, where the envelope has milliseconds
            in_ms = started * 1000 if isinstance(started, int | float) else None
            return {**own, "StartTimestamp": in_ms}, others or len(operations) > 1 or bool(marker)
        others = others or bool(operations)
    return None, others


def _input(operation: Mapping[str, Any]) -> Any:
    """Return the execution's input; `{}` where there is none, as the SDK does."""
    details = operation.get("ExecutionDetails")
    text = details.get("InputPayload") if isinstance(details, Mapping) else None
    if text is None or (isinstance(text, str) and not text.strip()):
        return {}
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise _malformed("its input is no JSON") from None


def checked(answer: Any) -> Any:
    """Return a function's answer. Raises `ConfigurationError` for one that is not known: whether
    the execution has ended is unknown, too, and its key stays claimed."""
    status = answer.get("Status") if isinstance(answer, Mapping) else None
    if status in _STATUSES:
        return answer
    what = f"Status {status!r}" if isinstance(answer, Mapping) else f"a {type(answer).__name__}"
    raise ConfigurationError(
        f"@idempotent: the durable function answered {what}; known are "
        f"{', '.join(_STATUSES)}. Apply @idempotent above @durable_execution itself, or below it; "
        "for another version of the SDK, update cdk-idempotency."
    )


def recorded(answer: Any) -> Returned:
    """Return what an answer means for the record: of a success, its result is recorded, which is
    JSON text already."""
    status: Status = answer["Status"]
    if status == "PENDING":
        return Returned(answer, suspended=True)
    if status == "FAILED":
        return Returned(answer, keep=False)
    text = answer.get("Result")
    # Above 6 MB the result is a checkpoint, which only Lambda can read, and the text is empty.
    return Returned(answer, text) if text else Returned(answer, encoding=NO_BODY)


def succeeded(result: str) -> dict[str, Any]:
    """Return the answer of an execution with this result, which is JSON text."""
    return {"Status": "SUCCEEDED", "Result": result}


def failed(error: Exception) -> dict[str, Any]:
    """Return the answer that ends an execution with this error."""
    kind = type(error)
    return {
        "Status": "FAILED",
        "Error": {
            "ErrorType": f"{kind.__module__}.{kind.__qualname__}",
            "ErrorMessage": str(error),
        },
    }


def _malformed(why: str) -> ConfigurationError:
    return ConfigurationError(f"@idempotent was given the envelope of a durable execution: {why}.")
