"""The AWS operations that the runtime uses, named and shaped like those of boto3's clients."""

from __future__ import annotations

import json
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Container, Mapping
from typing import Any, Final

from ...tuples import NamedTuple
from ..net.deadline import Deadline, current
from ..net.http1 import Response
from ..net.secret import Environment, Secret
from ..net.waiting import Waits, run
from .client import Client, Request, ServiceError, metadata
from .credentials import Credentials
from .endpoints import endpoint_of, region_of
from .signer import Signer

BUDGET_S: Final = 5.0
"""Seconds for an operation with all its retries; less if the invocation has less left."""

TRY_S: Final = 2.0
"""Seconds for one try: a request that takes longer counts as lost."""


class Service(NamedTuple):
    """The names by which a JSON service is called."""

    name: str
    endpoint: str
    variable: str
    target: str
    content_type: str


_DYNAMODB: Final = Service(
    name="DynamoDB",
    endpoint="dynamodb",
    variable="DYNAMODB",
    target="DynamoDB_20120810",
    content_type="application/x-amz-json-1.0",
)
_SSM: Final = Service(
    name="SSM",
    endpoint="ssm",
    variable="SSM",
    target="AmazonSSM",
    content_type="application/x-amz-json-1.1",
)
_SECRETS_MANAGER: Final = Service(
    name="SecretsManager",
    endpoint="secretsmanager",
    variable="SECRETS_MANAGER",
    target="secretsmanager",
    content_type="application/x-amz-json-1.1",
)

ELASTICACHE_TOKEN_SECONDS: Final = 900


class JsonClient(Client):
    """Calls the operations of one JSON service."""

    def __init__(
        self,
        service: Service,
        *,
        url_suffix: str = "amazonaws.com",
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        environment = Environment.of(environment)
        endpoint = endpoint_of(service.endpoint, service.variable, url_suffix, environment)
        super().__init__(
            service.name, endpoint, signed_for=service.endpoint, environment=environment, **options
        )
        self._target = service.target
        self._path = endpoint.path
        self._headers = {"host": endpoint.authority, "content-type": service.content_type}

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation; return its parsed response, with botocore's `ResponseMetadata`.

        Raises `ServiceError`.
        """
        return run(self.request(operation, parameters, self._blocking))

    async def request(
        self,
        operation: str,
        parameters: Mapping[str, Any],
        waits: Waits,
        deadline: Deadline | None = None,
        answers: Container[str] = (),
    ) -> dict[str, Any]:
        """Do as `call`, waiting as `waits` does, and no longer than until the deadline. `answers`
        are the codes of errors that are returned, as in `send`."""
        headers = {**self._headers, "x-amz-target": f"{self._target}.{operation}"}
        body = _ENCODE(parameters).encode()
        request = Request(operation, "POST", self._path, headers, body)
        ends = current(BUDGET_S) if deadline is None else deadline
        return await self.send(request, waits, ends, try_s=TRY_S, answers=answers)

    def parsed(self, response: Response) -> dict[str, Any] | None:
        """Parse a response whose body is a JSON object, or empty."""
        try:
            found = _DECODE((response.body or b"{}").decode())
        except (ValueError, RecursionError):
            return None
        if not isinstance(found, dict):
            return None
        found["ResponseMetadata"] = metadata(response)
        return found

    def code(self, response: Response, found: dict[str, Any]) -> str:
        """Return the code of an error, from the body or else the header."""
        kind = str(found.get("__type") or response.headers.get("x-amzn-errortype") or "")
        return kind.split(":", maxsplit=1)[0].rpartition("#")[2]


_OPERATIONS: Final = {
    "get_item": "GetItem",
    "put_item": "PutItem",
    "delete_item": "DeleteItem",
    "transact_write_items": "TransactWriteItems",
}


class DynamoDB(JsonClient):
    """DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_DYNAMODB, **options)

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Read an item."""
        return run(self.ask("get_item", request, self._blocking))

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Write an item."""
        return run(self.ask("put_item", request, self._blocking))

    def delete_item(self, **request: Any) -> dict[str, Any]:
        """Delete an item."""
        return run(self.ask("delete_item", request, self._blocking))

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        """Write all of several items, or none."""
        return run(self.ask("transact_write_items", request, self._blocking))

    async def ask(
        self,
        method: str,
        request: Mapping[str, Any],
        waits: Waits,
        answers: Container[str] = (),
    ) -> dict[str, Any]:
        """Do as the method of that name, waiting as `waits` does; return the errors `answers`."""
        try:
            response = await self.request(_OPERATIONS[method], request, waits, answers=answers)
        except ServiceError as error:
            _decode(error.response.get("Item"))
            for reason in error.response.get("CancellationReasons", ()):
                _decode(reason.get("Item"))
            raise
        _decode(response.get("Item"))
        return response


class SSM(JsonClient):
    """Systems Manager: https://docs.aws.amazon.com/systems-manager/latest/APIReference/."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_SSM, **options)

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        """Read a parameter."""
        return self.call("GetParameter", request)


class SecretsManager(JsonClient):
    """Secrets Manager: https://docs.aws.amazon.com/secretsmanager/latest/apireference/."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_SECRETS_MANAGER, **options)

    def get_secret_value(self, **request: Any) -> dict[str, Any]:
        """Read a secret."""
        response = self.call("GetSecretValue", request)
        if "SecretBinary" in response:
            response["SecretBinary"] = a2b_base64(response["SecretBinary"])
        return response


def elasticache_token(
    *,
    cache: str,
    user: str,
    serverless: bool,
    environment: Mapping[str, str],
    credentials: Credentials,
) -> Secret[str]:
    """Return the password for an IAM user of ElastiCache, valid for 15 minutes.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
    """
    query = {"Action": "connect", "User": user}
    if serverless:
        query["ResourceType"] = "ServerlessCache"
    signer = Signer(region=region_of(environment), service="elasticache")
    return signer.presigned(
        host=cache,
        query=query,
        expires=ELASTICACHE_TOKEN_SECONDS,
        credentials=credentials,
        now=int(time.time()),
    )


def _decode(item: Any) -> None:
    """Decode the binary values of an item, in place and at any depth, as boto3 does."""
    for value in (item or {}).values():
        _decode_value(value)


def _decode_value(value: Any) -> None:
    if "B" in value:
        value["B"] = a2b_base64(value["B"])
    elif "BS" in value:
        value["BS"] = [a2b_base64(member) for member in value["BS"]]
    elif "M" in value:
        _decode(value["M"])
    elif "L" in value:
        for member in value["L"]:
            _decode_value(member)


def _base64(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return b2a_base64(value, newline=False).decode()
    raise TypeError(f"a {type(value).__name__} cannot be sent")


_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), default=_base64).encode
_DECODE: Final = json.JSONDecoder().decode
