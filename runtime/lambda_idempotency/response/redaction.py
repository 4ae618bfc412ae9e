"""What is kept of an answer where `redact` says so. The first caller gets all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ..protocol.steps import Returned
from . import lambda_json
from .lambda_json import NotRecordableError

Redact: TypeAlias = Callable[[Any], Any]
"""Takes an answer as a duplicate would get it, a new object at each call; returns what is kept."""


def redacted(ran: Returned, redact: Redact, replayable: Callable[[str, Any], bool]) -> Returned:
    """Return a result with the recorded form of what is kept of it. `replayable` tells whether a
    duplicate can get that text in the result's place.

    Raises `NotRecordableError`, whatever `redact` raises or returns: what is not redacted is not
    recorded.
    """
    if ran.data is None or ran.data == "null":
        return ran
    try:
        kept = redact(lambda_json.read(ran.data))
    except BaseException as error:  # noqa: BLE001 - its text can quote the answer
        raise NotRecordableError(f"redact raised {type(error).__name__}") from None
    if kept is None:
        raise NotRecordableError("redact returned None")
    try:
        text = lambda_json.written(kept, surrogates=True)
    except Exception:  # noqa: BLE001 - as above
        raise NotRecordableError("what redact returned is no JSON") from None
    if not replayable(text, ran.result):
        raise NotRecordableError(
            "what redact returned is no answer",
            "An HTTP response keeps its statusCode, a function's result the fields of its type.",
        )
    return ran._replace(data=text)
