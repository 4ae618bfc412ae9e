"""Requests to AWS: signed, retried within the deadline, with errors in boto3's form.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping
from typing import Any, Final
from zlib import crc32

from ...tuples import NamedTuple
from ..net.deadline import Deadline
from ..net.http1 import Response
from ..net.retry import Backoff
from ..net.secret import Environment
from ..net.waiting import Blocking, Waits
from .clock import SigningClock
from .connections import ConnectionFailedError, Connections
from .credentials import CANNOT_BE_SENT, Credentials, CredentialsError, CredentialSource
from .endpoints import Endpoint, region_of
from .signer import Signer
from .template import Template

_RETRIED: Final = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_SKEWED: Final = frozenset(
    {"InvalidSignatureException", "RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"}
)
_EXPIRED: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"}
)


class ServiceError(Exception):
    """A service refused a request, or could not be reached.

    `response` has the form of botocore's `ClientError.response`. `about` says more, but only in our
    own words: a service's words can quote what it was sent.
    """

    def __init__(
        self, service: str, operation: str, response: dict[str, Any], about: str = ""
    ) -> None:
        self.response = response
        self.about = f": {about}" if about else ""
        code = response["Error"]["Code"]
        request_id = response["ResponseMetadata"].get("RequestId", "none")
        super().__init__(
            f"{service} {operation} failed: {code}{self.about} (request id {request_id})"
        )


class Request(NamedTuple):
    """A request without its signature."""

    operation: str
    template: Template
    body: bytes = b""


class ClientMeta(NamedTuple):
    """The facts about a client that boto3's `client.meta` also has."""

    endpoint_url: str


class Client:
    """Sends requests to one service; subclasses build them and parse the responses.

    Its only state is its connections, its credentials and its clock.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        *,
        signed_for: str,
        environment: Environment,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.meta = ClientMeta(endpoint.url)
        self._name = name
        self._connections = Connections(endpoint, environment)
        self._credentials = CredentialSource(environment, clock)
        self._signer = Signer(region=region_of(environment), service=signed_for)
        self._clock = SigningClock(clock)
        self._blocking = Blocking(sleep)

    def template(
        self, method: str, path: str, headers: Mapping[str, str], *, query: str = ""
    ) -> Template:
        """Return the template of requests with this method, path, query and these headers."""
        return Template(
            self._signer,
            self._connections.head,
            method=method,
            path=path,
            headers=headers,
            query=query,
        )

    def parsed(self, response: Response) -> dict[str, Any] | None:
        """Parse a response and add botocore's `ResponseMetadata`. Return None if it is damaged."""
        raise NotImplementedError

    def code(self, response: Response, found: dict[str, Any]) -> str:
        """Return the code of an error, or an empty string."""
        raise NotImplementedError

    async def send(
        self,
        request: Request,
        waits: Waits,
        deadline: Deadline,
        *,
        try_s: float,
        answers: Container[str] = (),
    ) -> dict[str, Any]:
        """Send a request and return the parsed response. Raises `ServiceError`.

        The operation ends by the deadline, each try within `try_s` seconds. Errors whose codes are
        among the `answers` are returned as responses, with their `Error`.
        """
        backoff = Backoff()
        repairs_left = 2
        while True:
            outcome = await self._try(request, waits, deadline.within(try_s), answers)
            if isinstance(outcome, dict):
                return outcome
            if outcome.amended and repairs_left and deadline.left() > 0:
                repairs_left -= 1  # the cause is known and repaired: no need to wait
                continue
            if not outcome.passing or not await backoff.pause(waits, deadline):
                raise outcome.error

    def close(self) -> None:
        """Close the idle connections; the next call opens new ones."""
        self._connections.close()

    async def _try(
        self, request: Request, waits: Waits, deadline: Deadline, answers: Container[str]
    ) -> dict[str, Any] | _Failure:
        operation = request.operation
        try:
            credentials = await self._credentials.current(waits, deadline)
            signed = self._clock.now()
            sent = request.template.request(request.body, credentials, signed)
            response = await self._connections.exchange(sent, waits, deadline)
        except CredentialsError as error:
            return _Failure(self._error(operation, "NoCredentials", str(error)), passing=False)
        except ValueError:
            return _Failure(self._error(operation, "NoCredentials", CANNOT_BE_SENT), passing=False)
        except ConnectionFailedError as error:
            if error.reused:
                self._connections.close()  # the others are as old
            failed = self._error(operation, "ConnectionFailed", str(error))
            return _Failure(failed, passing=True, amended=error.reused)
        if not _is_intact(response):
            about = "the response does not match its checksum"
            return _Failure(self._error(operation, "DamagedResponse", about), passing=True)
        found = self.parsed(response)
        if response.status < 300 and found is not None:
            return found
        found = self._with_error(response, found)
        if found["Error"]["Code"] in answers:
            return found
        return self._failure(operation, response, found, credentials, signed)

    def _with_error(self, response: Response, found: dict[str, Any] | None) -> dict[str, Any]:
        """Return what an unsuccessful response says, with its `Error`, as botocore does."""
        if found is None:
            code = "DamagedResponse" if response.status < 300 else f"HTTP {response.status}"
            found = {"ResponseMetadata": metadata(response)}
        else:
            code = self.code(response, found) or f"HTTP {response.status}"
        message = found.get("message") or found.get("Message") or ""
        found["Error"] = {"Code": code, "Message": message}
        return found

    def _failure(
        self,
        operation: str,
        response: Response,
        found: dict[str, Any],
        credentials: Credentials,
        signed: int,
    ) -> _Failure:
        """Return the failure that an unsuccessful response means, and whether to try again."""
        error, code = ServiceError(self._name, operation, found), found["Error"]["Code"]
        if code in _SKEWED:
            amended = self._clock.repair(response.headers.get("date"), signed)
            return _Failure(error, passing=False, amended=amended)
        if code in _EXPIRED:
            return _Failure(error, passing=False, amended=self._credentials.refused(credentials))
        passing = code in _RETRIED or response.status in (200, 429) or response.status >= 500
        return _Failure(error, passing=passing)

    def _error(self, operation: str, code: str, about: str) -> ServiceError:
        response = {"Error": {"Code": code, "Message": about}, "ResponseMetadata": {}}
        return ServiceError(self._name, operation, response, about)


class _Failure(NamedTuple):
    """A failed try. `passing`: a pause may help. `amended`: its cause has just been repaired."""

    error: ServiceError
    passing: bool
    amended: bool = False


def _is_intact(response: Response) -> bool:
    expected = response.headers.get("x-amz-crc32")
    return expected is None or expected == str(crc32(response.body))


def metadata(response: Response) -> dict[str, Any]:
    """Return the metadata that botocore adds to a response."""
    headers = response.headers
    return {
        "RequestId": headers.get("x-amzn-requestid") or headers.get("x-amz-request-id", "none"),
        "HTTPStatusCode": response.status,
        "HTTPHeaders": response.headers,
    }
