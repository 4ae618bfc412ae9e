"""What the checks ask of the CDK grows with the app, and not faster."""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency.checks.validation import AppValidation
from kit.checks import attached
from kit.synth import app, function, jsii_calls, stack


def _calls(*, stacks: int, functions: int) -> int:
    """How often the checks of an app call the CDK: each call is a round trip to Node."""
    scope = app()
    for number in range(stacks):
        home = stack(scope, f"Stack{number}")
        api = apigateway.RestApi(home, "Api")
        workers = [function(home, f"Function{each}") for each in range(functions)]
        for each, worker in enumerate(workers):
            worker.add_event_source(sources.SqsEventSource(sqs.Queue(home, f"Queue{each}")))
            api.root.add_resource(f"r{each}").add_method(
                "POST", apigateway.LambdaIntegration(worker)
            )
        attached(*workers)
    with jsii_calls() as count:
        AppValidation.of(home).validate()
    return count[0]


def test_twice_the_functions_are_twice_the_effort() -> None:
    one, two, four = (_calls(stacks=1, functions=count) for count in (1, 2, 4))
    assert four - two <= 2.1 * (two - one)


def test_an_app_is_looked_through_once_for_all_its_constructs() -> None:
    together = _calls(stacks=1, functions=4)
    apart = _calls(stacks=4, functions=1)
    assert apart <= 1.5 * together
