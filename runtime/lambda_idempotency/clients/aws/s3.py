"""The objects in one S3 bucket. https://docs.aws.amazon.com/AmazonS3/latest/API/"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, Final

from ..net import deadline
from .client import Client, Request, metadata
from .connections import Response
from .endpoints import bucket_endpoint

BUDGET_S: Final = 10.0
"""Seconds for an operation with all its retries; less if the invocation has less left."""

ATTEMPT: Final = 5.0
"""Seconds for one try: an object can have many megabytes."""


class S3(Client):
    """Writes and reads the objects of a bucket in the function's region."""

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
        """Write an object; S3 compares it with the signed checksum of its body.

        `key` has only characters that need no encoding. The write leaves `reserve` seconds of the
        invocation for what follows, but at most half of what there is. Raises `ServiceError`.
        """
        headers = {**self._headers, "content-type": "application/octet-stream"}
        request = Request("PutObject", "PUT", self._path + key, headers, body)
        latest = deadline.monotonic(BUDGET_S + reserve)
        ends = latest - min(reserve, (latest - time.monotonic()) / 2)
        self.send(request, ends=ends, attempt=ATTEMPT)

    def get_object(self, key: str) -> bytes:
        """Return an object's bytes. Raises `ServiceError`: where there is no object, NoSuchKey, or
        AccessDenied for a caller that may not list the bucket."""
        request = Request("GetObject", "GET", self._path + key, self._headers)
        answer = self.send(request, ends=deadline.monotonic(BUDGET_S), attempt=ATTEMPT)
        body: bytes = answer["Body"]
        return body

    def parsed(self, response: Response) -> dict[str, Any] | None:
        """Return the response's body as the object."""
        return {"Body": response.body, "ResponseMetadata": metadata(response)}

    def code(self, response: Response, found: dict[str, Any]) -> str:
        """Return the code of an error, which is XML."""
        del found["Body"]
        _, _, rest = response.body.partition(b"<Code>")
        code, end, _ = rest.partition(b"</Code>")
        return code.decode("ascii", "replace") if end and len(code) < 100 else ""
