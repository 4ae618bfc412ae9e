"""Events of queues and topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..batches import ACCOUNT, batch, fifo, sqs
from .sample import Sample

_NOTICE: Final = {"Type": "Notification", "MessageId": "n-1", "Message": '{"order_id": 7}'}
_RECEIVED: Final = {
    "Records/0/receiptHandle": "another",
    "Records/0/attributes/ApproximateReceiveCount": "2",
}
_SENT: Final = {"Records/0/messageId": "m-2"}
_TOPIC: Final = f"arn:aws:sns:{ACCOUNT}:orders"
_SNS: Final = {
    "Records": [
        {
            "EventVersion": "1.0",
            "EventSubscriptionArn": f"{_TOPIC}:1",
            "EventSource": "aws:sns",
            "Sns": {"MessageId": "n-1", "TopicArn": _TOPIC, "Message": "m", "Timestamp": "t"},
        }
    ]
}

SAMPLES: Final[Mapping[str, Sample]] = {
    "SQS": Sample(batch(sqs("m-1")), "each record", ["m-1"], _RECEIVED, _SENT),
    "SQS FIFO": Sample(batch(fifo("m-1")), "each record", ["m-1"], _RECEIVED, _SENT),
    "SQS fair queue": Sample(
        batch(sqs("m-1", group="tenant")), "each record", ["m-1"], _RECEIVED, _SENT
    ),
    "SQS dead-letter queue": Sample(
        batch(sqs("m-1", {"order_id": 7})), "each record", [7], _RECEIVED, _SENT
    ),
    "SNS": Sample(_SNS, "this key", ["n-1"], {}, {"Records/0/Sns/MessageId": "n-2"}),
    "SNS in SQS": Sample(batch(sqs("m-1", _NOTICE)), "each record", ["n-1"], _RECEIVED, _SENT),
    "SNS in SQS, raw": Sample(batch(sqs("m-1")), "each record", ["m-1"], _RECEIVED, _SENT),
}
