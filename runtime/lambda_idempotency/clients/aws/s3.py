"""The objects in one S3 bucket. https://docs.aws.amazon.com/AmazonS3/latest/API/"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..net.deadline import current
from ..net.http1 import Response
from ..net.secret import Environment
from ..net.waiting import Waits, run
from .client import Client, Request, metadata
from .endpoints import bucket_endpoint

BUDGET_S: Final = 10.0
"""Seconds for an operation with all its retries; less if the invocation has less left."""

TRY_S: Final = 5.0
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
        environment = Environment.of(environment)
        endpoint = bucket_endpoint(bucket, url_suffix, environment)
        super().__init__("S3", endpoint, signed_for="s3", environment=environment, **options)
        self._path = endpoint.path
        self._headers = {"host": endpoint.authority}

    def put_object(self, key: str, body: bytes, *, leave: float = 0.0) -> None:
        """Write an object; S3 compares it with the signed checksum of its body.

        `key` has only characters that need no encoding. Of the call's seconds it leaves
        `leave` for what follows, but at most half of them. Raises `ServiceError`.
        """
        run(self.put(key, body, self._blocking, leave=leave))

    async def put(self, key: str, body: bytes, waits: Waits, *, leave: float = 0.0) -> None:
        """Do as `put_object`, waiting as `waits` does."""
        headers = {**self._headers, "content-type": "application/octet-stream"}
        request = Request("PutObject", self.template("PUT", self._path + key, headers), body)
        latest = current(BUDGET_S + leave)
        left = latest.left()
        await self.send(request, waits, latest.within(max(left - leave, left / 2)), try_s=TRY_S)

    def get_object(self, key: str) -> bytes:
        """Return an object's bytes. Raises `ServiceError`: where there is no object, NoSuchKey, or
        AccessDenied for a caller that may not list the bucket."""
        return run(self.get(key, self._blocking))

    async def get(self, key: str, waits: Waits) -> bytes:
        """Do as `get_object`, waiting as `waits` does."""
        request = Request("GetObject", self.template("GET", self._path + key, self._headers))
        answer = await self.send(request, waits, current(BUDGET_S), try_s=TRY_S)
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
