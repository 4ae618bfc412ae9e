"""`GET {status_path}/{token}`: its answers, and the callers who get them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from kit.http_events import SHAPES, Http, Seen, respond, seen
from lambda_idempotency import HttpOptions, MemoryStore, idempotent
from lambda_idempotency.protocol.record import Reply

POST: Final = Http()
ACCEPTED: Final = HttpOptions(profile="accepted")


class Service:
    """A handler behind the `accepted` profile, in one shape."""

    def __init__(self, shape: str, store: MemoryStore) -> None:
        self.shape, self.store = shape, store
        self.places: list[str] = []
        self.body: Any = '{"id": 7}'
        self.options: dict[str, Any] = {"http": ACCEPTED, "lease": 30}
        self.meanwhile: Callable[[], Any] = self.duplicate
        self.error: BaseException | None = None

    def duplicate(self) -> None:
        """Send the same request again, and keep the location in the response."""
        self.places.append(self.send(POST).headers["location"])

    def handler(self, event: Any, context: Any) -> Any:
        if event.get("body") is None:
            return respond(self.shape, 200, "passed", {})
        self.meanwhile()
        if self.error is not None:
            raise self.error
        return respond(self.shape, 201, self.body, {"X-Order": "7", "Content-Type": "text/plain"})

    def send(self, http: Http) -> Seen:
        handler = idempotent(store=self.store, **self.options)(self.handler)
        return seen(self.shape, handler(SHAPES[self.shape](http), None))

    def ask(self, token: str, *, base: str = "/idempotency", **options: Any) -> Seen:
        return self.send(
            Http(
                method="GET",
                template=f"{base}/{{token}}",
                parameters={"token": token},
                headers=(),
                query=(),
                body=None,
                **options,
            )
        )

    def token(self) -> str:
        """Return the token of the only record."""
        [key] = self.store.records()
        return key.partition("#")[2]


@pytest.fixture(params=SHAPES)
def service(request: pytest.FixtureRequest, store: MemoryStore) -> Service:
    return Service(request.param, store)


def test_the_location_is_the_status_at_the_requests_stage(service: Service) -> None:
    service.send(POST)
    [place] = service.places
    stage = "/prod" if service.shape in ("rest", "http-1.0", "http-2.0") else ""
    assert place == f"{stage}/idempotency/{service.token()}"


def test_in_progress(service: Service) -> None:
    answers = []

    def ask() -> None:
        answers.append(service.ask(service.token()))

    service.meanwhile = ask
    service.send(POST)
    [answer] = answers
    assert (answer.status, answer.json) == (202, {"status": "in_progress"})
    assert answer.headers["retry-after"] == "5"


def test_completed_with_an_authorizer_is_the_response(service: Service) -> None:
    service.meanwhile = lambda: None
    first = service.send(replace(POST, caller="alice"))
    answer = service.ask(service.token(), caller="alice")
    marked = {**first.headers, "idempotency-replayed": "true"}
    assert answer == Seen(201, marked, first.body)


def test_completed_without_an_authorizer_is_the_state_alone(service: Service) -> None:
    service.send(POST)
    answer = service.ask(service.token())
    assert (answer.status, answer.json) == (200, {"status": "completed"})
    assert "x-order" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("caller", "status"), [("alice", 410), (None, 200)])
def test_completed_without_a_stored_body(service: Service, caller: str | None, status: int) -> None:
    service.meanwhile = lambda: None
    service.body = {1, 2}
    service.send(replace(POST, caller=caller))
    assert service.ask(service.token(), caller=caller).status == status


def test_completed_with_a_body_that_was_not_to_be_kept_is_the_state(service: Service) -> None:
    service.meanwhile = lambda: None
    service.options["store_response"] = False
    service.send(replace(POST, caller="alice"))
    answer = service.ask(service.token(), caller="alice")
    assert (answer.status, answer.json) == (200, {"status": "completed"})


@pytest.mark.parametrize("asker", ["bob", None])
def test_another_callers_request_is_not_found(service: Service, asker: str | None) -> None:
    service.meanwhile = lambda: None
    service.send(replace(POST, caller="alice"))
    answer = service.ask(service.token(), caller=asker)
    assert (answer.status, answer.json["title"]) == (404, "No such request")


def test_an_anonymous_request_is_not_found_by_a_caller_with_a_name(service: Service) -> None:
    service.send(POST)
    assert service.ask(service.token(), caller="alice").status == 404


def test_a_record_that_no_http_request_made_is_not_found(service: Service) -> None:
    service.meanwhile = lambda: None
    idempotent(store=service.store)(lambda event, context: 1)({"warm-up": 1}, None)
    assert service.ask(service.token()).status == 404


def test_unknown(service: Service) -> None:
    assert service.ask("0" * 64).status == 404


def test_expired(service: Service, clock: ManualClock) -> None:
    service.send(POST)
    clock.advance(24 * 3600 + 1)
    assert service.ask(service.token()).status == 404


def test_parked(service: Service, clock: ManualClock) -> None:
    service.options["max_attempts"] = 1
    _die(service, clock)
    service.send(POST)
    assert service.ask(service.token()).status == 500


def test_interrupted(service: Service, clock: ManualClock) -> None:
    _die(service, clock)
    answer = service.ask(service.token())
    assert (answer.status, answer.json["title"]) == (409, "Request interrupted")


def _die(service: Service, clock: ManualClock) -> None:
    """Leave an attempt whose lease has ended: it raised, and could not release its key."""
    release = service.store.release
    service.store.release = lambda key, owner: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    service.error = ArithmeticError()
    service.meanwhile = lambda: None
    with pytest.raises(ArithmeticError):
        service.send(POST)
    service.error = None
    service.store.release = release  # type: ignore[method-assign]
    clock.advance(32)


@pytest.mark.parametrize("token", ["x", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "*", "a%20b"])
def test_a_malformed_token(service: Service, token: str) -> None:
    answer = service.ask(token)
    assert (answer.status, answer.json["title"]) == (400, "Malformed token")


def test_an_outage(service: Service) -> None:
    class Down(MemoryStore):
        def read(self, key: str) -> Reply:
            raise ConnectionError

    service.store = Down()
    assert service.ask("0" * 64).status == 503


@pytest.mark.parametrize(
    "base", ["/users/idempotency", "/idempotency/x", "/other", "/Idempotency", "/xidempotency"]
)
def test_another_path_is_no_status(service: Service, base: str) -> None:
    assert service.ask("0" * 64, base=base).body == "passed"


@pytest.mark.parametrize("profile", ["ietf", "stripe"])
def test_other_profiles_have_no_status_unless_told(service: Service, profile: Any) -> None:
    service.options["http"] = HttpOptions(profile=profile)
    assert service.ask("0" * 64).body == "passed"
    service.options["http"] = HttpOptions(profile=profile, status_path="/status")
    assert service.ask("0" * 64, base="/status").status == 404


@pytest.mark.parametrize(
    ("template", "parameters", "path", "prefix"),
    [
        ("/orders", {}, "/prod/orders", "/prod"),
        ("/orders", {}, "/orders", ""),
        ("/orders/{id}", {"id": "7"}, "/v1/prod/orders/7", "/v1/prod"),
        ("/{proxy+}", {"proxy": "a/b/c"}, "/prod/a/b/c", "/prod"),
        ("/{proxy+}", {"proxy": "a"}, "/a", ""),
        ("/", {}, "/prod/", "/prod"),
        ("/", {}, "/prod", "/prod"),
        ("/", {}, "/", ""),
        ("/files/{proxy+}", {"proxy": "a/b"}, "/v1/files/a%2Fb", "/v1"),
        ("/files/{proxy+}", {"proxy": "x"}, "/files/files/x", "/files"),
        ("/orders", {}, "/prod/carts", ""),
        ("$default", {}, "/prod/a/b", "/prod"),
        ("$default", {}, "/production/a", ""),
        # No header of ours holds what a client has put into the path.
        (
            "/orders/{id}",
            {"id": "a\r\nSet-Cookie: b=c/d/e"},
            "/orders/a\r\nSet-Cookie: b=c/d/e",
            "",
        ),
        ("/orders", {}, "//elsewhere.example/orders", ""),
        ("/orders", {}, "/\u00e9/orders", ""),
    ],
)
def test_the_location_keeps_what_stands_before_the_apis_paths(
    template: str, parameters: dict[str, str], path: str, prefix: str
) -> None:
    from lambda_idempotency.http.shapes import Format2

    event = {
        "rawPath": path,
        "routeKey": template if template == "$default" else f"ANY {template}",
        "pathParameters": parameters,
        "requestContext": {"stage": "prod", "http": {"method": "POST"}},
    }
    assert Format2(event).prefix == prefix


def test_a_load_balancer_has_no_stage_before_its_paths() -> None:
    from lambda_idempotency.http.shapes import LoadBalancer

    event = {"path": "/None/orders", "requestContext": {"elb": {}}}
    assert LoadBalancer(event).prefix == ""
