"""Deployed APIs: duplicates over real sockets, and each prop of `http` changes the answers."""

from __future__ import annotations

import json
import time
from typing import Any, Final
from uuid import uuid4

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from kit.aws.deployed import Deployed
from kit.aws.local import ACCOUNT, REGION
from kit.aws.web import Site
from kit.http_events import Seen

pytestmark = pytest.mark.xdist_group("deployed")

REPLAYED = "idempotency-replayed"
CREDENTIALS: Final = ("AccessKeyId", "SecretAccessKey", "SessionToken")


@pytest.fixture
def order() -> str:
    return uuid4().hex


@pytest.fixture
def api(deployed: Deployed) -> Site:
    return deployed.site("http")


def post(site: Site, function: str, order: str, *, key: str | None = None, **wish: Any) -> Seen:
    """Return a request for an order, with the order's id as the key."""
    headers = {"Idempotency-Key": order if key is None else key}
    return site.send("POST", f"/{function}/{order}", {"id": order, **wish}, headers)


@pytest.mark.parametrize("source", ["http", "rest", "url"])
def test_duplicates_at_once_have_one_effect(deployed: Deployed, order: str, source: str) -> None:
    site = deployed.site(source)
    request = ("POST", f"/Ietf/{order}", {"id": order, "sleep": 1}, {"Idempotency-Key": order})
    answers = site.at_once(6, *request)
    assert {answer.status for answer in answers} <= {201, 409}
    for answer in answers:
        if answer.status == 409:
            assert answer.headers["content-type"] == "application/problem+json"
            assert 1 <= int(answer.headers["retry-after"]) <= 5
    replay = site.send(*request)
    assert (replay.status, replay.headers[REPLAYED]) == (201, "true")
    assert {answer.body for answer in answers if answer.status == 201} == {replay.body}
    assert deployed.effects(order) == 1


@pytest.mark.parametrize("source", ["http", "rest", "url"])
def test_a_request_without_a_key_is_refused(deployed: Deployed, order: str, source: str) -> None:
    answer = deployed.site(source).send("POST", f"/Ietf/{order}", {"id": order})
    assert (answer.status, answer.json["type"]) == (400, "urn:idempotency:missing")
    assert deployed.effects(order) == 0


@pytest.mark.parametrize("source", ["http", "rest", "url"])
def test_another_payload_is_refused(deployed: Deployed, order: str, source: str) -> None:
    site = deployed.site(source)
    assert post(site, "Ietf", order).status == 201
    assert post(site, "Ietf", order, amount=5).status == 422
    assert deployed.effects(order) == 1


def test_quoted_and_bare_are_one_key(deployed: Deployed, api: Site, order: str) -> None:
    first = post(api, "Ietf", order, key=order)
    assert post(api, "Ietf", order, key=f'"{order}"').body == first.body
    assert deployed.effects(order) == 1


def test_cookies_are_not_replayed(api: Site, order: str) -> None:
    first, again = post(api, "Ietf", order), post(api, "Ietf", order)
    assert first.headers["set-cookie"] == "session=4711"
    assert "set-cookie" not in again.headers
    assert again.headers["x-run"] == first.headers["x-run"]


def test_a_binary_body_is_replayed_byte_for_byte(api: Site, order: str) -> None:
    first, again = (post(api, "Ietf", order, binary=True) for _ in range(2))
    assert len(first.body) > 256
    assert (again.body, again.headers[REPLAYED]) == (first.body, "true")


@pytest.mark.parametrize("source", ["http", "url"])
def test_an_inferred_response_is_replayed_as_it_was(
    deployed: Deployed, order: str, source: str
) -> None:
    site = deployed.site(source)
    first, again = (post(site, "Ietf", order, infer=True) for _ in range(2))
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")


def test_a_server_error_runs_again(deployed: Deployed, api: Site, order: str) -> None:
    assert [post(api, "Ietf", order, status=503).status for _ in range(2)] == [503, 503]
    assert deployed.effects(order) == 2


def test_an_exception_frees_the_key(deployed: Deployed, api: Site, order: str) -> None:
    wish: dict[str, Any] = {"raise": True}
    assert all(post(api, "Ietf", order, **wish).status in (500, 502) for _ in range(2))
    assert deployed.effects(order) == 2


def test_a_get_passes(deployed: Deployed, api: Site, order: str) -> None:
    receipts = {api.send("GET", f"/Ietf/{order}").body for _ in range(2)}
    assert len(receipts) == 2


def test_another_event_of_the_same_function_is_no_request(deployed: Deployed, order: str) -> None:
    ping = {"warm-up": order}
    first, again = deployed.invoke("Ietf", ping), deployed.invoke("Ietf", ping)
    assert first.error is None
    assert again == first


# Each profile and prop ----------------------------------------------------------------------------


def test_stripe_replays_server_errors_in_its_form(
    deployed: Deployed, api: Site, order: str
) -> None:
    first, again = (post(api, "Stripe", order, status=503) for _ in range(2))
    assert (again.status, again.body) == (503, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    other = post(api, "Stripe", order, amount=5)
    assert (other.status, other.json["error"]["type"]) == (400, "idempotency_error")
    assert deployed.effects(order) == 1


def test_the_header_prop(deployed: Deployed, api: Site, order: str) -> None:
    assert post(api, "Header", order).status == 400
    named = ("POST", f"/Header/{order}", {"id": order}, {"Request-Id": order})
    assert api.send(*named).body == api.send(*named).body
    assert deployed.effects(order) == 1


def test_the_required_prop(deployed: Deployed, api: Site, order: str) -> None:
    for _ in range(2):
        assert api.send("POST", f"/Optional/{order}", {"id": order}).status == 201
    assert deployed.effects(order) == 2


def test_the_pattern_prop(api: Site, order: str) -> None:
    assert post(api, "Pattern", order, key="another form").status == 400
    assert post(api, "Pattern", order).status == 201


def test_the_methods_prop(deployed: Deployed, api: Site, order: str) -> None:
    put = ("PUT", f"/Methods/{order}", {"id": order}, {"Idempotency-Key": order})
    assert api.send(*put).body == api.send(*put).body
    assert deployed.effects(order) == 1
    assert post(api, "Methods", order).body != post(api, "Methods", order).body


def test_the_store_statuses_prop(deployed: Deployed, api: Site, order: str) -> None:
    other = uuid4().hex
    for _ in range(2):
        assert post(api, "Statuses", order, status=403).status == 403
        assert post(api, "Statuses", other, status=201).status == 201
    assert (deployed.effects(order), deployed.effects(other)) == (1, 2)


def test_the_not_replayed_prop(api: Site, order: str) -> None:
    _, again = post(api, "NotReplayed", order), post(api, "NotReplayed", order)
    assert "x-run" not in again.headers
    assert again.headers["set-cookie"] == "session=4711"


def test_the_cors_prop(api: Site, order: str) -> None:
    path = f"/Cors/{order}"
    answer = api.send("POST", path, {}, {"Origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    answer = api.send("POST", path, {}, {"Origin": "https://other.example"})
    assert (answer.status, "access-control-allow-origin" in answer.headers) == (400, False)


def test_a_request_without_http_mode_and_key_is_refused(
    deployed: Deployed, api: Site, order: str
) -> None:
    assert post(api, "Off", order).status >= 500  # its event is another payload at each retry
    assert deployed.effects(order) == 0


# Principals and the status ------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["http", "rest"])
def test_two_principals_do_not_share_a_key(deployed: Deployed, order: str, source: str) -> None:
    site = deployed.site(source)
    answers = [
        site.send(
            "POST",
            f"/Guarded/{order}",
            {"id": order},
            {"Idempotency-Key": order, "Authorization": f"{user}@acme"},
        )
        for user in ("alice", "bob", "alice")
    ]
    assert [answer.status for answer in answers] == [201, 201, 201]
    alice, bob, again = (answer.body for answer in answers)
    assert alice == again != bob
    assert deployed.effects(order) == 2


def _sessions(deployed: Deployed) -> dict[str, Credentials]:
    """Return credentials of two federated users, and of two sessions of one role."""
    iam, sts = deployed.client("iam"), deployed.client("sts")
    allowed = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    trusted = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    }
    policy, trust = (
        json.dumps({"Version": "2012-10-17", "Statement": [each]}) for each in (allowed, trusted)
    )
    role = iam.create_role(RoleName=uuid4().hex, AssumeRolePolicyDocument=trust)["Role"]
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="call", PolicyDocument=policy)
    found = {
        name: sts.get_federation_token(Name=name, Policy=policy) for name in ("alice", "bob")
    } | {
        name: sts.assume_role(RoleArn=role["Arn"], RoleSessionName=name)
        for name in ("worker-1", "worker-2")
    }
    return {
        name: Credentials(*(each["Credentials"][part] for part in CREDENTIALS))
        for name, each in found.items()
    }


def test_federated_users_do_not_share_a_key_and_workers_of_a_role_do(
    deployed: Deployed, order: str
) -> None:
    site, sessions = deployed.site("rest"), _sessions(deployed)
    url = f"{site.url}/Signed/{order}"

    def sent(name: str) -> Seen:
        body = {"id": order}
        request = AWSRequest("POST", url, {"Idempotency-Key": order}, json.dumps(body))
        SigV4Auth(sessions[name], "execute-api", REGION).add_auth(request)
        return site.send("POST", f"/Signed/{order}", body, dict(request.headers))

    callers = ("alice", "bob", "worker-1", "alice", "bob", "worker-2")
    answers = [sent(name) for name in callers]
    assert [answer.status for answer in answers] == [201] * 6, answers[0].body
    assert [REPLAYED in answer.headers for answer in answers] == [False] * 3 + [True] * 3
    assert [answer.body for answer in answers[3:]] == [answer.body for answer in answers[:3]]
    assert deployed.effects(order) == 3


def test_the_principal_claim_prop(deployed: Deployed, api: Site, order: str) -> None:
    answers = [
        api.send(
            "POST",
            f"/Claim/{order}",
            {"id": order},
            {"Idempotency-Key": order, "Authorization": caller},
        )
        for caller in ("alice@acme", "bob@acme", "alice@other")
    ]
    assert [REPLAYED in answer.headers for answer in answers] == [False, True, False]
    assert deployed.effects(order) == 2


@pytest.mark.parametrize("source", ["http", "rest"])
def test_a_duplicate_of_a_running_request_can_poll_for_its_end(
    deployed: Deployed, order: str, source: str
) -> None:
    site = deployed.site(source)
    request = (
        "POST",
        f"/Accepted/{order}",
        {"id": order, "sleep": 1.5},
        {"Idempotency-Key": order},
    )
    answers = site.at_once(3, *request)
    [ran] = [answer for answer in answers if answer.status == 201]
    places = {answer.headers["location"] for answer in answers if answer.status == 202}
    assert ran.headers.get(REPLAYED) is None
    [place] = places
    deadline = time.monotonic() + 30
    while (answer := site.send("GET", place)).status == 202:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert (answer.status, answer.json) == (200, {"status": "completed"})
    assert site.send(*request).body == ran.body
    assert deployed.effects(order) == 1


def test_the_status_tells_the_response_to_its_own_caller_alone(
    deployed: Deployed, api: Site, order: str
) -> None:
    alice, bob = {"Authorization": "alice@acme"}, {"Authorization": "bob@acme"}
    before = {item["id"]["S"] for item in deployed.records("Guarded")}
    path = f"/Guarded/{order}"
    first = api.send("POST", path, {"id": order}, {"Idempotency-Key": order, **alice})
    [record] = {item["id"]["S"] for item in deployed.records("Guarded")} - before
    place = f"/guarded/status/{record.partition('#')[2]}"
    own = api.send("GET", place, None, alice)
    assert (own.status, own.body, own.headers[REPLAYED]) == (201, first.body, "true")
    assert api.send("GET", place, None, bob).status == 404
    assert api.send("GET", place).status in (401, 403)
    assert api.send("GET", "/guarded/status/none", None, alice).status == 400


def test_an_unknown_token_is_not_found(api: Site) -> None:
    assert api.send("GET", f"/idempotency/{'0' * 64}").status == 404
