"""What the checks ask of the CDK grows with the app, and not faster."""

from __future__ import annotations

from typing import Any

import jsii
import pytest
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

from cdk_idempotency.checks.guard import Guard
from kit.checks import attached
from kit.synth import app, function, stack


def _calls(monkeypatch: pytest.MonkeyPatch, *, stacks: int, functions: int) -> int:
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
    calls = 0
    process = jsii.kernel.provider._process  # type: ignore[attr-defined]
    send = process.send

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return send(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(process, "send", counted)
        Guard.of(home).validate()
    return calls


def test_twice_the_functions_are_twice_the_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, four = (_calls(monkeypatch, stacks=1, functions=count) for count in (1, 2, 4))
    assert four - two <= 2.1 * (two - one)


def test_an_app_is_looked_through_once_for_all_its_constructs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = _calls(monkeypatch, stacks=1, functions=4)
    apart = _calls(monkeypatch, stacks=4, functions=1)
    assert apart <= 1.5 * together
