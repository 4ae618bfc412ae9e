"""Checks run during synthesis, which shows their findings."""

from __future__ import annotations

import pytest
from aws_cdk import Annotations, Stack, Stage
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations as Messages
from aws_cdk.assertions import Match

from cdk_idempotency import Idempotency
from kit.changed import OTHER, changed
from kit.checks import attached
from kit.synth import app, function, stack, template, warnings

WARNING = "cdk-idempotency:report-batch-item-failures"
INFO = "cdk-idempotency:byte-code"


def _with_mapping(scope: Stack) -> lambda_.Function:
    """Return an attached function with a warning on its event source mapping."""
    payments = function(scope)
    Idempotency(scope, "Idempotency").attach(payments)
    dead = sqs.DeadLetterQueue(queue=sqs.Queue(scope, "Dead"), max_receive_count=3)
    queue = sqs.Queue(scope, "Queue", dead_letter_queue=dead)
    payments.add_event_source(sources.SqsEventSource(queue))
    return payments


def _infos(scope: Stack) -> list[str]:
    found = Messages.from_stack(scope).find_info("*", Match.any_value())
    return [str(entry.entry.data) for entry in found]


def test_a_warning_names_the_id_that_acknowledges_it() -> None:
    scope = stack()
    _with_mapping(scope)
    [warning] = warnings(scope, "*")
    assert f"[ack: {WARNING}]" in warning


def test_a_warning_can_be_acknowledged_above_its_construct() -> None:
    scope = stack()
    Annotations.of(_with_mapping(scope)).acknowledge_warning(WARNING, "one record a batch")
    assert warnings(scope, "*") == []


def test_a_warning_that_is_acknowledged_elsewhere_stays() -> None:
    scope = stack()
    _with_mapping(scope)
    Annotations.of(function(scope, "Other")).acknowledge_warning(WARNING, "another one")
    assert len(warnings(scope, "*")) == 1


def test_an_info_names_the_id_that_acknowledges_it() -> None:
    scope = stack()
    changed(scope, runtime=OTHER)
    [info] = _infos(scope)
    assert f"[ack: {INFO}]" in info


def test_an_info_can_be_acknowledged() -> None:
    scope = stack()
    changed(scope, runtime=OTHER)
    Annotations.of(scope).acknowledge_info(INFO, "a slow start is fine")
    assert _infos(scope) == []


def test_an_error_ends_the_synthesis_and_names_the_construct_and_its_id() -> None:
    scope = stack()
    payments = function(scope)
    attached(payments)
    payments.add_environment("LARGE", "x" * 5000)
    with pytest.raises(
        Exception, match=r"(?s)Stack/Payments: .*\[cdk-idempotency:environment-size\]"
    ):
        template(scope)


def test_every_construct_of_an_app_is_checked() -> None:
    scope = app()
    stacks = [stack(scope, name) for name in ("First", "Second")]
    for each in stacks:
        _with_mapping(each)
    assert [len(warnings(each, "*")) for each in stacks] == [1, 1]


def test_a_stage_is_checked_too() -> None:
    stage = Stage(app(), "Production")
    scope = Stack(stage, "Stack")
    _with_mapping(scope)
    assert len(warnings(scope, "*")) == 1
