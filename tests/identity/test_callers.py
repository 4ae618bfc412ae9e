"""The caller, from what each authorizer passes; nobody shares a scope by accident."""

from __future__ import annotations

from typing import Any, Final

import pytest

from lambda_idempotency import ConfigurationError, HttpOptions
from lambda_idempotency.http.mode import mode_of
from lambda_idempotency.http.shapes import LoadBalancer, RestApi
from lambda_idempotency.identity.callers import caller_in_v1, caller_in_v2, principal_of, scope_of

JWT: Final = {"claims": {"iss": "https://issuer", "sub": "alice", "tenant": "acme"}, "scopes": None}
POOL: Final = "AROAPOOL:CognitoIdentityCredentials"

V1: Final[list[tuple[dict[str, Any], tuple[str, ...]]]] = [
    ({}, ()),
    ({"authorizer": None, "identity": None}, ()),
    ({"authorizer": {}}, ()),
    ({"authorizer": {"claims": None, "scopes": None}}, ()),
    ({"identity": {"sourceIp": "192.0.2.1", "userArn": None, "user": None}}, ()),
    ({"authorizer": JWT}, ("jwt", "https://issuer", "alice")),
    ({"authorizer": {"principalId": "alice", "integrationLatency": 5}}, ("authorizer", "alice")),
    ({"authorizer": {"principalId": 7}}, ("authorizer", "7")),
    ({"identity": {"user": "AIDA1", "userArn": "arn:x"}}, ("iam", "AIDA1")),
    ({"identity": {"user": "AROA1:one", "userArn": "arn:x"}}, ("iam", "AROA1")),
    ({"identity": {"user": "AROA1:two", "userArn": "arn:x"}}, ("iam", "AROA1")),
    ({"identity": {"user": POOL, "cognitoIdentityId": "us:1"}}, ("cognito", "us:1")),
    ({"identity": {"apiKeyId": "key1"}}, ("apikey", "key1")),
    ({"authorizer": JWT, "identity": {"apiKeyId": "key1"}}, ("jwt", "https://issuer", "alice")),
    (
        {"identity": {"clientCert": {"issuerDN": "CN=ca", "subjectDN": "CN=alice"}}},
        ("certificate", "CN=ca", "CN=alice"),
    ),
]
V2: Final[list[tuple[dict[str, Any], tuple[str, ...]]]] = [
    ({}, ()),
    ({"authorizer": None}, ()),
    ({"authorizer": {}}, ()),
    ({"authorizer": {"jwt": JWT}}, ("jwt", "https://issuer", "alice")),
    ({"authorizer": {"lambda": {"principalId": "alice"}}}, ("authorizer", "alice")),
    ({"authorizer": {"iam": {"userId": "AIDA1"}}}, ("iam", "AIDA1")),
    ({"authorizer": {"iam": {"userId": "AROA1:one"}}}, ("iam", "AROA1")),
    (
        {"authorizer": {"iam": {"userId": POOL, "cognitoIdentity": {"identityId": "us:1"}}}},
        ("cognito", "us:1"),
    ),
    (
        {"authentication": {"clientCert": {"issuerDN": "CN=ca", "subjectDN": "CN=alice"}}},
        ("certificate", "CN=ca", "CN=alice"),
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
def test_the_principal_of_format_1(context: Any, expected: tuple[str, ...]) -> None:
    assert principal_of(caller_in_v1(context), None) == expected


@pytest.mark.parametrize(("context", "expected"), V2)
def test_the_principal_of_format_2(context: Any, expected: tuple[str, ...]) -> None:
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


def test_a_claim_can_be_named() -> None:
    found = principal_of(caller_in_v2({"authorizer": {"jwt": JWT}}), "tenant")
    assert found == ("claim", "https://issuer", "tenant", "acme")
    assert principal_of(caller_in_v1({"authorizer": JWT}), "tenant") == found


def test_a_value_of_a_lambda_authorizer_can_be_named() -> None:
    context = {"authorizer": {"lambda": {"tenant": "acme"}}}
    assert principal_of(caller_in_v2(context), "tenant") == ("claim", "", "tenant", "acme")
    flat = {"authorizer": {"principalId": "user", "tenant": "acme"}}
    assert principal_of(caller_in_v1(flat), "tenant") == ("claim", "", "tenant", "acme")


@pytest.mark.parametrize("claim", ["missing", "list", "empty"])
def test_a_named_claim_that_is_not_there_is_an_error(claim: str) -> None:
    claims = {**JWT["claims"], "list": ["a"], "empty": ""}  # type: ignore[dict-item]
    with pytest.raises(ConfigurationError, match=f"passes no '{claim}'"):
        principal_of(caller_in_v2({"authorizer": {"jwt": {"claims": claims}}}), claim)


def test_a_named_claim_changes_nothing_for_callers_without_claims() -> None:
    iam = caller_in_v2({"authorizer": {"iam": {"userId": "AIDA1"}}})
    assert principal_of(iam, "tenant") == ("iam", "AIDA1")
    assert principal_of(caller_in_v2({}), "tenant") == ()


def test_a_load_balancers_login_tells_callers_apart() -> None:
    def principal(**headers: str) -> tuple[str, ...]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return principal_of(LoadBalancer({"headers": named}).caller, None)

    assert principal() == ()
    assert principal(X_Amzn_Oidc_Identity="alice") == ("oidc", "alice")
    assert principal(X_Amzn_Mtls_Clientcert_Subject="CN=alice") == ("certificate", "", "CN=alice")


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("x-amzn-oidc-identity", "oidc"),
        ("x-amzn-mtls-clientcert-subject", "certificate"),
        ("x-amzn-mtls-clientcert-issuer", "certificate"),
    ],
)
def test_who_sends_a_load_balancers_header_himself_is_not_whom_it_names(
    header: str, kind: str
) -> None:
    def principal(*values: str) -> tuple[str, ...]:
        headers = {"x-amzn-mtls-clientcert-subject": ["CN=x"], header: list(values)}
        if kind == "oidc":
            del headers["x-amzn-mtls-clientcert-subject"]
        return principal_of(LoadBalancer({"multiValueHeaders": headers}).caller, None)

    victim, mallory = principal("victim"), principal("mallory")
    forged = {principal("victim", "mallory"), principal("mallory", "victim")}
    assert {found[0] for found in (victim, mallory, *forged)} == {kind}
    assert forged.isdisjoint({victim, mallory})
    assert principal("victim", "victim") == victim


def test_a_principal_may_hold_any_text() -> None:
    options = HttpOptions()
    event = {"requestContext": {"authorizer": {"principalId": "\ud800"}}}
    assert "ud800" in ascii(mode_of(options).principal(RestApi(event)))


def test_scopes_differ_and_the_anonymous_one_is_a_scope_too() -> None:
    scopes = {scope_of(principal) for principal in ("", '["iam","a"]', '["apikey","a"]')}
    assert len(scopes) == 3
    assert all(len(scope) == 64 for scope in scopes)
