"""The AWS services that the runtime uses."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from typing import Any, Final

from ...tuples import NamedTuple
from ..net.deadline import Deadline, current
from ..net.http1 import Response
from ..net.secret import Environment, Secret
from ..net.waiting import Waits
from .client import Client, Request, metadata
from .credentials import Credentials
from .endpoints import endpoint_of, region_of
from .signer import Signer
from .template import Template
from .typed import decoded, encoded

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
        self._templates: dict[str, Template] = {}

    async def request(
        self,
        operation: str,
        parameters: Mapping[str, Any],
        waits: Waits,
        deadline: Deadline | None = None,
    ) -> dict[str, Any]:
        """Call an operation; return its parsed response, with botocore's `ResponseMetadata`.

        It waits as `waits` does, and no longer than until the deadline. Raises `ServiceError`.
        """
        return await self.asked(operation, encoded(parameters), waits, deadline)

    async def asked(
        self,
        operation: str,
        parameters: str,
        waits: Waits,
        deadline: Deadline | None = None,
        answers: Container[str] = (),
    ) -> dict[str, Any]:
        """Do as `request`, with the parameters as JSON. `answers` are the codes of errors that are
        returned, as in `send`."""
        if (template := self._templates.get(operation)) is None:
            headers = {**self._headers, "x-amz-target": f"{self._target}.{operation}"}
            template = self._templates[operation] = self.template("POST", self._path, headers)
        request = Request(operation, template, parameters.encode())
        ends = current(BUDGET_S) if deadline is None else deadline
        return await self.send(request, waits, ends, try_s=TRY_S, answers=answers)

    def parsed(self, response: Response) -> dict[str, Any] | None:
        """Parse a response whose body is a JSON object, or empty."""
        found: Any = {}
        if response.body not in _EMPTY:
            try:
                found = decoded(response.body.decode())
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


_EMPTY: Final = (b"{}", b"")
"""The bodies of most responses: a write that is accepted has no more to say."""

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

    async def ask(
        self, method: str, request: str, waits: Waits, answers: Container[str] = ()
    ) -> dict[str, Any]:
        """Do what boto3's method of that name does. The request is JSON, as `typed` writes it."""
        return await self.asked(_OPERATIONS[method], request, waits, answers=answers)


class SSM(JsonClient):
    """Systems Manager: https://docs.aws.amazon.com/systems-manager/latest/APIReference/."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_SSM, **options)


class SecretsManager(JsonClient):
    """Secrets Manager: https://docs.aws.amazon.com/secretsmanager/latest/apireference/."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_SECRETS_MANAGER, **options)


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
