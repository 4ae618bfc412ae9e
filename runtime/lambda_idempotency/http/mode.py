"""HTTP mode: the rules of a profile and its options, and the responses that the layer makes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..contract.http import HttpOptions
from ..errors import CommitError, ConfigurationError, IdempotencyError, MissingKeyError
from ..execution.operation import Operation
from ..identity.callers import principal_of
from ..identity.scope import Scope
from ..metrics.reporting import WARNING, log
from ..protocol.record import NO_BODY, NOT_KEPT, Record
from ..protocol.steps import Returned
from ..response import lambda_json, serialization
from . import codings
from .answers import MAX_RETRY_AFTER_S, Case, cross_origin, done, refusal, retry_after, state
from .header import MalformedKeyError, key_in
from .profiles import PROFILES, guards, keeps, keeps_only_successes, not_replayed, requires_key
from .response import Answer, without
from .shapes import Request


@lru_cache
def mode_of(options: HttpOptions) -> HttpMode:
    """Return the mode for options; equal options give the same object."""
    return HttpMode(options)


class HttpMode:
    """The rules and answers of one set of options. It holds no state."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._profile = PROFILES[options.profile]
        self._pattern = None if options.pattern is None else re.compile(options.pattern)
        self._not_replayed = not_replayed(options)
        self._status_path = options.status_route

    @property
    def status_path(self) -> str | None:
        """The path below which clients ask for the state of a request."""
        return self._status_path

    def guards(self, request: Request) -> bool:
        """Tell whether the request is made idempotent."""
        return guards(self._options, request.method)

    def passes(self, operation: Operation) -> bool:
        """Tell whether a request without a key runs unprotected."""
        return operation.bypass_missing_key or not requires_key(self._options)

    def key(self, request: Request) -> str | None:
        """Return the key in the header, or None. Raises `MissingKeyError` if it is unusable."""
        header = self._options.header
        try:
            return key_in(request.header(header), self._pattern)
        except MalformedKeyError as error:
            raise MissingKeyError(f"The header {header} is unusable: {error}.") from None

    def scope(self, request: Request, tenant: str | None) -> Scope:
        """Return the scope of a request. Raises `ConfigurationError` if its caller is not told."""
        by = self._options.api_scope
        caller = principal_of(request.caller, self._options.principal_claim)
        return Scope(tenant, request.api(by), caller, request.route(by))

    def recorded(self, request: Request, result: Any) -> Returned:
        """Return a handler's result in its recorded form. Raises any error if Lambda's own client
        could not send it.

        Of a result that is no response, the client gets the source's 502. It is done nevertheless:
        its record has no body, so that a retry is told so, and does not run again.
        """
        sent = lambda_json.as_object(result)
        if (status := request.status(sent)) is None:
            log(
                WARNING,
                "The handler returned a %s that is no response: the client gets 502 Bad Gateway, "
                "and retries get 410. Return a dict with a statusCode, a body that is a text, and "
                "headers in a dict.",
                type(result).__name__,
            )
            return Returned(result, encoding=NO_BODY)
        if not keeps(self._options, status):
            return Returned(result, keep=False)
        kept = without(sent, self._not_replayed) if isinstance(sent, dict) else sent
        return serialization.to_stored(kept)._replace(result=result)

    def is_replayable(self, request: Request, text: str, result: Any) -> bool:
        """Tell whether a recorded text is a response with the result's status."""
        status = request.status(lambda_json.as_object(result))
        return request.status(lambda_json.read(text)) == status

    def refuse(
        self,
        request: Request,
        case: Case,
        code: int,
        *,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return an error response that this layer makes."""
        return self.write(
            request, refusal(self._profile, case, code, detail=detail, headers=headers)
        )

    def refuse_missing(self, request: Request, *, expression: bool) -> Any:
        """Return the answer to a request without a key."""
        where = (
            "the key that this API looks for"
            if expression
            else f"the header {self._options.header}"
        )
        return self.refuse(
            request,
            "missing",
            400,
            detail=f"This request must carry {where}, unique to it. Repeat it with one.",
        )

    def in_progress(self, request: Request, key: str, milliseconds: int) -> Any:
        """Return the answer to a duplicate of a running request."""
        code = self._profile.in_progress
        headers = retry_after(milliseconds) if self._profile.retry_after else {}
        if code != 202:
            return self.refuse(request, "in progress", code, headers=headers)
        location = f"{request.prefix}{self._status_path}/{key.rpartition('#')[2]}"
        return self.write(request, state(code, "in_progress", {"Location": location, **headers}))

    def mismatch(self, request: Request) -> Any:
        """Return the answer to a key that belongs to another payload."""
        return self.refuse(request, "mismatch", self._profile.mismatch)

    def unavailable(self, request: Request, record: Record) -> Any:
        """Return the answer to a request that is done, and whose response cannot be read. Where
        it was not to be kept, and can only have been a success, that is told."""
        if record.encoding != NOT_KEPT:
            return self.refuse(request, "unavailable", 410)
        if keeps_only_successes(self._options):
            return self.write(request, done(self._profile.marker))
        return self.refuse(request, "not kept", 409)

    def outage(self, request: Request, error: IdempotencyError) -> Any:
        """Return the answer while the store cannot be asked. Raises `ConfigurationError`."""
        if isinstance(error, ConfigurationError):
            raise error
        return self._retry_later(request, "outage", error)

    def not_committed(self, request: Request, error: IdempotencyError) -> Any:
        """Return the answer to a request whose `commit_with` writes were not, or may not have been,
        applied."""
        if not isinstance(error, CommitError):
            return self._retry_later(request, "overtaken", error)
        if error.applied is None:
            return self._retry_later(request, "unknown", error)
        log(WARNING, "%s", error)
        return self.refuse(request, "refused", 500)

    def _retry_later(self, request: Request, case: Case, error: IdempotencyError) -> Any:
        log(WARNING, "%s", error)
        return self.refuse(request, case, 503, headers={"Retry-After": str(MAX_RETRY_AFTER_S)})

    def replay(self, request: Request, result: Any) -> Any:
        """Return a recorded result, marked as a replay. Where it is uncertain how the event source
        reads the result, return it unchanged."""
        response = request.explicit(result)
        if response is None:
            return result
        response = without(response, self._not_replayed)
        headers = {self._profile.marker: "true", **self._cross_origin(request)}
        if codings.is_gzip(response):
            if not codings.accepts_gzip(request.header("accept-encoding")):
                response = codings.without_gzip(response)
            headers["Vary"] = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
        request.add_headers(response, headers)
        return response

    def write(self, request: Request, answer: Answer) -> Any:
        """Return an answer in the form that the event source expects."""
        headers = {**answer.headers, **self._cross_origin(request)}
        return request.write(answer._replace(headers=headers))

    def _cross_origin(self, request: Request) -> dict[str, str]:
        origin = next(iter(request.header("origin")), None) if self._options.cors else None
        exposed = ("Location", "Retry-After", self._profile.marker)
        return cross_origin(self._options.cors, origin, exposed)
