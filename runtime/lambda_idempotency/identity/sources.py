"""What tells the events of AWS services from a user's own, at the price of a few look-ups."""

from __future__ import annotations

from typing import Any, Final

from .values import MAPPINGS

MARKERS: Final = frozenset(
    {
        *("CodePipeline.job", "ClientRequestToken", "Details", "Records"),
        *("ResponseURL", "actionGroup", "alarmData", "arguments", "authorizationToken", "awslogs"),
        *("deliveryStreamArn", "detail-type", "directive", "httpMethod", "info"),
        *("invocationSchemaVersion", "invocationSource", "invokingEvent", "methodArn", "raw_path"),
        *("request", "requestContext", "requestPayload", "routeArn", "triggerSource"),
        "xAmzRequestId",
    }
)
"""Names that tell events of AWS services from others: one is at the top of each."""


def default_key(event: Any) -> tuple[str, Any]:
    """Return the name of an event's source, and the key that it has where none is named: what its
    source identifies it by, or else the event itself, with an empty name.

    Raises `ConfigurationError` if events of its source need a `key`.
    """
    head = event[0] if isinstance(event, list) and event else event
    if not isinstance(head, MAPPINGS) or MARKERS.isdisjoint(head):
        return "", event
    from .event_sources import key_of  # a table that few events need

    return key_of(event)


def batch_source(event: Any) -> str | None:
    """Return the name of the event's source, where the event is a batch of records; else None."""
    head = event[0] if isinstance(event, list) and event else event
    if not isinstance(head, MAPPINGS) or ("Records" not in head and "eventSource" not in head):
        return None
    from .batch_sources import batch_of  # a table that few events need

    batch = batch_of(event)
    return None if batch is None else batch.source_name
