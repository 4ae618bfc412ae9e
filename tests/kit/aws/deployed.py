"""A deployed app, as the end-to-end tests see it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from kit.aws.local import LocalAws
from kit.aws.web import Site, function_url, http_api, rest_api


@dataclass(frozen=True)
class Result:
    """The result of one invocation: a payload, or an error's message."""

    payload: Any = None
    error: str | None = None


class Deployed:
    """A deployed app: its functions by construct id, and its tables."""

    def __init__(self, aws: LocalAws, outputs: dict[str, str]) -> None:
        self._lambda = aws.client("lambda")
        self._dynamodb = aws.client("dynamodb")
        self._iam = aws.client("iam")
        self._s3 = aws.client("s3")
        self._sqs = aws.client("sqs")
        self._kms = aws.client("kms")
        self._outputs = outputs
        self._port = aws.port
        self.client = aws.client

    def site(self, source: str) -> Site:
        """Return the HTTP API (`http`), the REST API (`rest`), or the function URL (`url`)."""
        if source == "http":
            return http_api(self._port, self._outputs["ApiId"])
        if source == "rest":
            return rest_api(self._port, self._outputs["RestApiId"])
        return function_url(self._port, self._outputs["IetfUrl"])

    def invoke(self, function: str, event: Any) -> Result:
        """Invoke a function once."""
        response = self._lambda.invoke(
            FunctionName=self._outputs[f"{function}Name"], Payload=json.dumps(event).encode()
        )
        payload = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            return Result(error=str(payload.get("errorMessage")))
        return Result(payload)

    def log(self, function: str, event: Any) -> str:
        """Invoke a function once, and return what it writes to its log."""
        response = self._lambda.invoke(
            FunctionName=self._outputs[f"{function}Name"],
            Payload=json.dumps(event).encode(),
            LogType="Tail",
        )
        return base64.b64decode(response.get("LogResult", "")).decode()

    def at_once(self, function: str, events: list[Any]) -> list[Result]:
        """Invoke a function with every event at the same time."""
        with ThreadPoolExecutor(max_workers=len(events)) as pool:
            return list(pool.map(lambda event: self.invoke(function, event), events))

    def until(
        self, function: str, event: Any, satisfied: Callable[[Result], bool], seconds: float = 60
    ) -> Result:
        """Invoke again until the result satisfies, as a client with retries does."""
        deadline = time.monotonic() + seconds
        while not satisfied(result := self.invoke(function, event)):
            assert time.monotonic() < deadline, f"still {result} after {seconds} s"
            time.sleep(0.1)
        return result

    def answer(self, function: str, event: Any) -> Any:
        """Return the payload that a client with retries ends up with."""
        return self.until(function, event, lambda result: result.error is None).payload

    def effects(self, of: str) -> int:
        """Return how often the handler ran to its effect for an id."""
        return len(self.downstream_keys(of))

    def downstream_keys(self, of: str) -> list[str]:
        """Return the downstream key that each of those runs had."""
        rows = self._dynamodb.scan(TableName=self._outputs["EffectsName"])["Items"]
        return [row["downstream"]["S"] for row in rows if row["of"]["S"] == of]

    def runs(self, of: str) -> list[tuple[int, int]]:
        """Return when, in nanoseconds, and in which attempt a record's handler ran to its
        effect.
        """
        rows = self._dynamodb.scan(TableName=self._outputs["EffectsName"])["Items"]
        found = [row["at"]["S"].split() for row in rows if row["of"]["S"] == of]
        return [(int(at), int(attempt)) for at, attempt in found]

    def say(self, word: str) -> None:
        """Leave a word for a handler that waits for it."""
        row = {"id": {"S": f"word {word}"}, "of": {"S": "word"}, "downstream": {"S": ""}}
        self._dynamodb.put_item(TableName=self._outputs["EffectsName"], Item=row)

    def send(self, bodies: list[Any], *, groups: str | None = None) -> list[str]:
        """Send messages to the queue of `Records`, or with `groups`, a letter for each message, to
        that of `Ordered`; return their ids.
        """
        entries: list[dict[str, str]] = [
            {"Id": str(number), "MessageBody": json.dumps(body)}
            for number, body in enumerate(bodies)
        ]
        for entry, group in zip(entries, groups or "", strict=groups is not None):
            entry["MessageGroupId"] = group
            entry["MessageDeduplicationId"] = uuid4().hex
        sent = self._sqs.send_message_batch(QueueUrl=self._queue(groups), Entries=entries)
        ids = {entry["Id"]: entry["MessageId"] for entry in sent["Successful"]}
        return [ids[entry["Id"]] for entry in entries]

    def queued(self, *, groups: str | None = None) -> int:
        """Return the number of messages in that queue, or on their way out of it."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._queue(groups), AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def last_batch(self, function: str) -> str:
        """Return the result of the last batch that a function has processed."""
        found = self._lambda.list_event_source_mappings(
            FunctionName=self._outputs[f"{function}Name"]
        )
        [mapping] = found["EventSourceMappings"]
        return str(mapping.get("LastProcessingResult"))

    def _queue(self, groups: str | None) -> str:
        return self._outputs["RecordsUrl" if groups is None else "OrderedUrl"]

    def configuration(self, function: str) -> dict[str, Any]:
        """Return the deployed configuration of a function."""
        found: dict[str, Any] = self._lambda.get_function_configuration(
            FunctionName=self._outputs[f"{function}Name"]
        )
        return found

    def records(self, function: str) -> list[dict[str, Any]]:
        """Return the records of a function, as DynamoDB items."""
        variables = self.configuration(function)["Environment"]["Variables"]
        namespace = variables["IDEMPOTENCY_NAMESPACE"]
        table = variables["IDEMPOTENCY_TABLE"]
        items: list[dict[str, Any]] = self._dynamodb.scan(TableName=table)["Items"]
        return [item for item in items if item["id"]["S"].startswith(f"{namespace}#")]

    def end_lease(self, function: str) -> None:
        """End the lease of a function's only record that is INPROGRESS, as time would."""
        table = self.configuration(function)["Environment"]["Variables"]["IDEMPOTENCY_TABLE"]
        [item] = [i for i in self.records(function) if i["status"]["S"] == "INPROGRESS"]
        self._dynamodb.update_item(
            TableName=table,
            Key={"id": item["id"]},
            UpdateExpression="SET in_progress_expiration = :past",
            ExpressionAttributeValues={":past": {"N": "1"}},
        )

    def reserved(self, order: str) -> int:
        """Return how often the stock of an order was reserved."""
        found = self._dynamodb.get_item(
            TableName=self._outputs["EffectsName"], Key={"id": {"S": f"stock {order}"}}
        )
        return int(found.get("Item", {}).get("taken", {"N": "0"})["N"])

    def objects(self, bucket: str) -> list[str]:
        """Return the names of the objects in a bucket, given the name of its output."""
        found = self._s3.list_objects_v2(Bucket=self._outputs[bucket])
        return [entry["Key"] for entry in found.get("Contents", ())]

    def object_of(self, bucket: str, record: str) -> str:
        """Return the name of the object in a bucket that holds the response of a record."""
        found = self._s3.list_objects_v2(Bucket=bucket, Prefix=f"{record.replace('#', '/')}/")
        [entry] = found["Contents"]
        return str(entry["Key"])

    def record(self, key: str, function: str = "Private") -> dict[str, Any]:
        """Return a record, as a DynamoDB item."""
        [found] = [item for item in self.records(function) if item["id"]["S"] == key]
        return found

    def everything(self, function: str, bucket: str) -> bytes:
        """Return all that a function's table, and a bucket, hold."""
        name = self._outputs[bucket]
        objects = [
            self._s3.get_object(Bucket=name, Key=key)["Body"].read() for key in self.objects(bucket)
        ]
        return b"".join((repr(self.records(function)).encode(), *objects))

    def restart(self, function: str) -> None:
        """Give a function new environments, which know nothing of what the old ones did."""
        variables = self.configuration(function)["Environment"]["Variables"]
        self._lambda.update_function_configuration(
            FunctionName=self._outputs[f"{function}Name"],
            Environment={"Variables": {**variables, "RESTARTED": uuid4().hex}},
        )

    def enable_key(self, key: str, *, enabled: bool) -> None:
        """Enable or disable a KMS key, given the name of its output."""
        change = self._kms.enable_key if enabled else self._kms.disable_key
        change(KeyId=self._outputs[key])

    def policy(self, function: str) -> tuple[str, str, dict[str, Any]]:
        """Return the role of a function, and its one inline policy by name and content."""
        role = self.configuration(function)["Role"].rsplit("/", 1)[-1]
        [name] = self._iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = self._iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        return role, name, document

    def put_policy(self, role: str, name: str, document: dict[str, Any]) -> None:
        """Replace a role's inline policy."""
        self._iam.put_role_policy(
            RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document)
        )
