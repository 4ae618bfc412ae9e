"""Events of storage, logs and alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..batches import ACCOUNT
from .eventbridge import RULE
from .sample import Sample

_S3_EVENT: Final = {
    **RULE,
    "detail-type": "Object Created",
    "source": "aws.s3",
    "detail": {
        "bucket": {"name": "files"},
        "object": {"key": "a.csv", "etag": "t", "version-id": "v1", "sequencer": "0062E9"},
        "request-id": "r",
    },
}
_S3: Final = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "awsRegion": "us-east-1",
            "eventTime": "2026-01-01T00:00:00.000Z",
            "responseElements": {"x-amz-request-id": "r", "x-amz-id-2": "i"},
            "s3": {
                "bucket": {"name": "files"},
                "object": {"key": "a.csv", "size": 1, "eTag": "t", "sequencer": "0062E9"},
            },
        }
    ]
}
_S3_BATCH: Final = {
    "invocationSchemaVersion": "2.0",
    "invocationId": "i",
    "job": {"id": "j"},
    "tasks": [{"taskId": "t", "s3Key": "a.csv", "s3VersionId": "1", "s3Bucket": "files"}],
}
_S3_OBJECT: Final = {
    "xAmzRequestId": "r",
    "userRequest": {"url": "https://x"},
    "protocolVersion": "1.00",
    "getObjectContext": {"inputS3Url": "https://x", "outputRoute": "r", "outputToken": "t"},
}
_FIREHOSE: Final = {
    "invocationId": "i",
    "deliveryStreamArn": f"arn:aws:firehose:{ACCOUNT}:x",
    "records": [{"recordId": "49", "approximateArrivalTimestamp": 1, "data": "e30="}],
}
_ALARM: Final = {
    "source": "aws.cloudwatch",
    "alarmArn": f"arn:aws:cloudwatch:{ACCOUNT}:alarm:a",
    "accountId": "1",
    "time": "t1",
    "region": "us-east-1",
    "alarmData": {"alarmName": "a", "state": {"value": "ALARM", "timestamp": "t0"}},
}

SAMPLES: Final[Mapping[str, Sample]] = {
    "S3": Sample(
        *(_S3, "this key"),
        ids=[["ObjectCreated:Put", "files", "a.csv", "none", "0062E9"]],
        again={"Records/0/eventTime": "2026-01-01T00:00:01.000Z"},
        other={"Records/0/s3/object/sequencer": "0062EA"},
    ),
    "S3 through EventBridge": Sample(
        *(_S3_EVENT, "this key", ["Object Created", "files", "a.csv", "v1", "0062E9"]),
        again={"id": "e-2"},
        other={"detail/object/sequencer": "0062EA"},
    ),
    "S3 Batch Operations": Sample(_S3_BATCH, "afresh", ["j", "files", "a.csv", "1"]),
    "S3 Object Lambda": Sample(_S3_OBJECT, "afresh"),
    "Firehose transform": Sample(_FIREHOSE, "afresh", ["49"]),
    "CloudWatch Logs": Sample({"awslogs": {"data": "H4sIAAAA"}}, "refused"),
    "CloudWatch alarm": Sample(
        *(_ALARM, "this key", [_ALARM["alarmArn"], "ALARM", "t0"]),
        again={"time": "t2"},
        other={"alarmData/state/timestamp": "t1"},
    ),
}
