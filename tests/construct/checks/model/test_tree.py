"""References from one resource of the app to another."""

from __future__ import annotations

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency.checks.model.tree import ConstructTree
from constructs import Construct
from kit.synth import app, function, stack


def _mapping(scope: Construct) -> lambda_.CfnEventSourceMapping:
    [found] = ConstructTree(scope.node.root).resources(lambda_.CfnEventSourceMapping)
    return found


def test_the_queue_of_a_mapping_is_found_across_stacks() -> None:
    scope = app()
    queue = sqs.Queue(stack(scope, "Queues"), "Queue")
    worker = function(stack(scope, "Workers"), "Worker")
    worker.add_event_source(sources.SqsEventSource(queue))
    mapping = _mapping(worker)
    [found] = ConstructTree(scope).referenced(mapping, mapping.event_source_arn)
    assert found.node.path == "Queues/Queue/Resource"


def test_an_arn_of_another_app_refers_to_nothing() -> None:
    scope = stack()
    arn = "arn:aws:sqs:us-east-1:111111111111:orders"
    function(scope).add_event_source(
        sources.SqsEventSource(sqs.Queue.from_queue_arn(scope, "Q", arn))
    )
    mapping = _mapping(scope)
    assert ConstructTree(scope.node.root).referenced(mapping, mapping.event_source_arn) == []


@pytest.mark.parametrize("kind", ["function", "version", "alias"])
def test_the_function_of_a_mapping_is_found(kind: str) -> None:
    scope = stack()
    worker = function(scope, "Worker")
    version = worker.current_version
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=version)
    target = {"function": worker, "version": version, "alias": alias}[kind]
    target.add_event_source(sources.SqsEventSource(sqs.Queue(scope, "Queue")))
    mapping = _mapping(scope)
    tree = ConstructTree(scope.node.root)
    assert tree.functions(mapping, mapping.function_name) == {"Stack/Worker"}


def test_an_imported_function_is_none_of_the_apps() -> None:
    scope = App()
    mapping = lambda_.CfnEventSourceMapping(
        Stack(scope, "Stack"), "Mapping", function_name="elsewhere"
    )
    assert ConstructTree(scope).functions(mapping, mapping.function_name) == set()
