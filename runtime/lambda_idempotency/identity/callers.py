"""The caller as a tagged tuple, so that two callers with one key never get each other's response.

    ("jwt", issuer, subject)    a JWT authorizer, or Cognito
    ("claim", issuer, name, value)    the claim that `principal_claim` names
    ("cognito", identity)       IAM, through an identity pool: its users share one role
    ("iam", id)                 IAM: the unique id of the role or user, without the session's name
    ("authorizer", principal)   a Lambda authorizer's principalId
    ("oidc", subject)           a load balancer's authentication
    ("apikey", id)              an API key of a usage plan
    ("certificate", issuer, subject)    mutual TLS
    ()                          no caller is known: the anonymous scope

If an authorizer let the request in but does not tell callers apart, that is an error, never the
anonymous scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import ConfigurationError
from .keys import digest


class Caller(NamedTuple):
    """The facts about its caller in an event of any shape."""

    authorized: bool = False
    """True if an authorizer has let the request in."""
    claims: Mapping[str, Any] = MappingProxyType({})
    context: Mapping[str, Any] = MappingProxyType({})
    """The context that a Lambda authorizer returned."""
    identity: Any = None
    user: Any = None
    oidc: Any = None
    api_key: Any = None
    certificate: Mapping[str, Any] = MappingProxyType({})


def principal_of(caller: Caller, claim: str | None) -> tuple[str, ...]:
    """Return the caller's principal. Raises `ConfigurationError`, naming what is missing."""
    issuer, subject = _text(caller.claims.get("iss")), _text(caller.claims.get("sub"))
    if claim is not None and (caller.claims or caller.context):
        for source in (caller.claims, caller.context):
            if value := _text(source.get(claim)):
                return ("claim", issuer, claim, value)
        raise ConfigurationError(
            f"The authorizer of this route passes no {claim!r}, which principal_claim names; pass "
            "it as a text that is not empty, or name another claim."
        )
    if issuer and subject:
        return ("jwt", issuer, subject)
    if identity := _text(caller.identity):
        return ("cognito", identity)
    if user := _text(caller.user).partition(":")[0]:
        return ("iam", user)
    if principal := _text(caller.context.get("principalId")):
        return ("authorizer", principal)
    if caller.authorized:
        raise ConfigurationError(
            "The authorizer of this route passes nothing that tells callers apart (iss and sub of "
            "a JWT, an IAM identity, or principalId), so they would share their responses. Set "
            "principal_claim to the name of a claim, or of a value in the authorizer's context."
        )
    if oidc := _text(caller.oidc):
        return ("oidc", oidc)
    if api_key := _text(caller.api_key):
        return ("apikey", api_key)
    if subject := _text(caller.certificate.get("subjectDN")):
        return ("certificate", _text(caller.certificate.get("issuerDN")), subject)
    return ()


def caller_in_v1(context: Mapping[str, Any]) -> Caller:
    """Return the caller of a REST API, or of an HTTP API with payload format 1.0.

    An HTTP API without an authorizer sends `{"claims": null, "scopes": null}`.
    """
    authorizer, identity = context.get("authorizer"), _mapping(context.get("identity"))
    parts = _mapping(authorizer)
    present = any(value is not None for value in parts.values()) or not (
        authorizer is None or isinstance(authorizer, Mapping)
    )
    signed = any(identity.get(name) for name in ("userArn", "user", "caller"))
    return Caller(
        authorized=present or signed,
        claims=_mapping(parts.get("claims")),
        context={} if isinstance(parts.get("claims"), Mapping) else parts if present else {},
        identity=identity.get("cognitoIdentityId"),
        user=identity.get("user"),
        api_key=identity.get("apiKeyId"),
        certificate=_mapping(identity.get("clientCert")),
    )


def caller_in_v2(context: Mapping[str, Any]) -> Caller:
    """Return the caller of an HTTP API with payload format 2.0, or of a function URL."""
    authorizer = context.get("authorizer")
    parts = _mapping(authorizer)
    iam = _mapping(parts.get("iam"))
    return Caller(
        authorized=authorizer is not None and authorizer != {},
        claims=_mapping(_mapping(parts.get("jwt")).get("claims")),
        context=_mapping(parts.get("lambda")),
        identity=_mapping(iam.get("cognitoIdentity")).get("identityId"),
        user=iam.get("userId"),
        certificate=_mapping(_mapping(context.get("authentication")).get("clientCert")),
    )


def scope_of(principal: str) -> str:
    """Return the hash of a principal, which records carry. The anonymous scope has one too."""
    return digest((b"scope", principal.encode("utf-8", "surrogatepass")))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    """Return a value as text if it can tell callers apart, else ''."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
