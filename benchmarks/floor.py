"""The floor: what a first call costs by hand. Standard library only, nothing but the happy path.

One kept-alive socket and one hand-signed request after another; no retries, no deadline, no check
of the response. Slower than this is what a library adds.
"""

from __future__ import annotations

import hmac
import json
import os
import socket
import ssl
import time
from hashlib import sha256
from typing import Any


class Floor:
    """A client for one socket and one service."""

    def __init__(self, service: str = "dynamodb") -> None:
        self._service = service
        scheme, _, rest = os.environ["AWS_ENDPOINT_URL"].partition("://")
        self._host = rest
        host, _, port = rest.partition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "https":
            context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        self._key = os.environ["AWS_ACCESS_KEY_ID"]
        self._token = os.environ["AWS_SESSION_TOKEN"]
        self._region = os.environ["AWS_REGION"]
        self._derived = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
        self._day = time.strftime("%Y%m%d", time.gmtime())
        for part in (self._day, self._region, service, "aws4_request"):
            self._derived = hmac.digest(self._derived, part.encode(), "sha256")

    def call(self, target: str, parameters: Any) -> Any:
        """The parsed response, an error's too; `target` is an operation's full name."""
        body = json.dumps(parameters).encode()
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        names = "host;x-amz-date;x-amz-security-token;x-amz-target"
        request = (
            f"POST\n/\n\nhost:{self._host}\nx-amz-date:{moment}\nx-amz-security-token:{self._token}"
            f"\nx-amz-target:{target}\n\n{names}\n{sha256(body).hexdigest()}"
        )
        scope = f"{self._day}/{self._region}/{self._service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._derived, text.encode(), "sha256").hex()
        head = (
            f"POST / HTTP/1.1\r\nhost: {self._host}\r\nx-amz-date: {moment}\r\n"
            f"x-amz-security-token: {self._token}\r\nx-amz-target: {target}\r\n"
            f"content-type: application/x-amz-json-1.0\r\ncontent-length: {len(body)}\r\n"
            f"authorization: AWS4-HMAC-SHA256 Credential={self._key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + body)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._socket.recv(65536)
        start = received.lower().find(b"content-length:") + 15
        size = end + 4 + int(received[start : received.find(b"\r", start)])
        while len(received) < size:
            received += self._socket.recv(65536)
        return json.loads(received[end + 4 : size])
