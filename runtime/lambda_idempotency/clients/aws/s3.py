"""Objects in one S3 bucket. https://docs.aws.amazon.com/AmazonS3/latest/API/"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, Final

from ..net import deadline
from .client import Client, Request, metadata
from .connections import Response
from .endpoints import bucket_endpoint

BUDGET: Final = 10.0
"""Seconds for an operation with all its retries; less where the invocation has less left."""

ATTEMPT: Final = 5.0
"""Seconds for one try: objects can have many megabytes."""


class S3(Client):
    """Writes and reads the objects of a bucket, in the function's region."""

    def __init__(
        self,
        bucket: str,
        *,
        url_suffix: str = "amazonaws.com",
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        environment = os.environ if environment is None else environment
        endpoint = bucket_endpoint(bucket, url_suffix, environment)
        super().__init__("S3", endpoint, signed_for="s3", environment=environment, **options)
        self._path = endpoint.path
        self._headers = {"host": endpoint.authority}

    def put_object(self, key: str, body: bytes, *, reserve: float = 0.0) -> None:
        """Writes an object; S3 compares it with the signed checksum of its body. `reserve` are the
        seconds of the invocation that are left for what follows, or half of those there are.
        Raises `ServiceError`.

        `key` consists of characters that need no encoding.
        """
        headers = {**self._headers, "content-type": "application/octet-stream"}
        request = Request("PutObject", "PUT", self._path + key, headers, body)
        latest = deadline.monotonic(BUDGET + reserve)
        ends = latest - min(reserve, (latest - time.monotonic()) / 2)
        self.send(request, ends=ends, attempt=ATTEMPT)

    def get_object(self, key: str) -> bytes:
        """Reads an object. Raises `ServiceError`: NoSuchKey where there is none, or AccessDenied
        for those who may not list the bucket."""
        request = Request("GetObject", "GET", self._path + key, self._headers)
        answer = self.send(request, ends=deadline.monotonic(BUDGET), attempt=ATTEMPT)
        body: bytes = answer["Body"]
        return body

    def parsed(self, response: Response) -> dict[str, Any] | None:
        """See `Client.parsed`: the object itself."""
        return {"Body": response.body, "ResponseMetadata": metadata(response)}

    def code(self, response: Response, found: dict[str, Any]) -> str:
        """See `Client.code`: errors are XML."""
        del found["Body"]
        _, _, rest = response.body.partition(b"<Code>")
        code, end, _ = rest.partition(b"</Code>")
        return code.decode("ascii", "replace") if end and len(code) < 100 else ""
