"""The pytest plugin, as the author of a function uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kit.aws.local import ROOT

CONFTEST = """
pytest_plugins = ["lambda_idempotency.testing.plugin"]
"""
PAYMENTS = """
from lambda_idempotency import idempotent

effects = []

@idempotent(key="id", expires_after=60)
def handler(event, context):
    effects.append(event["id"])
    return len(effects)
"""
TESTS = """
import payments

def test_a_payment_is_charged_once(idempotency_store, lambda_context):
    first = payments.handler({"id": 1}, lambda_context)
    assert payments.handler({"id": 1}, lambda_context) == first
    assert len(idempotency_store.records()) == 1

def test_each_test_has_a_fresh_store(idempotency_store):
    assert idempotency_store.records() == {}
    before = len(payments.effects)
    payments.handler({"id": 1}, None)
    assert len(payments.effects) == before + 1

def test_the_clock_moves_on_command(idempotency_clock):
    first = payments.handler({"id": 1}, None)
    idempotency_clock.advance(59)
    assert payments.handler({"id": 1}, None) == first
    idempotency_clock.advance(2)
    assert payments.handler({"id": 1}, None) != first

def test_the_next_test_has_the_process_time(idempotency_store):
    payments.handler({"id": 1}, None)
    [record] = idempotency_store.records().values()
    assert record.expiration != 1_800_000_060

def test_a_crash_is_survived(simulate):
    simulate.crash(payments.handler, {"id": 1}, None)
    payments.handler({"id": 1}, None)
    [record] = simulate.stores.records().values()
    assert record.attempt == 2
"""


def test_a_suite_with_the_plugin_passes(tmp_path: Path) -> None:
    for name, text in {"conftest": CONFTEST, "payments": PAYMENTS, "test_payments": TESTS}.items():
        (tmp_path / f"{name}.py").write_text(text)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'runtime'}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "5 passed" in run.stdout, run.stdout + run.stderr
