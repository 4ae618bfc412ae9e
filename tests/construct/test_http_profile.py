"""The `http` prop reaches the function's environment, and invalid values are refused."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import CfnParameter

from cdk_idempotency import HttpProfile, Idempotency
from kit.synth import environments, function, stack, template, variables

PROFILES: list[tuple[HttpProfile | None, str]] = [
    (None, "off"),
    (HttpProfile.stripe(), '{"profile":"stripe"}'),
    (HttpProfile.accepted(), '{"profile":"accepted"}'),
    (HttpProfile.ietf(header="Request-Id"), '{"header":"Request-Id"}'),
    (HttpProfile.ietf(required=False), '{"required":false}'),
    (HttpProfile.ietf(pattern="[0-9]+"), '{"pattern":"[0-9]+"}'),
    (HttpProfile.ietf(methods=["POST"]), '{"methods":["POST"]}'),
    (HttpProfile.ietf(principal_claim="tenant"), '{"principal_claim":"tenant"}'),
    (HttpProfile.ietf(store_statuses=[201, "4xx"]), '{"store_statuses":["201","4xx"]}'),
    (HttpProfile.ietf(api_scope="domain"), '{"api_scope":"domain"}'),
    (HttpProfile.ietf(not_replayed=["X-Run"]), '{"not_replayed":["X-Run"]}'),
    (HttpProfile.ietf(replayed=["Date"]), '{"replayed":["Date"]}'),
    (HttpProfile.ietf(cors=["https://shop.example"]), '{"cors":["https://shop.example"]}'),
    (HttpProfile.ietf(status_path="/status"), '{"status_path":"/status"}'),
]


@pytest.fixture(scope="module")
def deployed() -> dict[str, dict[str, Any]]:
    """Return the environments of functions that have one profile each, or the default."""
    scope = stack()
    Idempotency(scope, "Of").attach(function(scope, "Plain"))
    for number, (profile, _) in enumerate([*PROFILES, (HttpProfile.ietf(), "")]):
        Idempotency(scope, f"Of{number}", http=profile).attach(function(scope, f"F{number}"))
    return environments(template(scope))


@pytest.mark.parametrize("number", range(len(PROFILES)), ids=lambda n: PROFILES[n][1])
def test_a_profile_reaches_the_function(deployed: dict[str, dict[str, Any]], number: int) -> None:
    assert deployed[f"F{number}"]["IDEMPOTENCY_HTTP"] == PROFILES[number][1]


@pytest.mark.parametrize("name", ["Plain", f"F{len(PROFILES)}"])
def test_the_default_profile_is_not_written(deployed: dict[str, dict[str, Any]], name: str) -> None:
    assert "IDEMPOTENCY_HTTP" not in deployed[name]


def test_a_profile_of_attach_wins_over_the_constructs() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", http=HttpProfile.stripe())
    idempotency.attach(function(scope), http=None)
    assert variables(template(scope))["IDEMPOTENCY_HTTP"] == "off"


def test_an_origin_may_be_a_token() -> None:
    scope = stack()
    origin = CfnParameter(scope, "Origin").value_as_string
    Idempotency(scope, "Idempotency", http=HttpProfile.ietf(cors=[origin])).attach(function(scope))
    found = variables(template(scope))["IDEMPOTENCY_HTTP"]
    assert found == {"Fn::Join": ["", ['{"cors":["', {"Ref": "Origin"}, '"]}']]}


BAD: list[tuple[Any, str]] = [
    ("stripe", "http is 'stripe'; expected HttpProfile.ietf(), another, or None"),
    (HttpProfile.ietf(header="a b"), "http header is 'a b'; expected the name of a header"),
    (HttpProfile.ietf(pattern="["), "http pattern is '['; expected a regular expression"),
    (HttpProfile.ietf(methods="POST"), "http methods is 'POST'; expected"),
    (HttpProfile.ietf(store_statuses=[700]), "http store_statuses is ('700',); expected statuses"),
    (HttpProfile.ietf(cors=["shop.example"]), "origins such as 'https://shop.example'"),
    (HttpProfile.ietf(status_path="status"), "http status_path is 'status'; expected a path"),
    (HttpProfile.ietf(ttl=5), "http ttl is not a prop; the props are api_scope, cors"),  # type: ignore[call-arg]
    (HttpProfile.ietf(header="${Token[TOKEN.9]}"), "http header is a CDK token"),
]


@pytest.mark.parametrize(("profile", "message"), BAD, ids=lambda value: str(value)[:40])
def test_a_senseless_profile_is_refused(profile: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape("[Stack/Idempotency] ")) as refused:
        Idempotency(stack(), "Idempotency", http=profile)
    assert message in str(refused.value)


def test_the_variable_is_compact_json() -> None:
    text = HttpProfile.stripe(methods=["POST", "PUT"]).options().to_text()
    assert json.loads(text) == {"profile": "stripe", "methods": ["POST", "PUT"]}
    assert " " not in text
