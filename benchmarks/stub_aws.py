"""A stand-in for AWS on loopback that answers at once, so that a benchmark measures its clients.

It has DynamoDB, and the parameters and secrets of `Stub.Keep` requests: one process, a dictionary
of each, a thread for each connection. `Stub.Counts` returns the requests and bytes at the socket.
Started as `python -m benchmarks.stub_aws PORT [CERTIFICATE KEY]`.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from email.utils import formatdate
from itertools import count
from typing import Any, Final
from zlib import crc32

from kit.aws.conditions import Facts, Item, compiled

_REFUSED: Final = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"


@dataclass
class Counts:
    """Requests and bytes at the socket."""

    requests: int = 0
    received: int = 0
    sent: int = 0


class RefusedError(Exception):
    """A condition does not hold; the argument is the item that was found."""


class Table:
    """Items by their `id`, and the operations on them."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self.operations: dict[str, Callable[[Any], dict[str, Any]]] = {
            "PutItem": self._put,
            "GetItem": self._get,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
        }

    def _put(self, request: Any) -> dict[str, Any]:
        key = request["Item"]["id"]["S"]
        self._check(request, key)
        self._items[key] = request["Item"]
        return {}

    def _get(self, request: Any) -> dict[str, Any]:
        found = self._items.get(request["Key"]["id"]["S"])
        return {} if found is None else {"Item": found}

    def _update(self, request: Any) -> dict[str, Any]:
        key = request["Key"]["id"]["S"]
        self._check(request, key)
        item = self._items.setdefault(key, dict(request["Key"]))
        for part in request["UpdateExpression"].removeprefix("SET ").split(", "):
            name, value = part.split(" = ")
            item[request["ExpressionAttributeNames"][name]] = request["ExpressionAttributeValues"][
                value
            ]
        return {}

    def _delete(self, request: Any) -> dict[str, Any]:
        key = request["Key"]["id"]["S"]
        self._check(request, key)
        self._items.pop(key, None)
        return {}

    def _check(self, request: Any, key: str) -> None:
        expression = request.get("ConditionExpression")
        if expression is None:
            return
        found = self._items.get(key, {})
        facts = Facts(
            found,
            request.get("ExpressionAttributeNames", {}),
            request.get("ExpressionAttributeValues", {}),
        )
        if not compiled(expression)(facts):
            raise RefusedError(found)


class Texts:
    """Parameters of SSM and secrets of Secrets Manager, by their names."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self.operations: dict[str, Callable[[Any], dict[str, Any]]] = {
            "Keep": self._keep,
            "GetParameter": self._get_parameter,
            "GetSecretValue": self._get_secret_value,
        }

    def _keep(self, request: Any) -> dict[str, Any]:
        self._texts[request["Name"]] = request["Text"]
        return {}

    def _get_parameter(self, request: Any) -> dict[str, Any]:
        name = request["Name"]
        return {
            "Parameter": {
                "ARN": f"arn:aws:ssm:us-east-1:000000000000:parameter{name}",
                "DataType": "text",
                "LastModifiedDate": 1.7e9,
                "Name": name,
                "Type": "String",
                "Value": self._texts[name],
                "Version": 1,
            }
        }

    def _get_secret_value(self, request: Any) -> dict[str, Any]:
        name = request["SecretId"]
        return {
            "ARN": f"arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-AbCdEf",
            "CreatedDate": 1.7e9,
            "Name": name,
            "SecretString": self._texts[name],
            "VersionId": "EXAMPLE1-90ab-cdef-fedc-ba987SECRET1",
            "VersionStages": ["AWSCURRENT"],
        }


class StubServer:
    """A server of HTTP until the process ends."""

    def __init__(self) -> None:
        self._operations = {**Table().operations, **Texts().operations}
        self._counts = Counts()
        self._lock = threading.Lock()
        self._ids = count()
        self._date = (0, "")

    def serve(self, port: int, *files: str) -> None:
        """Accept connections without end; over TLS with the files of a certificate and its key."""
        context = None
        if files:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*files)
        with socket.create_server(("127.0.0.1", port), backlog=256) as server:
            while True:
                plain, _ = server.accept()
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._converse, args=(plain, context), daemon=True).start()

    def _converse(self, plain: socket.socket, context: ssl.SSLContext | None) -> None:
        with suppress(OSError):  # the client has gone
            connection = plain
            if context is not None:
                connection = context.wrap_socket(plain, server_side=True)
            buffer = b""
            while True:
                while (end := buffer.find(b"\r\n\r\n")) < 0:
                    if not (more := connection.recv(65536)):
                        return
                    buffer += more
                headers = _headers(buffer[:end])
                size = end + 4 + int(headers.get("content-length", "0"))
                while len(buffer) < size:
                    buffer += connection.recv(65536)
                answer = self._answer(headers["x-amz-target"], buffer[end + 4 : size], size)
                connection.sendall(answer)
                buffer = buffer[size:]

    def _answer(self, target: str, body: bytes, size: int) -> bytes:
        if target == "Stub.Counts":
            return self._response("200 OK", asdict(self._counts))
        operation = self._operations[target.rpartition(".")[2]]
        request = json.loads(body)
        with self._lock:
            try:
                answer = self._response("200 OK", operation(request))
            except RefusedError as refused:
                found = {"Item": refused.args[0]} if refused.args[0] else {}
                message = "The conditional request failed"
                about = {"__type": _REFUSED, "message": message, **found}
                answer = self._response("400 Bad Request", about)
            self._counts.requests += 1
            self._counts.received += size
            self._counts.sent += len(answer)
        return answer

    def _response(self, status: str, content: dict[str, Any]) -> bytes:
        """Return a response with the headers that DynamoDB sends."""
        body = json.dumps(content, separators=(",", ":")).encode()
        now = int(time.time())
        if self._date[0] != now:
            self._date = (now, formatdate(now, usegmt=True))
        head = (
            f"HTTP/1.1 {status}\r\nServer: Server\r\nDate: {self._date[1]}\r\n"
            f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n"
            f"Connection: keep-alive\r\nx-amzn-RequestId: {next(self._ids):052d}\r\n"
            f"x-amz-crc32: {crc32(body)}\r\n\r\n"
        )
        return head.encode() + body


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in pairs}


if __name__ == "__main__":
    StubServer().serve(int(sys.argv[1]), *sys.argv[2:])
