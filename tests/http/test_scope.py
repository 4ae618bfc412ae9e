"""Two requests have one record only where tenant, API, route, caller and key are one, in every
event shape and for every kind of caller.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import SimpleNamespace
from typing import Any, Final

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from kit.certificates import certificate
from kit.http_events import SHAPES, Http
from kit.planted import refutes
from kit.strategies import thorough
from lambda_idempotency import HttpOptions, MemoryStore, idempotent
from lambda_idempotency.contract.http import ApiScope
from lambda_idempotency.http import shapes
from lambda_idempotency.identity import callers
from lambda_idempotency.protocol.record import Claim, Record, Reply

DOMAIN: Final = "api.example.com"
ANSWER: Final = {"statusCode": 200}
APIS: Final = ("rest", "http-1.0", "http-2.0")
"""The shapes whose events come from an API, with stages and domains."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request, and where and by whom it is sent."""

    shape: str = "rest"
    tenant: str | None = None
    domain: str = DOMAIN
    api: str = "a1"
    stage: str = "prod"
    base: str = ""
    method: str = "POST"
    template: str = "/orders/{id}"
    id: str = "7"
    authorizer: tuple[str, ...] = ()
    certificate: str = ""
    serial: int = 0
    api_key: str = ""
    key: str = "k"
    body: str = '{"a":1}'
    query: tuple[tuple[str, str], ...] = ()
    operation: str = "create"
    namespace: str = "orders"

    def event(self) -> dict[str, Any]:
        """Return the event as its source makes it."""
        http = Http(
            method=self.method,
            template=self.template,
            parameters={"id": self.id},
            headers=(("Idempotency-Key", self.key), ("Host", self.domain), *self._headers()),
            body=self.body,
            query=self.query,
            stage=self.stage,
        )
        event = SHAPES[self.shape](http)
        context = event["requestContext"]
        if self.shape.startswith("alb"):
            context["elb"] = {"targetGroupArn": self.api}
            return event
        context |= {"domainName": self.domain, "apiId": self.api, **self._authorized()}
        if self.shape == "url":
            context["domainName"] = f"{self.domain}.lambda-url.us-east-1.on.aws"
            return event
        path = f"{self.base}{http.path}"
        if self.shape == "http-2.0":
            event["rawPath"] = path
            context["authentication"] = {"clientCert": self._certificate()}
        else:
            context["path"] = path
            context["identity"] |= {"clientCert": self._certificate(), "apiKeyId": self.api_key}
            if self.authorizer[:1] == ("iam",):
                context["identity"] |= {"user": self.authorizer[1], "userArn": "arn:x"}
        return event

    def meaning(self) -> tuple[Any, ...]:
        """Return all that makes it one request, as docs/http.md says it."""
        path = self.template.replace("{id}", self.id)
        place: tuple[str, ...]
        proofs: tuple[Any, ...] = (self._person(), self.certificate)
        if self.shape in APIS:
            place = self.domain.lower(), self.stage, self.base, self.template, self.id
            if not any(proofs) and self.shape != "http-2.0":
                proofs = (self.api_key,)
        else:
            place = self.domain.lower(), path
            proofs = proofs[:1] if self.shape == "url" else proofs
        operation = self.namespace, self.operation
        return operation, self.tenant, place, self.method, proofs, self.key

    def payload(self) -> tuple[Any, ...]:
        """Return what must agree where the key does: the body by its value, and the query."""
        return json.loads(self.body), sorted(self.query)

    def _person(self) -> tuple[str, ...]:
        """Return whom the authorizer lets in: of an IAM role, all sessions are one."""
        kind, *values = self.authorizer or ("",)
        if self.shape.startswith("alb"):
            return self.authorizer if kind == "jwt" else ()
        is_role = kind == "iam" and values[0].startswith("AROA")
        return ("iam", values[0].partition(":")[0]) if is_role else self.authorizer

    def _headers(self) -> tuple[tuple[str, str], ...]:
        if not self.shape.startswith("alb"):
            return ()
        headers: dict[str, str] = {}
        if self.authorizer[:1] == ("jwt",):
            _, issuer, subject = self.authorizer
            headers |= {"X-Amzn-Oidc-Identity": subject, "X-Amzn-Oidc-Data": issuer}
        if self.certificate:
            pem = CERTIFICATES[self.certificate][self.serial].replace("\n", "%0A")
            headers |= {
                "X-Amzn-Mtls-Clientcert-Issuer": "CN=ca",
                "X-Amzn-Mtls-Clientcert-Leaf": pem,
            }
        return tuple(headers.items())

    def _certificate(self) -> dict[str, str] | None:
        if not self.certificate:
            return None
        pem = CERTIFICATES[self.certificate][self.serial]
        return {"clientCertPem": pem, "issuerDN": "CN=ca", "subjectDN": "", "serialNumber": pem}

    def _authorized(self) -> dict[str, Any]:
        """Return what the authorizer adds to the context of an API's request."""
        if not self.authorizer:
            return {"authorizer": {}}
        kind, *values = self.authorizer
        claims = {"iss": values[0], "sub": values[-1]}
        if self.shape in ("http-2.0", "url"):
            return {
                "authorizer": {
                    "jwt": {"jwt": {"claims": claims}},
                    "lambda": {"lambda": {"principalId": values[0]}},
                    "iam": {"iam": {"userId": values[0]}},
                }[kind]
            }
        return {
            "authorizer": {
                "jwt": {"claims": claims},
                "lambda": {"principalId": values[0]},
                "iam": None,
            }[kind]
        }


CERTIFICATES: Final[Mapping[str, list[str]]] = {
    name: [certificate(x509.DNSName(f"{name}.example"), key=str(number)) for number in range(2)]
    for name in ("alice", "bob")
}
"""Certificates without a subject, and renewed ones."""


class Claims(MemoryStore):
    """A store that keeps what was claimed, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.last: Claim | None = None

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        self.last = claim
        return super().claim(claim, seen)


def identity(sent: Sent, **options: Any) -> tuple[str, str | None]:
    """Return the id and the fingerprint of a request."""
    store = Claims()
    decorate = idempotent(
        store=store, name=sent.operation, namespace=sent.namespace, http=HttpOptions(**options)
    )
    handler = decorate(lambda event, context: ANSWER)
    handler(sent.event(), SimpleNamespace(tenant_id=sent.tenant))
    assert store.last is not None
    return store.last.key, store.last.fingerprint


def same(one: Sent, other: Sent, **options: Any) -> bool:
    """Tell whether two requests have one record."""
    return identity(one, **options)[0] == identity(other, **options)[0]


@pytest.fixture(params=APIS)
def sent(request: pytest.FixtureRequest) -> Sent:
    """Return a request of each kind of API."""
    return Sent(shape=request.param)


# APIs ---------------------------------------------------------------------------------------------


def test_an_api_that_is_replaced_behind_its_domain_stays_one(sent: Sent) -> None:
    assert same(sent, replace(sent, api="b2"))


def test_a_domain_is_one_however_it_is_written(sent: Sent) -> None:
    assert same(sent, replace(sent, domain="API.Example.com"))


@pytest.mark.parametrize(
    ("template", "parameters", "path"),
    [
        ("/", {}, ""),
        ("/files/{proxy+}", {"proxy": "a/b"}, "/files/a%2Fb"),
        ("/orders/{id}", {"id": "a/b"}, "/orders/a/b"),
    ],
)
def test_two_base_paths_of_one_domain_are_two_however_the_path_is_written(
    template: str, parameters: dict[str, str], path: str
) -> None:
    def route(base: str) -> Any:
        event = {"resource": template, "path": f"{base}{path}", "pathParameters": parameters}
        return shapes.Format1(event).route("stage")

    assert route("/v1") == route("/v1")
    assert route("/v1") != route("/v2")


@pytest.mark.parametrize("shape", ["alb", "alb-multi"])
def test_a_weighted_target_group_stays_one(shape: str) -> None:
    assert same(Sent(shape=shape, api="arn:blue"), Sent(shape=shape, api="arn:green"))


@pytest.mark.parametrize("shape", ["alb", "alb-multi"])
@pytest.mark.parametrize(("by", "counts"), [("stage", True), ("domain", True), ("none", False)])
def test_two_hosts_of_a_load_balancer_are_two(shape: str, by: ApiScope, *, counts: bool) -> None:
    blue = Sent(shape=shape, domain="blue.example.com")
    assert same(blue, replace(blue, domain="green.example.com"), api_scope=by) != counts


def test_two_functions_urls_are_two() -> None:
    assert not same(Sent(shape="url", domain="a"), Sent(shape="url", domain="b"))


CHANGES: Final[dict[str, dict[str, str]]] = {
    "domain": {"domain": "other.example.com"},
    "api": {"api": "b2"},
    "stage": {"stage": "test"},
    "base": {"base": "/v2"},
}


@pytest.mark.parametrize(
    ("by", "counted"),
    [
        ("stage", {"domain", "stage", "base"}),
        ("domain", {"domain", "base"}),
        ("api", {"api", "stage"}),
        ("none", set()),
    ],
)
@pytest.mark.parametrize("change", CHANGES)
def test_the_api_scope_says_what_counts(
    sent: Sent, by: ApiScope, counted: set[str], change: str
) -> None:
    other = replace(sent, **CHANGES[change])  # type: ignore[arg-type]
    assert same(sent, other, api_scope=by) == (change not in counted)


@pytest.mark.parametrize("by", ["api", "none"])
def test_a_catch_all_route_is_one_at_each_stage_whose_name_does_not_count(by: ApiScope) -> None:
    one, other = (
        Sent(shape="http-2.0", template="$default", stage=stage, base=f"/{stage}/orders")
        for stage in ("test", "prod")
    )
    assert same(one, other, api_scope=by) == (by == "none")
    assert not same(one, other)


# Callers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["domain", "stage"])
def test_one_principal_of_the_authorizers_of_two_apis_is_two_callers(
    sent: Sent, change: str
) -> None:
    one = replace(sent, authorizer=("lambda", "user-1"))
    assert not same(one, replace(one, **CHANGES[change]))  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [{"authorizer": ("jwt", "i", "s")}, {"certificate": "alice"}])
@pytest.mark.parametrize("shape", ["rest", "http-1.0"])
def test_a_rotated_api_key_beside_another_proof_is_one_caller(
    shape: str, other: dict[str, Any]
) -> None:
    one = Sent(shape=shape, api_key="old", **other)
    assert same(one, replace(one, api_key="new"))
    alone = Sent(shape=shape, api_key="old")
    assert not same(alone, replace(alone, api_key="new"))


def test_a_renewed_certificate_is_one_caller(sent: Sent) -> None:
    one = replace(sent, certificate="alice")
    assert same(one, replace(one, serial=1))
    assert not same(one, replace(one, certificate="bob"))


def test_federated_users_of_one_account_are_two_callers(sent: Sent) -> None:
    alice, bob = (
        replace(sent, authorizer=("iam", f"123456789012:{name}")) for name in ("alice", "bob")
    )
    assert not same(alice, bob)


# Properties ---------------------------------------------------------------------------------------

VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "shape": tuple(SHAPES),
    "tenant": (None, "blue", "green"),
    "domain": (DOMAIN, "API.example.com", "other.example.com"),
    "api": ("a1", "b2"),
    "stage": ("prod", "test"),
    "base": ("", "/v2", "/prod"),
    "method": ("POST", "PUT"),
    "template": ("/orders/{id}", "/carts/{id}"),
    "id": ("7", "8"),
    "authorizer": (
        (),
        ("jwt", "i", "s"),
        ("jwt", "j", "s"),
        ("lambda", "s"),
        ("iam", "s"),
        ("iam", "123456789012:a"),
        ("iam", "123456789012:b"),
        ("iam", "AROA1:a"),
        ("iam", "AROA1:b"),
    ),
    "certificate": ("", *CERTIFICATES),
    "serial": (0, 1),
    "api_key": ("", "k1", "k2"),
    "key": ("k", "k2"),
    "body": ('{"a":1}', '{ "a": 1.0 }', '{"a":2}'),
    "query": ((), (("a", "1"), ("b", "2")), (("b", "2"), ("a", "1")), (("a", "2"),)),
    "operation": ("create", "cancel"),
    "namespace": ("orders", "carts"),
}
assert VALUES.keys() == {field.name for field in fields(Sent)}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Sent, Sent]:
    """Return two requests of one shape that differ in one thing, or in none."""
    one = Sent(**{name: draw(st.sampled_from(values)) for name, values in VALUES.items()})
    names = *tuple(VALUES)[1:], *["authorizer"] * 4
    changed = [draw(st.sampled_from(names))][: draw(st.sampled_from((0, 1, 1, 1)))]
    return one, replace(one, **{name: _neighbor(name, getattr(one, name)) for name in changed})


def _neighbor(name: str, value: Any) -> Any:
    """Return the value that differs least."""
    values = VALUES[name]
    return values[(values.index(value) + 1) % len(values)]


@thorough
@given(pairs())
def test_two_requests_are_one_only_where_all_that_counts_is_one(pair: tuple[Sent, Sent]) -> None:
    (one, of_one), (other, of_other) = map(identity, pair)
    assert (one == other) == (pair[0].meaning() == pair[1].meaning())
    assert (of_one == of_other) == (pair[0].payload() == pair[1].payload())


def first_proof(caller: callers.Caller, claim: str | None) -> callers.Principal:
    """Return the first proof that is found, as before."""
    return ORIGINAL(caller, claim)[:1]


ORIGINAL: Final = callers.principal_of
ROUTE: Final = shapes.Request.route


@pytest.mark.parametrize(
    ("place", "name", "defect"),
    [
        ("lambda_idempotency.execution.invocation_scope", "tenant_of", lambda _: None),
        ("lambda_idempotency.http.shapes", "api_of", lambda *_: ()),
        (
            "lambda_idempotency.http.shapes",
            "api_of",
            lambda context, _: (context.get("domainName"), context.get("apiId")),
        ),
        (
            "lambda_idempotency.http.shapes",
            "api_of",
            lambda context, _: (context.get("domainName"), context.get("stage")),
        ),
        ("lambda_idempotency.http.shapes.Request", "route", lambda self, _: [self.method]),
        ("lambda_idempotency.http.shapes.Request", "route", lambda self, by: ROUTE(self, by)[1:]),
        ("lambda_idempotency.http.shapes.Request", "route", lambda self, _: ROUTE(self, "none")),
        ("lambda_idempotency.http.mode", "principal_of", first_proof),
        ("lambda_idempotency.http.mode", "principal_of", lambda *_: ()),
        ("lambda_idempotency.identity.callers", "_iam_id", lambda user, _: user.partition(":")[0]),
        ("lambda_idempotency.identity.callers", "_iam_id", lambda user, _: user),
        ("lambda_idempotency.identity.callers", "_issuer", lambda _: ""),
        ("lambda_idempotency.identity.callers", "_certificate", lambda each: ("x", each.pem)),
        ("lambda_idempotency.identity.callers", "_certificate", lambda _: ("x",)),
        ("lambda_idempotency.http.payload", "_meaning", lambda request: request.event["body"]),
        ("lambda_idempotency.http.payload", "_meaning", lambda _: []),
        ("lambda_idempotency.http.shapes.Request", "query", ()),
        ("lambda_idempotency.identity.keys", "_encoded", lambda _: b""),
        ("lambda_idempotency.decorators.options", "namespace_of", lambda *_: "local"),
    ],
)
def test_a_defect_of_a_rule_is_found(
    monkeypatch: pytest.MonkeyPatch, place: str, name: str, defect: Any
) -> None:
    monkeypatch.setattr(f"{place}.{name}", defect)
    assert refutes(test_two_requests_are_one_only_where_all_that_counts_is_one, pairs())
