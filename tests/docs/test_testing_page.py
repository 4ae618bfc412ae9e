"""The code of docs/testing.md does what the page says; tests/testing/test_moto.py runs the rest."""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from kit.checks import attached
from kit.pages import run
from kit.synth import function, stack
from lambda_idempotency import MemoryStore, current, idempotent
from lambda_idempotency.contract.settings import Settings
from lambda_idempotency.testing import LambdaContext, Simulation
from lambda_idempotency.testing import plugin as the_plugin


def test_the_plugin_is_the_one_that_there_is() -> None:
    [name] = run("pytest_plugins", page="testing")["pytest_plugins"]
    assert name == the_plugin.__name__


def test_a_payment_survives_a_crash() -> None:
    store = MemoryStore()
    simulate = Simulation(store)
    names = run("def test_a_payment_survives", page="testing")
    names["handler"] = idempotent(store=store)(lambda event, _: current().attempt)
    names["test_a_payment_survives_a_crash"](simulate, simulate.stores, LambdaContext())


def test_a_sample_is_changed() -> None:
    names = run("sample(", page="testing")
    assert names["message"]["Records"][0]["body"] == '{"order_id": 7}'
    assert names["again"] != names["message"]


def test_the_environment_is_that_of_the_deployed_function() -> None:
    payments = function(stack())
    idempotency = attached(payments, key="payment_id", fail_open=True)
    with mock.patch.dict(os.environ):
        run("def load_as_deployed", page="testing")["load_as_deployed"](idempotency, payments)
        settings = Settings.from_environment(os.environ)
        found: dict[str, Any] = vars(settings)
    [namespace] = idempotency.namespaces.values()
    assert (found["key"], found["fail_open"], found["namespace"]) == ("payment_id", True, namespace)
    assert (found["store"], found["table"]) == ("memory", None)
