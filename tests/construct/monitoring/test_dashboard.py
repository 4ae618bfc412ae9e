"""The dashboard, with the graphs of its store."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Size, Stack

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.synth import function, only, stack, template, vpc


def _body(scope: Stack) -> str:
    """The dashboard's JSON, in which what is known at deployment is a name."""
    body: Any = only(template(scope), "AWS::CloudWatch::Dashboard")["DashboardBody"]
    parts = body["Fn::Join"][1] if isinstance(body, dict) else [body]
    return "".join(part if isinstance(part, str) else str(part.get("Ref", "?")) for part in parts)


def _widgets(scope: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_body(scope))["widgets"]
    return found


def _titles(scope: Stack) -> list[str]:
    return [w["properties"]["title"] for w in _widgets(scope) if "title" in w["properties"]]


COMMON = [
    "Requests",
    "Store latency, ms",
    "What must never happen",
    "Attempts that died",
    "Runs by function",
    "Replays by function",
]


def test_requests_latency_alarms_and_the_table_are_shown() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").dashboard()
    assert _titles(scope) == [
        *COMMON,
        "Table: throttles",
        "Table: units",
        "Table: refused conditions, deletions by TTL",
    ]


def test_the_cache_is_shown() -> None:
    scope = stack()
    maximum = Size.gibibytes(5)
    store = IdempotencyStore.elasticache_serverless(vpc=vpc(scope), data_storage_maximum=maximum)
    Idempotency(scope, "Idempotency", store=store).dashboard()
    assert _titles(scope)[6:] == ["Cache: ECPUs", "Cache: bytes", "Cache: throttles, evictions"]


def test_of_a_server_of_ones_own_there_is_nothing_but_our_metrics() -> None:
    scope = stack()
    store = IdempotencyStore.redis(parameter="/redis", credentials=RedisCredentials.none())
    Idempotency(scope, "Idempotency", store=store).dashboard()
    assert _titles(scope) == COMMON


def test_functions_that_are_attached_later_are_found_by_a_search() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.dashboard()
    idempotency.attach(function(scope))
    [runs] = [w for w in _widgets(scope) if w["properties"].get("title") == "Runs by function"]
    [[search]] = runs["properties"]["metrics"]
    assert "{CdkIdempotency,store,namespace}" in search["expression"]
    assert 'MetricName=\\"Executed\\"' in json.dumps(search["expression"])


def test_the_latency_has_its_median_and_its_tail() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").dashboard()
    [latency] = [w for w in _widgets(scope) if w["properties"].get("title") == "Store latency, ms"]
    assert {metric[-1]["stat"] for metric in latency["properties"]["metrics"]} == {"p50", "p99"}


def test_the_runbook_is_linked() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").dashboard(runbook="https://wiki.example.com/idempotency")
    assert "[runbook](https://wiki.example.com/idempotency)" in _body(scope)


def test_a_second_dashboard_is_refused() -> None:
    idempotency = Idempotency(stack(), "Idempotency")
    idempotency.dashboard()
    with pytest.raises(ValueError, match=r"Stack/Idempotency\] it has a dashboard already"):
        idempotency.dashboard()
