"""Responses that are too large for their records: objects in an S3 bucket, one for each attempt.

An object is named `namespace/digest/owner`. It is written before the completion, so a record never
names a missing object. An attempt that dies in between, or is overtaken, leaves its object to the
bucket's lifecycle rule, which deletes it. The record holds the SHA-256 of the object.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

from ..errors import StoreError
from ..metrics.reporting import WARNING, log
from ..protocol.record import NO_BODY, Record
from ..protocol.steps import Returned
from .compression import IN_S3, MAX_TEXT, inner, wrapped

COMPLETION_S: Final = 2.0
"""Seconds of the invocation that an upload leaves for the completion."""

_OWNER: Final = re.compile(r"[0-9a-f]{32}")
"""The form of an owner, the name that an attempt gives itself."""

_GONE: Final = ("NoSuchKey", "AccessDenied", "NoSuchBucket")
"""S3's errors for a missing object; AccessDenied is for a caller that may not list the bucket
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html)"""


class Objects:
    """The objects of one bucket, for responses of more than `above` bytes.

    `client` is an `S3`, by default one that is made at the first use.
    """

    def __init__(
        self,
        bucket: str,
        *,
        above: int,
        url_suffix: str = "amazonaws.com",
        client: Any = None,
    ) -> None:
        self._bucket = bucket
        self._above = above
        self._url_suffix = url_suffix
        self._client = client

    def offload(self, ran: Returned, *, key: str, owner: str, max_data: int | None) -> Returned:
        """Return the result, its data in an object if they are large.

        Never raises: the effect has happened. If S3 cannot be reached, the data stay in the record
        if they fit; otherwise the response is recorded without a body.
        """
        if ran.data is None:
            return ran
        above = self._above if max_data is None else min(self._above, max_data)
        if len(ran.data) * 4 <= above:  # one character takes at most four bytes
            return ran
        data = ran.data.encode() if isinstance(ran.data, str) else ran.data
        if len(data) <= above:
            return ran
        try:
            if len(data) > MAX_TEXT:
                raise ValueError("too large")
            self._s3().put_object(object_name(key, owner), data, leave=COMPLETION_S)
        except Exception as error:  # noqa: BLE001 - the effect has happened
            whole = max_data is None or len(data) <= max_data
            _warn(key, "could not be written to", error)
            return ran if whole else ran._replace(data=None, encoding=NO_BODY)
        return ran._replace(data=sha256(data).hexdigest(), encoding=wrapped(IN_S3, ran.encoding))

    def fetch(self, record: Record, *, what: str) -> Record:
        """Return the record with the data of its object, or unchanged if the object is missing or
        damaged. Raises `StoreError` if S3 cannot be reached: `what` is done, and a retry will be
        answered."""
        if _OWNER.fullmatch(record.owner) is None:
            return record  # no attempt's name, so it must not lead to another object
        try:
            data = self._s3().get_object(object_name(record.key, record.owner))
        except Exception as error:
            if _code(error) not in _GONE:
                raise StoreError(
                    f"{what} is done, but its response could not be read from S3: {_code(error)}. "
                    "A retry will be answered.",
                    code=_code(error),
                ) from error
            _warn(record.key, "could not be read from", error)
            return record
        if sha256(data).hexdigest() != record.data:
            return record
        return record._replace(data=data, encoding=inner(record.encoding))

    def _s3(self) -> Any:
        if self._client is None:
            from ..clients.aws.s3 import S3

            made = S3(self._bucket, url_suffix=self._url_suffix)  # no lock: see `DynamoDBStore`
            self._client = self._client or made
        return self._client


def object_name(key: str, owner: str) -> str:
    """Return the name of the object with the response of one attempt."""
    namespace, _, digest = key.rpartition("#")
    return f"{namespace}/{digest}/{owner}"


def _code(error: Exception) -> str:
    response = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def _warn(key: str, what: str, error: Exception) -> None:
    log(WARNING, "%s: its response %s the bucket of large_responses: %s", key, what, _code(error))
