"""Requests to the store are seen in traces, where a package that has them is loaded."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from kit.aws.local import ROOT
from lambda_idempotency import MemoryStore, StoreError, idempotent
from lambda_idempotency.protocol.record import Claim, Record, Reply
from lambda_idempotency.stores.traced import TracedStore

EVENT = {"card": "4111"}


class DynamoDB(MemoryStore):
    """A store of the module's name that says no."""

    __module__ = "lambda_idempotency.stores.dynamodb"

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        raise StoreError("table of card 4111", code="AccessDeniedException")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Any:
    trace = pytest.importorskip("opentelemetry.trace")
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter, provider = memory.InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter.get_finished_spans


def test_each_request_is_a_span_of_a_client(spans: Any) -> None:
    handler = idempotent(store=MemoryStore())(lambda event, _: event)
    handler(EVENT, None)
    assert [span.name for span in spans()] == ["PutItem memory", "PutItem memory"]
    assert {span.kind.name for span in spans()} == {"CLIENT"}
    assert "4111" not in str([span.to_json() for span in spans()])


def test_a_failed_request_has_its_code_and_not_its_words(spans: Any) -> None:
    handler = idempotent(store=DynamoDB(), namespace="shop")(lambda event, _: event)
    with pytest.raises(StoreError):
        handler(EVENT, None)
    [span, *_] = spans()
    assert span.status.status_code.name == "ERROR"
    assert dict(span.attributes) == {
        "db.system.name": "aws.dynamodb",
        "db.operation.name": "PutItem",
        "aws.dynamodb.table_names": ("memory",),
        "error.type": "AccessDeniedException",
        "db.response.status_code": "AccessDeniedException",
    }
    assert "4111" not in span.to_json()


def test_each_request_is_a_subsegment(monkeypatch: pytest.MonkeyPatch) -> None:
    core = pytest.importorskip("aws_xray_sdk.core")
    sent: list[Any] = []
    monkeypatch.setattr(core.xray_recorder, "_emitter", type("E", (), {"send_entity": sent.append}))
    core.xray_recorder.configure(sampling=False)
    with core.xray_recorder.in_segment("invocation") as segment:
        handler = idempotent(store=MemoryStore())(lambda event, _: event)
        handler(EVENT, None)
        assert [each.name for each in segment.subsegments] == ["memory", "memory"]
        assert not [each for each in segment.subsegments if each.in_progress]


def test_a_store_without_packages_of_traces_is_left_as_it_is() -> None:
    code = (
        "import sys; from lambda_idempotency import MemoryStore, idempotent\n"
        "handler = idempotent(store=MemoryStore())(lambda event, _: event)\n"
        "handler({'id': 1}, None)\n"
        "assert 'lambda_idempotency.stores.traced' not in sys.modules\n"
    )
    path = str(ROOT / "runtime")
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": path})


def test_a_traced_store_is_the_one_behind_it() -> None:
    store = MemoryStore()
    traced = TracedStore(store)
    assert (traced.name, traced.label) == (store.name, store.label)
    assert (traced.renews, traced.transactional) == (True, True)
