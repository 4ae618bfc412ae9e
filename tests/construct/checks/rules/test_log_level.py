"""Log settings that drop the lines of metrics are reported."""

from __future__ import annotations

import pytest
from aws_cdk import Fn
from aws_cdk import aws_lambda as lambda_

from kit.checks import attached, findings
from kit.synth import function, stack

JSON = lambda_.LoggingFormat.JSON
TEXT = lambda_.LoggingFormat.TEXT


@pytest.mark.parametrize(
    ("level", "found"),
    [("TRACE", 0), ("DEBUG", 0), ("INFO", 0), ("WARN", 1), ("ERROR", 1), ("FATAL", 1)],
)
def test_a_level_above_info_drops_lines_without_a_level(level: str, found: int) -> None:
    payments = function(
        stack(),
        logging_format=JSON,
        application_log_level_v2=getattr(lambda_.ApplicationLogLevel, level),
    )
    assert len(findings(attached(payments), "log-level")) == found


def test_the_message_names_the_level() -> None:
    level = lambda_.ApplicationLogLevel.ERROR
    payments = function(stack(), logging_format=JSON, application_log_level_v2=level)
    [finding] = findings(attached(payments), "log-level")
    assert finding.construct.node.path == "Stack/Payments"
    assert "application log level ERROR drops" in finding.message


@pytest.mark.parametrize("log_format", [None, TEXT, JSON])
def test_the_default_level_drops_nothing(log_format: lambda_.LoggingFormat | None) -> None:
    assert findings(attached(function(stack(), logging_format=log_format)), "log-level") == []


def test_the_level_of_lambdas_own_lines_is_none_of_ours() -> None:
    level = lambda_.SystemLogLevel.WARN
    payments = function(stack(), logging_format=JSON, system_log_level_v2=level)
    assert findings(attached(payments), "log-level") == []


def test_a_level_of_the_raw_resource_is_seen() -> None:
    payments = function(stack())
    resource = payments.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.logging_config = lambda_.CfnFunction.LoggingConfigProperty(
        log_format="JSON", application_log_level="WARN"
    )
    assert len(findings(attached(payments), "log-level")) == 1


def test_a_level_that_only_the_deployment_knows_is_none_of_ours() -> None:
    payments = function(stack())
    resource = payments.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.logging_config = lambda_.CfnFunction.LoggingConfigProperty(
        log_format="JSON", application_log_level=Fn.ref("Level")
    )
    assert findings(attached(payments), "log-level") == []


def test_nothing_is_dropped_where_there_are_no_metrics() -> None:
    level = lambda_.ApplicationLogLevel.ERROR
    payments = function(stack(), logging_format=JSON, application_log_level_v2=level)
    assert findings(attached(payments, metrics=False), "log-level") == []
