"""What synthesis costs for many functions."""

from __future__ import annotations

from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import Idempotency
from kit.synth import app, function, jsii_calls, stack, vpc


def _cost(functions: int) -> int:
    """Of synthesising an app whose functions are in a VPC and read queues."""
    root = app()
    scope = stack(root)
    home = vpc(scope, nat=False)
    idempotency = Idempotency(scope, "Idempotency")
    for number in range(functions):
        attached = function(scope, f"Function{number}", vpc=home)
        queue = sqs.Queue(scope, f"Queue{number}")
        attached.add_event_source(sources.SqsEventSource(queue))
        idempotency.attach(attached)
    with jsii_calls() as count:
        root.synth()
    return count[0]


def test_the_hundredth_function_costs_no_more_than_the_first() -> None:
    few, more, many = (_cost(functions) for functions in (4, 8, 12))
    assert 0 < many - more <= (more - few) * 1.1
