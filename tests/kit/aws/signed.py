"""Requests as the runtime signs them, taken apart."""

from __future__ import annotations

from collections.abc import Mapping

from lambda_idempotency.clients.aws.credentials import Credentials
from lambda_idempotency.clients.aws.signer import Signer
from lambda_idempotency.clients.aws.template import Template
from lambda_idempotency.clients.net.http1 import head_of
from lambda_idempotency.clients.net.secret import Secret


def template(signer: Signer, method: str, path: str, headers: Mapping[str, str]) -> Template:
    """Return a template of requests that take no proxy."""
    return Template(
        signer,
        lambda *head: Secret(head_of(*head)),
        method=method,
        path=path,
        headers=headers,
    )


def signed(of: Template, body: bytes, credentials: Credentials, now: int) -> dict[str, str]:
    """Return the headers of a signed request, without the body's length."""
    head, _, sent = of.request(body, credentials, now).reveal().partition(b"\r\n\r\n")
    assert sent == body
    _, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    found = {name: value.removeprefix(" ") for name, _, value in pairs}
    assert len(found) == len(pairs)
    assert found.pop("content-length", "0") == str(len(body))
    return found
