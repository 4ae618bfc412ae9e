"""The caller: all the proofs of who sent a request, so that two callers with one key never get each
other's response.

    ("jwt", issuer, subject)    a JWT authorizer, or Cognito
    ("claim", issuer, name, value)    the claim that `principal_claim` names, in place of those
    ("authorizer", principal)   a Lambda authorizer's principalId
    ("cognito", identity)       IAM, through an identity pool: its users share one role
    ("iam", id)                 IAM: the unique id of the user or role; see `_iam_id`
    ("oidc", issuer, subject)   a load balancer's authentication
    ("certificate", issuer, subject, name...)    mutual TLS; see `_certificate`
    ("public key", hash)        mutual TLS that a load balancer passes through unverified
    ("apikey", id)              an API key of a usage plan, where there is nothing else: AWS says
                                not to use it as a proof, and keys are rotated
    no proof                    no caller is known: all such requests are one anonymous caller

If an authorizer let the request in but does not tell callers apart, that is an error, never the
anonymous caller. So is a certificate that names nobody, if there is no other proof.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from ..errors import ConfigurationError
from ..tuples import NamedTuple
from .canonical import parse
from .values import as_mapping

Principal: TypeAlias = tuple[tuple[str, ...], ...]
"""A caller: the proofs, each a tagged tuple."""

_URL_SAFE: Final = str.maketrans("-_", "+/")
_ROLE: Final = "AROA"
_PERMISSION_SET: Final = ":assumed-role/AWSReservedSSO_"


class Certificate(NamedTuple):
    """A client certificate as an event has it: its names, and the whole of it.

    `verified` is False where nobody checked who issued it.
    """

    issuer: str = ""
    subject: str = ""
    pem: str = ""
    verified: bool = True


class Caller(NamedTuple):
    """The facts about its caller in an event of any shape."""

    authorized: bool = False
    """True if an authorizer has let the request in."""
    claims: Mapping[str, Any] = MappingProxyType({})
    context: Mapping[str, Any] = MappingProxyType({})
    """The context that a Lambda authorizer returned."""
    identity: Any = None
    user: Any = None
    arn: Any = None
    oidc: tuple[str, str] | None = None
    """A load balancer's login: the issuer and the subject."""
    certificate: Certificate | None = None
    api_key: Any = None


def principal_of(caller: Caller, claim: str | None) -> Principal:
    """Return the caller's principal. Raises `ConfigurationError`, naming what is missing."""
    proofs = list(_authorizations(caller, claim))
    if caller.authorized and not proofs:
        raise ConfigurationError(
            "The authorizer of this route passes nothing that tells callers apart (iss and sub of "
            "a JWT, an IAM identity, or principalId), so they would share their responses. Set "
            "principal_claim to the name of a claim, or of a value in the authorizer's context."
        )
    if caller.oidc is not None:
        proofs.append(("oidc", *caller.oidc))
    if caller.certificate is not None:
        if proof := _certificate(caller.certificate):
            proofs.append(proof)
        elif not proofs:
            raise ConfigurationError(
                "The client certificate has neither a subject nor subject alternative names that "
                "could be read, so clients would share their responses. Issue certificates with "
                "one of them, or add an authorizer to this route."
            )
    if not proofs and (api_key := _text(caller.api_key)):
        proofs.append(("apikey", api_key))
    return tuple(proofs)


def caller_in_v1(context: Mapping[str, Any]) -> Caller:
    """Return the caller of a REST API, or of an HTTP API with payload format 1.0.

    An HTTP API without an authorizer sends `{"claims": null, "scopes": null}`.
    """
    authorizer, identity = context.get("authorizer"), as_mapping(context.get("identity"))
    parts = as_mapping(authorizer)
    present = any(value is not None for value in parts.values()) or not (
        authorizer is None or isinstance(authorizer, Mapping)
    )
    signed = any(identity.get(name) for name in ("userArn", "user", "caller"))
    return Caller(
        authorized=present or signed,
        claims=as_mapping(parts.get("claims")),
        context={} if isinstance(parts.get("claims"), Mapping) else parts if present else {},
        identity=identity.get("cognitoIdentityId"),
        user=identity.get("user"),
        arn=identity.get("userArn"),
        certificate=_client_certificate(identity.get("clientCert")),
        api_key=identity.get("apiKeyId"),
    )


def caller_in_v2(context: Mapping[str, Any]) -> Caller:
    """Return the caller of an HTTP API with payload format 2.0, or of a function URL."""
    authorizer = context.get("authorizer")
    parts = as_mapping(authorizer)
    iam = as_mapping(parts.get("iam"))
    return Caller(
        authorized=authorizer is not None and authorizer != {},
        claims=as_mapping(as_mapping(parts.get("jwt")).get("claims")),
        context=as_mapping(parts.get("lambda")),
        identity=as_mapping(iam.get("cognitoIdentity")).get("identityId"),
        user=iam.get("userId"),
        arn=iam.get("userArn"),
        certificate=_client_certificate(
            as_mapping(context.get("authentication")).get("clientCert")
        ),
    )


def caller_behind_elb(values_of: Callable[[str], list[str]]) -> Caller:
    """Return the caller of a load balancer, from the headers that it adds. `values_of` returns the
    values of a header.

    A client may have sent a header of that name too; both values joined never equal those of
    another caller.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html
    """

    def added(name: str) -> str:
        return "\n".join(dict.fromkeys(values_of(f"x-amzn-{name}")))

    oidc = certificate = None
    if subject := added("oidc-identity"):
        oidc = _issuer(added("oidc-data")), subject
    issued = [added(f"mtls-clientcert-{part}") for part in ("issuer", "subject", "leaf")]
    if any(issued):
        issuer, named, leaf = issued
        certificate = Certificate(issuer, named, _unquoted(leaf))
        if "\n" in leaf:  # nobody else has all of them
            certificate = certificate._replace(subject=f"{named}\n{leaf}")
    elif chain := added("mtls-clientcert"):
        certificate = Certificate(pem=_unquoted(chain), verified=False)
    return Caller(oidc=oidc, certificate=certificate)


def _authorizations(caller: Caller, claim: str | None) -> Iterator[tuple[str, ...]]:
    """Yield the proofs that an authorizer has checked."""
    issuer, subject = _text(caller.claims.get("iss")), _text(caller.claims.get("sub"))
    if claim is not None and (caller.claims or caller.context):
        yield ("claim", issuer, claim, _claimed(caller, claim))
    elif issuer and subject:
        yield ("jwt", issuer, subject)
    elif principal := _text(caller.context.get("principalId")):
        yield ("authorizer", principal)
    if identity := _text(caller.identity):
        yield ("cognito", identity)
    elif user := _text(caller.user):
        yield ("iam", _iam_id(user, _text(caller.arn)))


def _claimed(caller: Caller, claim: str) -> str:
    for source in (caller.claims, caller.context):
        if value := _text(source.get(claim)):
            return value
    raise ConfigurationError(
        f"The authorizer of this route passes no {claim!r}, which principal_claim names; pass "
        "it as a text that is not empty, or name another claim."
    )


def _iam_id(user: str, arn: str) -> str:
    """Return what stays the same in all requests of an IAM principal.

    A role's user id is `AROA...:session`. The session is that of a worker (a Lambda function, an
    instance, a pod), whose retry may come from another one: the role counts alone. Only sessions of
    IAM Identity Center name a person. A federated user is `account:name`, and counts whole.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    https://docs.aws.amazon.com/singlesignon/latest/userguide/identity-center-and-iam-roles.html
    """
    if not user.startswith(_ROLE) or _PERMISSION_SET in arn:
        return user
    return user.partition(":")[0]


def _certificate(certificate: Certificate) -> tuple[str, ...]:
    """Return the proof in a certificate, or () if it names nobody.

    A subject may be empty, or the same for all that one authority issues (SPIFFE); then the
    alternative names tell them apart (RFC 5280, 4.2.1.6). A renewed certificate has both again (RFC
    4949, "certificate renewal"), but another serial number, which therefore does not count.
    """
    from . import x509  # only mutual TLS needs it

    read = x509.read(certificate.pem)
    if not certificate.verified:  # anyone may write any names, and prove a key of their own
        return ("public key", read.public_key) if read.public_key else ()
    if not certificate.subject and not read.names:
        return ()
    return ("certificate", certificate.issuer, certificate.subject, *read.names)


def _issuer(token: str) -> str:
    """Return the issuer in the header of the JWT in which a load balancer passes a user's claims:
    a subject is unique within its issuer alone. A token that cannot be read is its own issuer."""
    if not token or "\n" in token:  # none, or several
        return token
    head = token.partition(".")[0].rstrip("=")
    try:
        decoded = parse(binascii.a2b_base64(head.translate(_URL_SAFE) + "=" * (-len(head) % 4)))
    except ValueError:
        return token
    return _text(as_mapping(decoded).get("iss")) or token


def _unquoted(pem: str) -> str:
    """Return the PEM in a header: URL-encoded, except `+`, `=` and `/`. '' if there are several,
    of which no one is believed."""
    from urllib.parse import unquote  # only mutual TLS needs it

    return "" if "\n" in pem else unquote(pem)


def _client_certificate(value: Any) -> Certificate | None:
    found = as_mapping(value)
    if not found:
        return None
    return Certificate(
        issuer=_text(found.get("issuerDN")),
        subject=_text(found.get("subjectDN")),
        pem=_text(found.get("clientCertPem")),
    )


def _text(value: Any) -> str:
    """Return a value as text if it can tell callers apart, else ''."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
