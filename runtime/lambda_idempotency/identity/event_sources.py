"""The events of AWS services, each with the key that it has where no `key` is named.

A service that redelivers an event keeps some parts and changes others. Where one part identifies
the event, that is the key. Where nothing in it does, or each call needs an answer of its own, the
event is refused: a hash of it would recognize no redelivery, or give one call the answer of
another. docs/keys.md has a row for each, with its page of AWS's documentation.

An event that no row knows is the user's own (direct and asynchronous invocations, Step Functions,
EventBridge Scheduler, IoT rules): it is the key as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..errors import ConfigurationError
from ..tuples import NamedTuple
from .events import http_shape
from .paths import Event, both, each, has, has_either, is_one_of, selected


class EventSource(NamedTuple):
    """One kind of event. Either `key` or `refusal` says what to do without a `key` option."""

    title: str
    marker: str
    """A name at the top of every such event."""
    matches: Callable[[Event], bool]
    key: Callable[[Event], Any] = lambda _: None
    """Returns the key; None: the event lacks a part of it."""
    refusal: str | None = None
    """The reason why there is no key, and what to do."""
    in_lists: bool = False
    """True if several such events may come as a list."""


def key_of(event: Any) -> tuple[str, Any]:
    """Return the name of an event's source and its key. Raises `ConfigurationError` if events of
    that source need a `key`. The name is empty, and the event its key, if its source is unknown."""
    several = isinstance(event, list)
    head = event[0] if several else event
    for source in SOURCES:
        if source.marker in head and source.matches(head) and (source.in_lists or not several):
            if source.refusal is not None:
                raise ConfigurationError(
                    f"This event of {source.title} has no key. {source.refusal}"
                )
            return source.title, source.key(event)
    return "", event


# Refusals -----------------------------------------------------------------------------------------


def _unnamed(why: str, example: str) -> str:
    return f"{why}. Pass key= with what identifies a request, such as {example}."


def _afresh(why: str, key: str) -> str:
    return (
        f"{why}, so a recorded answer is never the right one. Make the effect idempotent in its "
        f"place, with @idempotent_function keyed by {key}, or pass key= if that does not matter."
    )


_HTTP: Final = "Each retry has another request id and time"
_ARGUMENTS: Final = "The service adds no id, and each retry has other headers"

# The table ----------------------------------------------------------------------------------------

SOURCES: Final[tuple[EventSource, ...]] = (
    # Authorizers first: they hold the request that is to be authorized.
    *(
        EventSource(
            "an authorizer",
            marker,
            has(marker, *rest),
            refusal=_afresh("An authorizer decides on each request by itself", "what it writes"),
        )
        for marker, *rest in (
            ("methodArn",),  # REST and WebSocket APIs
            ("routeArn",),  # HTTP APIs
            ("authorizationToken", "requestContext/apiId"),  # AppSync
        )
    ),
    *(
        EventSource(
            "an HTTP request",
            marker,
            lambda event: http_shape(event) is not None,
            refusal=_unnamed(f"HTTP mode is off (http=None). {_HTTP}", "'body.order_id'"),
        )
        for marker in ("requestContext", "httpMethod")
    ),
    EventSource(
        "a WebSocket API",
        "requestContext",
        both(
            has("requestContext/connectionId"),
            is_one_of("requestContext/eventType", "CONNECT", "DISCONNECT"),
        ),
        key=selected("requestContext/connectionId", "requestContext/eventType"),
    ),
    EventSource(
        "a WebSocket API",
        "requestContext",
        has("requestContext/connectionId", "requestContext/eventType"),
        refusal=_unnamed(_HTTP, "an id in the message, by a callable"),
    ),
    EventSource(
        "VPC Lattice",
        "requestContext",
        has("requestContext/serviceNetworkArn"),
        refusal=_unnamed("Each retry has another time", "'headers.\"idempotency-key\"[0]'"),
    ),
    EventSource(
        "VPC Lattice",
        "raw_path",
        has("method"),
        refusal=_unnamed("It has no id", "'headers.\"idempotency-key\"'"),
    ),
    EventSource(
        "AppSync Events",
        "info",
        has("info/channel", "info/operation"),
        refusal=_unnamed(_ARGUMENTS, "an id in the payloads"),
    ),
    EventSource(
        "AppSync",
        "arguments",
        has_either("info/fieldName", "fieldName"),
        refusal=_unnamed(_ARGUMENTS, "'[info.fieldName, arguments.order_id]'"),
        in_lists=True,  # the requests of a batch resolver
    ),
    EventSource(
        "a Lambda destination",
        "requestPayload",
        has("requestContext/functionArn", "requestContext/requestId"),
        key=selected("requestContext/requestId"),
    ),
    # EventBridge. A schedule may run its rule twice for one time, S3 send one change twice.
    EventSource(
        "a schedule",
        "detail-type",
        both(
            is_one_of("source", "aws.events", "aws.scheduler"),
            is_one_of("detail-type", "Scheduled Event"),
        ),
        key=selected("resources/0", "time"),
    ),
    EventSource(
        "S3 through EventBridge",
        "detail-type",
        both(is_one_of("source", "aws.s3"), has("detail/object/sequencer")),
        key=selected(
            *("detail-type", "detail/bucket/name", "detail/object/key"),
            *("detail/object/version-id?", "detail/object/sequencer"),
        ),
    ),
    EventSource(
        "EventBridge",
        "detail-type",
        # All that EventBridge itself writes: a user's own event may have the form of PutEvents.
        has("source", "detail", "id", "version", "account", "region", "time", "resources"),
        key=selected("id"),
    ),
    # Lists of records that come again as they are, each of its own kind.
    EventSource(
        "SNS",
        "Records",
        is_one_of("Records/0/EventSource", "aws:sns"),
        key=each("Sns/MessageId"),
    ),
    EventSource(
        "S3",
        "Records",
        both(is_one_of("Records/0/eventSource", "aws:s3"), has("Records/0/s3/object/sequencer")),
        key=each(
            *("eventName", "s3/bucket/name", "s3/object/key"),
            *("s3/object/versionId?", "s3/object/sequencer"),
        ),
    ),
    # Without a sequencer, nothing tells two changes of an object apart but the whole of them.
    EventSource(
        "S3",
        "Records",
        is_one_of("Records/0/eventSource", "aws:s3"),
        key=lambda event: event["Records"],
    ),
    EventSource(
        "SES",
        "Records",
        is_one_of("Records/0/eventSource", "aws:ses"),
        key=each("ses/mail/messageId"),
    ),
    EventSource(
        "CodeCommit",
        "Records",
        is_one_of("Records/0/eventSource", "aws:codecommit"),
        key=each("eventId", "eventPartNumber"),
    ),
    EventSource(
        "Lambda@Edge",
        "Records",
        has("Records/0/cf/config"),
        key=each("cf/config/requestId", "cf/config/eventType"),
    ),
    EventSource(
        "CloudWatch Logs",
        "awslogs",
        has("awslogs/data"),
        refusal=_unnamed(
            "A delivery groups its log events anew, so it is never the same",
            "a callable that decodes awslogs.data; or make each log event idempotent with "
            "@idempotent_function, keyed by its id",
        ),
    ),
    EventSource(
        "a CloudWatch alarm",
        "alarmData",
        has("alarmArn"),
        key=selected("alarmArn", "alarmData/state/value", "alarmData/state/timestamp"),
    ),
    # Identity and orchestration
    EventSource(
        "Cognito",
        "triggerSource",
        has("userPoolId"),
        refusal=_afresh(
            "Cognito gives its events no id, and tokens and challenges belong to one sign-in",
            "[userPoolId, userName, triggerSource] where it happens once for a user",
        ),
    ),
    EventSource(
        "CodePipeline",
        "CodePipeline.job",
        has("CodePipeline.job/id"),
        key=selected("CodePipeline.job/id", "CodePipeline.job/data/continuationToken?"),
    ),
    EventSource(
        "a CloudFormation custom resource",
        "ResponseURL",
        has("StackId", "RequestId"),
        refusal=_afresh(
            "CloudFormation waits for an answer at ResponseURL", "[StackId, RequestId]"
        ),
    ),
    EventSource(
        "Config",
        "invokingEvent",
        has("resultToken"),
        refusal=_afresh(
            "Config waits for a result with the event's own resultToken",
            "the configuration item and its configurationStateId",
        ),
    ),
    EventSource(
        "Secrets Manager",
        "ClientRequestToken",
        has("SecretId", "Step"),
        key=selected("SecretId", "ClientRequestToken", "Step"),
    ),
    # Transforms
    EventSource(
        "S3 Batch Operations",
        "invocationSchemaVersion",
        has("job/id", "tasks"),
        refusal=_afresh(
            "The answer repeats invocationId and taskId",
            "[job.id, tasks[0].s3Key, tasks[0].s3VersionId]",
        ),
    ),
    EventSource(
        "S3 Object Lambda",
        "xAmzRequestId",
        has("userRequest"),
        refusal=_afresh("The answer goes to the event's own outputToken", "the object"),
    ),
    EventSource(
        "Firehose",
        "deliveryStreamArn",
        has("records"),
        refusal=_afresh("The answer repeats the recordId of every record", "recordId"),
    ),
    # Conversations
    EventSource(
        "Alexa",
        "request",
        has("request/requestId", "context/System"),
        key=selected("request/requestId"),
    ),
    EventSource(
        "an Alexa smart home skill",
        "directive",
        has("directive/header/messageId"),
        key=selected("directive/header/messageId"),
    ),
    EventSource(
        "Amazon Connect",
        "Details",
        has("Details/ContactData"),
        refusal=_unnamed(
            "All calls of a contact have its ContactId",
            "'Details.[ContactData.ContactId, Parameters.block]', with a parameter that names the "
            "block",
        ),
    ),
    EventSource(
        "Lex",
        "invocationSource",
        has("bot"),
        refusal=_unnamed(
            "Turns of a session have no id",
            "'[sessionId, sessionState.intent.name, sessionState.intent.slots]'",
        ),
    ),
    EventSource(
        "a Bedrock agent",
        "actionGroup",
        has("agent"),
        refusal=_unnamed(
            "A call has no id, and the same arguments may be a second call",
            "a business id among the parameters, by a callable",
        ),
    ),
)
"""The first row that fits says what the key is."""
