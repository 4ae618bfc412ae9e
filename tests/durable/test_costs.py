"""Durable executions cost nothing where there are none: no import, and three short calls."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest

from lambda_idempotency import MemoryStore, idempotent
from lambda_idempotency.execution.durable.forms import PACKAGE

USE = """
import sys
from lambda_idempotency import MemoryStore, idempotent, idempotent_function, idempotent_records

handler = idempotent(store=MemoryStore())(lambda event, context: event["id"])
handler({"id": 1}, None)
idempotent_function(store=MemoryStore(), name="f")(lambda id: id)(1)
idempotent_records(store=MemoryStore(), name="r")(lambda record, context: None)
print(*sorted(name for name in sys.modules if "durable" in name or name in ("boto3", "botocore")))
"""


def test_nothing_of_it_is_loaded() -> None:
    found = subprocess.run(
        [sys.executable, "-c", USE], capture_output=True, text=True, check=True
    ).stdout.split()
    assert found == [
        "lambda_idempotency.execution.durable",
        "lambda_idempotency.execution.durable.forms",
    ]


def test_a_call_looks_at_its_event_and_context_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    handler = idempotent(store=MemoryStore())(lambda event, _: event["id"])
    handler({"id": 0}, None)
    seen: Counter[str] = Counter()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and "/execution/durable/" in frame.f_code.co_filename:
            seen[frame.f_code.co_name] += 1

    sys.setprofile(profile)
    try:
        handler({"id": 1}, None)
    finally:
        sys.setprofile(None)
    assert seen == {"form_of": 1, "is_durable_context": 1, "is_envelope": 1}
