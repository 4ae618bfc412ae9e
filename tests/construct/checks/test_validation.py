"""When checks run, what becomes of their findings, and what they can see of the app."""

from __future__ import annotations

import pytest
from aws_cdk import Annotations, App, Stack, Stage
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import Idempotency
from cdk_idempotency.checks.catalog import RULES
from cdk_idempotency.checks.model.tree import ConstructTree
from constructs import Construct
from kit.synth import app, function, stack, template, warnings

ID = "cdk-idempotency:report-batch-item-failures"


def _with_mapping(scope: Stack) -> lambda_.Function:
    attached = function(scope)
    Idempotency(scope, "Idempotency").attach(attached)
    dead = sqs.DeadLetterQueue(queue=sqs.Queue(scope, "Dead"), max_receive_count=3)
    queue = sqs.Queue(scope, "Queue", dead_letter_queue=dead)
    attached.add_event_source(sources.SqsEventSource(queue))
    return attached


def _mapping(scope: Construct) -> lambda_.CfnEventSourceMapping:
    [found] = ConstructTree(scope.node.root).resources(lambda_.CfnEventSourceMapping)
    return found


def test_a_warning_can_be_acknowledged_on_its_construct() -> None:
    scope = stack()
    Annotations.of(_with_mapping(scope)).acknowledge_warning(ID, "one record a batch")
    assert warnings(scope, "*") == []


def test_a_warning_that_is_acknowledged_elsewhere_stays() -> None:
    scope = stack()
    _with_mapping(scope)
    Annotations.of(function(scope, "Other")).acknowledge_warning(ID, "another one")
    assert len(warnings(scope, "*")) == 1


def test_an_error_names_the_construct_and_its_id() -> None:
    scope = stack()
    attached = function(scope)
    Idempotency(scope, "Idempotency").attach(attached)
    attached.add_environment("LARGE", "x" * 5000)
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


def test_no_two_rules_have_one_id() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_the_queue_behind_a_mapping_is_found_across_stacks() -> None:
    scope = app()
    queue = sqs.Queue(stack(scope, "Queues"), "Queue")
    worker = function(stack(scope, "Workers"), "Worker")
    worker.add_event_source(sources.SqsEventSource(queue))
    mapping = _mapping(worker)
    [found] = ConstructTree(scope).referenced(mapping, mapping.event_source_arn)
    assert found.node.path == "Queues/Queue/Resource"


def test_nothing_is_behind_an_arn_of_somewhere_else() -> None:
    scope = stack()
    arn = "arn:aws:sqs:us-east-1:111111111111:orders"
    function(scope).add_event_source(
        sources.SqsEventSource(sqs.Queue.from_queue_arn(scope, "Q", arn))
    )
    mapping = _mapping(scope)
    assert ConstructTree(scope.node.root).referenced(mapping, mapping.event_source_arn) == []


@pytest.mark.parametrize("kind", ["function", "version", "alias"])
def test_the_function_behind_a_mapping_is_found(kind: str) -> None:
    scope = stack()
    worker = function(scope, "Worker")
    version = worker.current_version
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=version)
    target = {"function": worker, "version": version, "alias": alias}[kind]
    target.add_event_source(sources.SqsEventSource(sqs.Queue(scope, "Queue")))
    mapping = _mapping(scope)
    assert ConstructTree(scope.node.root).functions(mapping, mapping.function_name) == {
        "Stack/Worker"
    }


def test_an_imported_function_is_none_of_the_apps() -> None:
    scope = App()
    mapping = lambda_.CfnEventSourceMapping(
        Stack(scope, "Stack"), "Mapping", function_name="elsewhere"
    )
    assert ConstructTree(scope).functions(mapping, mapping.function_name) == set()
