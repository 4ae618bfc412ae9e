"""Events of EventBridge, its scheduler and its pipes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..batches import ACCOUNT, EVERY, dynamodb, kinesis, pipe, piped, sqs
from .sample import Sample

RULE: Final[dict[str, Any]] = {
    "version": "0",
    "id": "e-1",
    "detail-type": "Order placed",
    "source": "shop",
    "account": "111111111111",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {"order_id": 7},
}
_SCHEDULED: Final = {
    **RULE,
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "detail": {},
    "resources": [f"arn:aws:events:{ACCOUNT}:rule/nightly"],
}
_SCHEDULER_INPUT: Final = {
    "scheduleArn": f"arn:aws:scheduler:{ACCOUNT}:schedule/default/nightly",
    "scheduledTime": "2026-01-01T00:00:00Z",
    "report": "daily",
}
_KAFKA_PIPE: Final = EVERY["pipe: kafka"]
_ACTIVEMQ_PIPE: Final = EVERY["pipe: activemq"]
_RABBITMQ_PIPE: Final = EVERY["pipe: rabbitmq"]

SAMPLES: Final[Mapping[str, Sample]] = {
    "Rule": Sample(RULE, "this key", "e-1", {}, {"id": "e-2"}),
    "Rule on a schedule": Sample(
        *(_SCHEDULED, "this key", [_SCHEDULED["resources"][0], "2026-01-01T00:00:00Z"]),
        again={"id": "e-2"},
        other={"time": "2026-01-02T00:00:00Z"},
    ),
    "Archive replay": Sample(
        {**RULE, "replay-name": "again"}, "this key", "e-1", {"replay-name": "2"}, {"id": "e-2"}
    ),
    "Rule with an input of its own": Sample({"id": "e-1", "n": 7}, "payload", "e-1", {}, {"n": 8}),
    "EventBridge Scheduler": Sample(
        *(_SCHEDULER_INPUT, "payload"),
        ids=[_SCHEDULER_INPUT["scheduleArn"], "2026-01-01T00:00:00Z"],
        other={"scheduledTime": "2026-01-02T00:00:00Z"},
    ),
    "Pipe: SQS": Sample(
        pipe(sqs("m-1")), "each record", ["m-1"], {"0/receiptHandle": "b"}, {"0/messageId": "m-2"}
    ),
    "Pipe: Kinesis": Sample(
        *(pipe(piped(kinesis("1"))), "each record", ["shardId-000000000000:1"]),
        other={"0/eventID": "shardId-000000000000:2"},
    ),
    "Pipe: DynamoDB Streams": Sample(
        pipe(dynamodb("1")), "each record", ["event-1"], {}, {"0/eventID": "event-2"}
    ),
    "Pipe: Kafka": Sample(
        *(_KAFKA_PIPE.event(_KAFKA_PIPE.make("1")), "each record", [["orders", "0", 1]]),
        other={"0/offset": 2},
    ),
    "Pipe: ActiveMQ": Sample(
        *(_ACTIVEMQ_PIPE.event(_ACTIVEMQ_PIPE.make("1")), "each record", ["1"]),
        again={"0/redelivered": True},
        other={"0/messageID": "2"},
    ),
    "Pipe: RabbitMQ": Sample(
        _RABBITMQ_PIPE.event(_RABBITMQ_PIPE.make("1")), "refused", ["1"], {"0/redelivered": True}
    ),
    "Pipe with an enrichment": Sample([{"order": 7}], "payload", [7], {}, {"0/order": 8}),
}
