"""The examples are free of findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.payments.stack import PaymentsStack
from kit.synth import app, warnings

SECRET = "arn:aws:secretsmanager:us-east-1:111111111111:secret:redis-AbCdEf"


@pytest.mark.parametrize("store", ["dynamodb", "redis"])
def test_the_payments_example_has_no_finding(store: str, tmp_path: Path) -> None:
    scope = app()
    ca = tmp_path / "ca.pem"
    ca.write_text("-----BEGIN CERTIFICATE-----\n")
    context = {
        "store": store,
        "redis_host": "redis.example.com",
        "redis_port": "6379",
        "redis_ca": str(ca),
        "redis_user": "payments",
        "redis_secret": SECRET,
        "redis_admin_secret": SECRET,
    }
    for name, value in context.items():
        scope.node.set_context(name, value)
    assert warnings(PaymentsStack(scope, "Payments"), "*") == []
