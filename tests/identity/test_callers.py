"""The caller, from what each authorizer passes; nobody shares a scope by accident."""

from __future__ import annotations

import base64
import json
from typing import Any, Final
from urllib.parse import quote

import pytest
from cryptography import x509

from kit.certificates import certificate
from lambda_idempotency import ConfigurationError
from lambda_idempotency.http.shapes import LoadBalancer
from lambda_idempotency.identity.callers import (
    Caller,
    Principal,
    caller_in_v1,
    caller_in_v2,
    principal_of,
)

JWT: Final = {"claims": {"iss": "https://issuer", "sub": "alice", "tenant": "acme"}, "scopes": None}
POOL: Final = "AROAPOOL:CognitoIdentityCredentials"
CERTIFICATE: Final = {"issuerDN": "CN=ca", "subjectDN": "CN=alice", "serialNumber": "1"}
ALICE: Final = ("jwt", "https://issuer", "alice")
ROLE: Final = "arn:aws:sts::123456789012:assumed-role/Worker/one"
PERSON: Final = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Buyer_0123456789abcdef/alice"

V1: Final[list[tuple[dict[str, Any], Principal]]] = [
    ({}, ()),
    ({"authorizer": None, "identity": None}, ()),
    ({"authorizer": {}}, ()),
    ({"authorizer": {"claims": None, "scopes": None}}, ()),
    ({"identity": {"sourceIp": "192.0.2.1", "userArn": None, "user": None}}, ()),
    ({"identity": {"clientCert": None}}, ()),
    ({"authorizer": JWT}, (ALICE,)),
    ({"authorizer": {"principalId": "alice", "integrationLatency": 5}}, (("authorizer", "alice"),)),
    ({"authorizer": {"principalId": 7}}, (("authorizer", "7"),)),
    ({"identity": {"user": "AIDA1", "userArn": "arn:x"}}, (("iam", "AIDA1"),)),
    ({"identity": {"user": "AROA1:one", "userArn": ROLE}}, (("iam", "AROA1"),)),
    ({"identity": {"user": "AROA1:alice", "userArn": PERSON}}, (("iam", "AROA1:alice"),)),
    ({"identity": {"user": "123456789012:alice"}}, (("iam", "123456789012:alice"),)),
    ({"identity": {"user": POOL, "cognitoIdentityId": "us:1"}}, (("cognito", "us:1"),)),
    ({"identity": {"apiKeyId": "key1"}}, (("apikey", "key1"),)),
    ({"authorizer": JWT, "identity": {"apiKeyId": "key1"}}, (ALICE,)),
    ({"identity": {"clientCert": CERTIFICATE}}, (("certificate", "CN=ca", "CN=alice"),)),
    (
        {"identity": {"clientCert": CERTIFICATE, "apiKeyId": "key1"}},
        (("certificate", "CN=ca", "CN=alice"),),
    ),
    (
        {"authorizer": JWT, "identity": {"clientCert": CERTIFICATE}},
        (ALICE, ("certificate", "CN=ca", "CN=alice")),
    ),
]
V2: Final[list[tuple[dict[str, Any], Principal]]] = [
    ({}, ()),
    ({"authorizer": None}, ()),
    ({"authorizer": {}}, ()),
    ({"authorizer": {"jwt": JWT}}, (ALICE,)),
    ({"authorizer": {"lambda": {"principalId": "alice"}}}, (("authorizer", "alice"),)),
    ({"authorizer": {"iam": {"userId": "AIDA1"}}}, (("iam", "AIDA1"),)),
    ({"authorizer": {"iam": {"userId": "AROA1:one", "userArn": ROLE}}}, (("iam", "AROA1"),)),
    ({"authorizer": {"iam": {"userId": "AROA1:two", "userArn": ROLE}}}, (("iam", "AROA1"),)),
    ({"authorizer": {"iam": {"userId": "AROA1:a", "userArn": PERSON}}}, (("iam", "AROA1:a"),)),
    ({"authorizer": {"iam": {"userId": "123456789012:a"}}}, (("iam", "123456789012:a"),)),
    (
        {"authorizer": {"iam": {"userId": POOL, "cognitoIdentity": {"identityId": "us:1"}}}},
        (("cognito", "us:1"),),
    ),
    ({"authentication": {"clientCert": CERTIFICATE}}, (("certificate", "CN=ca", "CN=alice"),)),
    (
        {"authorizer": {"jwt": JWT}, "authentication": {"clientCert": CERTIFICATE}},
        (ALICE, ("certificate", "CN=ca", "CN=alice")),
    ),
]
UNKNOWN_V1: Final[list[dict[str, Any]]] = [
    {"authorizer": "alice"},
    {"authorizer": ["alice"]},
    {"authorizer": {"user": "alice"}},
    {"authorizer": {"principalId": ""}},
    {"authorizer": {"principalId": None, "user": "alice"}},
    {"authorizer": {"principalId": True}},
    {"authorizer": {"principalId": ["alice"]}},
    {"authorizer": {"claims": {}}},
    {"authorizer": {"claims": {"sub": "alice"}}},
    {"authorizer": {"claims": {"iss": "https://issuer", "client_id": "x"}}},
    {"authorizer": {"user": "alice"}, "identity": {"apiKeyId": "key1"}},
    {"authorizer": {"user": "alice"}, "identity": {"clientCert": CERTIFICATE}},
    {"identity": {"userArn": "arn:aws:iam::1:user/alice", "user": None}},
]
UNKNOWN_V2: Final[list[dict[str, Any]]] = [
    {"authorizer": "alice"},
    {"authorizer": {"lambda": None}},
    {"authorizer": {"lambda": {}}},
    {"authorizer": {"lambda": {"user": "alice"}}},
    {"authorizer": {"jwt": None}},
    {"authorizer": {"jwt": {"claims": {"sub": "alice"}}}},
    {"authorizer": {"iam": {"userId": None, "accountId": "1"}}},
    {"authorizer": {"newer": {"id": "alice"}}},
]


@pytest.mark.parametrize(("context", "expected"), V1)
def test_the_principal_of_format_1(context: Any, expected: Principal) -> None:
    assert principal_of(caller_in_v1(context), None) == expected


@pytest.mark.parametrize(("context", "expected"), V2)
def test_the_principal_of_format_2(context: Any, expected: Principal) -> None:
    assert principal_of(caller_in_v2(context), None) == expected


@pytest.mark.parametrize("context", UNKNOWN_V1)
def test_an_unknown_authorizer_is_never_anonymous_in_format_1(context: Any) -> None:
    with pytest.raises(ConfigurationError, match="principal_claim"):
        principal_of(caller_in_v1(context), None)


@pytest.mark.parametrize("context", UNKNOWN_V2)
def test_an_unknown_authorizer_is_never_anonymous_in_format_2(context: Any) -> None:
    with pytest.raises(ConfigurationError, match="principal_claim") as refused:
        principal_of(caller_in_v2(context), None)
    assert "alice" not in str(refused.value)


# Claims that are named ----------------------------------------------------------------------------


def test_a_claim_can_be_named() -> None:
    found = principal_of(caller_in_v2({"authorizer": {"jwt": JWT}}), "tenant")
    assert found == (("claim", "https://issuer", "tenant", "acme"),)
    assert principal_of(caller_in_v1({"authorizer": JWT}), "tenant") == found


def test_a_value_of_a_lambda_authorizer_can_be_named() -> None:
    context = {"authorizer": {"lambda": {"tenant": "acme"}}}
    assert principal_of(caller_in_v2(context), "tenant") == (("claim", "", "tenant", "acme"),)
    flat = {"authorizer": {"principalId": "user", "tenant": "acme"}}
    assert principal_of(caller_in_v1(flat), "tenant") == (("claim", "", "tenant", "acme"),)


@pytest.mark.parametrize("claim", ["missing", "list", "empty"])
def test_a_named_claim_that_is_not_there_is_an_error(claim: str) -> None:
    claims = {**JWT["claims"], "list": ["a"], "empty": ""}  # type: ignore[dict-item]
    with pytest.raises(ConfigurationError, match=f"passes no '{claim}'"):
        principal_of(caller_in_v2({"authorizer": {"jwt": {"claims": claims}}}), claim)


def test_a_named_claim_changes_nothing_for_callers_without_claims() -> None:
    iam = caller_in_v2({"authorizer": {"iam": {"userId": "AIDA1"}}})
    assert principal_of(iam, "tenant") == (("iam", "AIDA1"),)
    assert principal_of(caller_in_v2({}), "tenant") == ()


# Certificates -------------------------------------------------------------------------------------

ALICES_HOST: Final = x509.DNSName("alice.example")
BOBS_HOST: Final = x509.DNSName("bob.example")


def with_certificate(pem: str, subject: str = "", **parts: Any) -> Caller:
    """Return the caller of an HTTP API that has shown a certificate."""
    shown = {"clientCertPem": pem, "issuerDN": "CN=ca", "subjectDN": subject, **parts}
    return caller_in_v2({"authentication": {"clientCert": shown}})


def test_certificates_without_a_subject_are_told_apart_by_their_names() -> None:
    alice, bob = (with_certificate(certificate(name)) for name in (ALICES_HOST, BOBS_HOST))
    assert principal_of(alice, None) != principal_of(bob, None)


def test_certificates_with_one_subject_are_told_apart_by_their_names() -> None:
    subject = "O=SPIRE,C=US"
    alice, bob = (
        with_certificate(certificate(x509.UniformResourceIdentifier(uri), subject=subject), subject)
        for uri in ("spiffe://example/alice", "spiffe://example/bob")
    )
    assert principal_of(alice, None) != principal_of(bob, None)


def test_certificates_of_two_issuers_are_two_callers() -> None:
    pem = certificate(ALICES_HOST)
    other = with_certificate(pem, issuerDN="CN=other")
    assert principal_of(with_certificate(pem), None) != principal_of(other, None)


@pytest.mark.parametrize("subject", ["", "CN=alice"])
def test_a_renewed_certificate_is_the_same_caller(subject: str) -> None:
    first, renewed = (
        with_certificate(
            certificate(*names, subject=subject, key=key), subject, serialNumber=number
        )
        for names, key, number in (
            ((ALICES_HOST, BOBS_HOST), "one", "1"),
            ((BOBS_HOST, ALICES_HOST), "two", "2"),
        )
    )
    assert principal_of(first, None) == principal_of(renewed, None)


@pytest.mark.parametrize("pem", ["", "no certificate", certificate()], ids=["none", "bad", "bare"])
def test_a_certificate_that_names_nobody_is_never_anonymous(pem: str) -> None:
    with pytest.raises(ConfigurationError, match="neither a subject nor subject alternative names"):
        principal_of(with_certificate(pem), None)


def test_a_certificate_that_names_nobody_adds_nothing_to_who_has_another_proof() -> None:
    context = {"authorizer": {"jwt": JWT}, "authentication": {"clientCert": {"issuerDN": "CN=ca"}}}
    assert principal_of(caller_in_v2(context), None) == (ALICE,)


def test_an_api_key_hides_no_certificate_that_names_nobody() -> None:
    identity = {"apiKeyId": "key1", "clientCert": {"issuerDN": "CN=ca", "subjectDN": ""}}
    with pytest.raises(ConfigurationError, match="neither a subject"):
        principal_of(caller_in_v1({"identity": identity}), None)


# Load balancers -----------------------------------------------------------------------------------


def behind_elb(**headers: str | list[str]) -> Principal:
    """Return the principal in the headers that a load balancer has added."""
    added = {
        f"X-Amzn-{name.replace('_', '-')}": value if isinstance(value, list) else [value]
        for name, value in headers.items()
    }
    return principal_of(LoadBalancer({"multiValueHeaders": added}).caller, None)


def login(issuer: str, signer: str = "arn:one", expires: int = 1) -> str:
    """Return the JWT of a login; its parts have padding, as a load balancer writes them."""
    head = {"typ": "JWT", "alg": "ES256", "signer": signer, "iss": issuer, "exp": expires}
    return f"{base64.urlsafe_b64encode(json.dumps(head).encode()).decode()}.e30=.c2lnbmVk"


def test_a_load_balancers_login_tells_callers_apart() -> None:
    assert behind_elb() == ()
    token = login("https://issuer")
    assert behind_elb(Oidc_Identity="alice", Oidc_Data=token) == (
        ("oidc", "https://issuer", "alice"),
    )
    assert behind_elb(Mtls_Clientcert_Subject="CN=alice") == (("certificate", "", "CN=alice"),)


def test_one_subject_of_two_issuers_is_two_callers() -> None:
    one, other = (
        behind_elb(Oidc_Identity="alice", Oidc_Data=login(issuer))
        for issuer in ("https://one.example/?ü", "https://other.example/?ü")
    )
    assert one != other


def test_a_login_is_one_caller_in_each_of_its_requests_and_at_each_load_balancer() -> None:
    tokens = (login("i", signer, expires) for signer, expires in (("arn:one", 1), ("arn:two", 2)))
    one, other = (behind_elb(Oidc_Identity="alice", Oidc_Data=token) for token in tokens)
    assert one == other


@pytest.mark.parametrize("token", ["x", "e30=.e30=.c2ln", "bm8ganNvbg.x.y", "ü.x.y", ".", "W10.x"])
def test_a_login_whose_token_cannot_be_read_is_nobody_else(token: str) -> None:
    found = behind_elb(Oidc_Identity="alice", Oidc_Data=token)
    assert found == (("oidc", token, "alice"),)


def leaf(name: x509.GeneralName) -> str:
    """Return a certificate without a subject in the form in which a load balancer passes it."""
    return quote(certificate(name), safe="+=/")


def test_a_verified_certificate_without_a_subject_is_told_by_its_names() -> None:
    alice, renewed, bob = (
        behind_elb(Mtls_Clientcert_Issuer="CN=ca", Mtls_Clientcert_Leaf=leaf(name))
        for name in (ALICES_HOST, ALICES_HOST, BOBS_HOST)
    )
    assert alice == renewed != bob


def test_a_certificate_that_nobody_verified_is_told_by_its_key_and_not_by_what_it_says() -> None:
    alice, again, forged = (
        behind_elb(Mtls_Clientcert=quote(certificate(ALICES_HOST, key=key), safe="+=/"))
        for key in ("alice", "alice", "mallory")
    )
    assert alice == again != forged
    assert alice[0][0] == "public key"


def test_no_certificate_that_nobody_verified_is_believed_where_there_are_several() -> None:
    for chains in (["no certificate"], [leaf(ALICES_HOST), leaf(BOBS_HOST)]):
        with pytest.raises(ConfigurationError, match="neither a subject"):
            behind_elb(Mtls_Clientcert=chains)


@pytest.mark.parametrize(
    ("header", "victim", "mallory"),
    [
        ("Oidc_Identity", "alice", "mallory"),
        ("Oidc_Data", login("victim"), login("mallory")),
        ("Mtls_Clientcert_Subject", "CN=alice", "CN=mallory"),
        ("Mtls_Clientcert_Issuer", "CN=ca", "CN=mallorys"),
        ("Mtls_Clientcert_Leaf", leaf(ALICES_HOST), leaf(BOBS_HOST)),
    ],
    ids=["identity", "data", "subject", "issuer", "leaf"],  # certificates are new in each process
)
def test_a_client_that_sends_a_load_balancers_header_is_not_the_caller_it_names(
    header: str, victim: str, mallory: str
) -> None:
    def principal(*values: str) -> Principal:
        others: dict[str, str | list[str]] = {"Oidc_Identity": "s"}
        if header.startswith("Mtls"):
            others = {"Mtls_Clientcert_Issuer": "CN=ca", "Mtls_Clientcert_Leaf": leaf(BOBS_HOST)}
        return behind_elb(**{**others, header: list(values)})

    forged = {principal(victim, mallory), principal(mallory, victim)}
    assert forged.isdisjoint({principal(victim), principal(mallory)})
    assert principal(victim, victim) == principal(victim)
