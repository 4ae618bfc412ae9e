"""The checks' calls to the CDK, each a round trip to Node, grow with the app and not faster."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import pytest
from aws_cdk import App
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import IdempotencyStore, RedisCredentials
from cdk_idempotency.checks.validation import AppValidation
from kit.checks import attached
from kit.synth import app, function, jsii_calls, stack, vpc

HOST = "redis.example.com"
REDIS = IdempotencyStore.redis(host=HOST, credentials=RedisCredentials.none())
IDENTIFIED = IdempotencyStore.redis(
    host=HOST, cluster=True, credentials=RedisCredentials.iam(cache="cache", user="user")
)


class Calls(NamedTuple):
    """Calls to the CDK: of the checks alone, and of a synthesis with the checks."""

    checks: int
    synthesis: int


@cache
def _calls(*, stacks: int, functions: int) -> Calls:
    root = _app(stacks, functions)
    with jsii_calls() as checks:
        AppValidation.of(root.node.find_child("Stack0")).validate()
    with jsii_calls() as synthesis:
        root.synth()
    return Calls(checks[0], synthesis[0])


def _app(stacks: int, functions: int) -> App:
    """Return an app whose functions are in a VPC, poll queues and are behind an API."""
    root = app()
    for number in range(stacks):
        scope = stack(root, f"Stack{number}")
        home = vpc(scope, nat=False)
        api = apigateway.RestApi(scope, "Api")
        workers = [function(scope, f"Function{each}", vpc=home) for each in range(functions)]
        for each, worker in enumerate(workers):
            worker.add_event_source(sources.SqsEventSource(sqs.Queue(scope, f"Queue{each}")))
            api.root.add_resource(f"r{each}").add_method(
                "POST", apigateway.LambdaIntegration(worker)
            )
        attached(*workers)
    return root


def test_each_function_costs_no_more_than_the_one_before() -> None:
    few, more, many = (_calls(stacks=1, functions=count) for count in (2, 3, 4))
    assert 0 < many.checks - more.checks <= (more.checks - few.checks) * 1.1
    assert 0 < many.synthesis - more.synthesis <= (more.synthesis - few.synthesis) * 1.1


@pytest.mark.parametrize("store", [None, REDIS, IDENTIFIED], ids=["table", "server", "iam"])
def test_a_function_takes_few_calls(store: IdempotencyStore | None) -> None:
    """CDK's own `grant_read_write_data` and `add_environment` take two, and a name."""

    def calls(count: int) -> int:
        scope = stack()
        functions = [function(scope, f"Function{number}") for number in range(count)]
        with jsii_calls() as made:
            attached(*functions, store=store)
            AppValidation.of(scope).validate()
        return made[0]

    assert calls(12) - calls(2) <= 10 * 25


def test_an_app_is_looked_through_once_for_all_its_constructs() -> None:
    together = _calls(stacks=1, functions=4)
    apart = _calls(stacks=4, functions=1)
    assert apart.checks <= 2 * together.checks
