"""Which version runs is told where people look for it."""

from __future__ import annotations

import logging
import tomllib
from typing import Any

import pytest

import cdk_idempotency
import lambda_idempotency
from cdk_idempotency import Idempotency
from kit.aws.local import ROOT
from kit.synth import function, only, stack, template
from lambda_idempotency import MemoryStore, idempotent
from lambda_idempotency.contract.names import VERSION


def test_both_packages_have_the_projects_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert lambda_idempotency.__version__ == cdk_idempotency.__version__ == project["version"]


def test_the_layer_says_its_version() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope))
    layer = only(template(scope), "AWS::Lambda::LayerVersion")
    assert layer["Description"].startswith(f"cdk-idempotency {VERSION}: ")


def _decorated(namespace: str) -> Any:
    return idempotent(store=MemoryStore(), namespace=namespace)(lambda event, _: event)


def test_an_environment_says_once_at_info_which_runtime_it_has(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payments")
    caplog.set_level(logging.INFO, logger="lambda_idempotency")
    _decorated("version-of-payments")
    handler = _decorated("version-of-payments")
    handler({"id": 1}, None)
    line = f"lambda_idempotency {VERSION}: records of version-of-payments in memory"
    assert caplog.record_tuples == [("lambda_idempotency", logging.INFO, line)]


def test_outside_of_lambda_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="lambda_idempotency")
    _decorated("version-elsewhere")
    assert caplog.record_tuples == []
